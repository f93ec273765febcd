"""Exports of Exchange's cmdlets from a farm of two sites, in every form."""

from __future__ import annotations

import json

SERVERS = [
    ("PAR-CAS-01", "paris", "Version 14.2 (Build 247.5)", "ClientAccess, HubTransport"),
    ("BER-CAS-01", "berlin", "Version 14.2 (Build 247.5)", "ClientAccess, HubTransport"),
    ("LIS-CAS-71", "lisbon", "Version 8.3 (Build 83.6)", "ClientAccess"),
    ("BER-MBX-01", "berlin", "Version 14.2 (Build 247.5)", "Mailbox"),
]
BUILDS = {
    "PAR-CAS-01": "14.02.0283.003",
    "BER-CAS-01": "14.02.0247.005",
    "LIS-CAS-71": "08.03.0245.002",
}
OWA = [
    ("PAR-CAS-01", "https://par-cas-01.contoso.example/owa", "https://mail.contoso.example/owa"),
    ("BER-CAS-01", "https://ber-cas-01.contoso.example/owa", ""),
    ("LIS-CAS-71", "https://lis-cas-71.contoso.example/owa", ""),
]


def servers() -> list[dict[str, str]]:
    """`Get-ExchangeServer`."""
    return [
        {
            "Name": name,
            "Fqdn": f"{name.lower()}.contoso.example",
            "Site": f"contoso.example/Configuration/Sites/{site}",
            "AdminDisplayVersion": version,
            "ServerRole": roles,
        }
        for name, site, version, roles in SERVERS
    ]


def directories() -> list[dict[str, str]]:
    """`Get-OwaVirtualDirectory`."""
    return [
        {
            "Server": name,
            "Name": "owa (Default Web Site)",
            "InternalUrl": internal,
            "ExternalUrl": external,
            "WindowsAuthentication": "True",
            "FormsAuthentication": "False",
        }
        for name, internal, external in OWA
    ]


def builds() -> list[dict[str, str]]:
    """File versions of ExSetup.exe."""
    return [{"Server": name, "SetupVersion": version} for name, version in BUILDS.items()]


def mailboxes() -> list[dict[str, str]]:
    """`Get-Mailbox | Group-Object ServerName`."""
    return [{"Count": "320", "Name": "BER-MBX-01"}, {"Count": "45", "Name": "LIS-CAS-71"}]


def csv(rows: list[dict[str, str]], separator: str = ",") -> str:
    """`Export-Csv`."""
    lines = [separator.join(f'"{name}"' for name in rows[0])]
    lines += [separator.join(f'"{value}"' for value in row.values()) for row in rows]
    return "\r\n".join(lines) + "\r\n"


def clixml(rows: list[dict[str, str]], type_name: str) -> str:
    """`Export-Clixml`; a build and a list of roles are objects there."""
    shown = []
    for number, row in enumerate(rows):
        values = "".join(_value(name, value, number) for name, value in row.items())
        kind = (
            '<TNRef RefId="0" />'
            if number
            else f'<TN RefId="0"><T>{type_name}</T><T>System.Object</T></TN>'
        )
        shown.append(
            f'<Obj RefId="{number}">{kind}<ToString>x</ToString><Props>{values}</Props></Obj>'
        )
    space = "http://schemas.microsoft.com/powershell/2004/04"
    return f'<Objs Version="1.1.0.1" xmlns="{space}">{"".join(shown)}</Objs>'


def _value(name: str, value: str, number: int) -> str:
    if name == "AdminDisplayVersion":
        return (
            f'<Obj N="{name}" RefId="{number + 100}"><TN RefId="9"><T>ServerVersion</T></TN>'
            f'<ToString>{value}</ToString><Props><I32 N="Major">14</I32></Props></Obj>'
        )
    if not value:
        return f'<Nil N="{name}" />'
    return f'<S N="{name}">{value}</S>'


def as_json(rows: list[dict[str, str]]) -> str:
    """`ConvertTo-Json`, which takes builds and addresses apart."""
    whole: list[dict[str, object]] = []
    for row in rows:
        item: dict[str, object] = {**row}
        if "AdminDisplayVersion" in row:
            numbers = [
                int(part)
                for part in row["AdminDisplayVersion"]
                .replace(")", "")
                .replace(" (Build ", ".")
                .split()[1]
                .split(".")
            ]
            item["AdminDisplayVersion"] = dict(
                zip(("Major", "Minor", "Build", "Revision"), numbers, strict=True)
            )
        for name in ("InternalUrl", "ExternalUrl"):
            if row.get(name):
                item[name] = {"AbsoluteUri": row[name], "IsFile": False}
        whole.append(item)
    return json.dumps(whole)
