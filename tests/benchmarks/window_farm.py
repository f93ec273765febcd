"""A farm on disk for the figures of a whole window: inventory, organisation and lab."""

from __future__ import annotations

import hashlib
from pathlib import Path

import yaml

HUB = "hub"
OLD, NEW = "14.2.247.5", "14.2.298.4"
_SHARE = "\\\\files.contoso.example\\exchange\\"
_CODE = "{A1429801-0000-4000-8000-000142029804}"
_SECRET = "lookup('ansible.builtin.file', exchange_secrets_folder ~ '/%s') | trim"


def site_names(sites: int) -> list[str]:
    """The hub, which proxies to all others, and the others."""
    return [HUB, *(f"site{number:02d}" for number in range(1, sites))]


def server_names(site: str, servers: int) -> list[str]:
    """The servers of a site."""
    return [f"{site}-cas-{number:02d}" for number in range(1, servers + 1)]


def write_farm(folder: Path, sites: int, servers: int, *, module_seconds: float = 0.0) -> None:
    """Write hosts.yml, organization.yml and lab.yml; everything before 2010 SP2 RU1."""
    names = site_names(sites)
    hosts = {s: {"ad_site": name} for name in names for s in server_names(name, servers)}
    mailbox = "probe-{{ ad_site }}@contoso.example"
    password = "{{ " + _SECRET.replace(
        "'/%s'", "'/mailboxes/' ~ exchange_test_mailbox ~ '.password'"
    )
    inventory = {
        "all": {
            "vars": {
                "ansible_host": "{{ inventory_hostname }}.contoso.example",
                "ansible_connection": "ansible.builtin.psrp",
                "ansible_port": 5986,
                "ansible_psrp_protocol": "https",
                "ansible_psrp_auth": "ntlm",
                "ansible_user": "Administrator",
                "ansible_password": "{{ " + _SECRET % "administrator.password" + " }}",
            },
            "children": {
                "management": {"hosts": {"mgmt": {"ansible_host": "mgmt.contoso.example"}}},
                "exchange": {
                    "vars": {
                        "exchange_management_host": "mgmt",
                        "exchange_build": OLD,
                        "exchange_roles": ["ClientAccess"],
                        "exchange_owa_internal_url": "https://{{ ansible_host }}/owa",
                        "exchange_estimated_minutes": 10,
                        "exchange_test_mailbox": mailbox,
                        "exchange_test_mailbox_password": password + " }}",
                    },
                    "hosts": hosts,
                },
            },
        }
    }
    digest = hashlib.sha256(f"simulated package {NEW}\n".encode()).hexdigest()
    package = {"path": _SHARE + "RU2.msp", "sha256": digest, "patch_code": _CODE}
    organization = {
        "version": 1,
        "organization": "benchmark",
        "replication_minutes": 1,
        "sites": {name: {"internet_facing": name == HUB} for name in names},
        "pools": [
            {
                "site": name,
                "product_line": 2010,
                "minimum_in_service": servers // 2,
                "outage_consent": True,
                "test_mailbox": f"probe-{name}@contoso.example",
            }
            for name in names
        ],
        "paths": [
            {"source": HUB, "target": name, "product_line": 2010, "protocol": "owa", "users": 100}
            for name in names[1:]
        ],
        "packages": {NEW: package},
    }
    lab = {
        "domain": "contoso.example",
        "sites": names,
        "seconds": {"install": 0.2, "restart": 0.2, "propagation": 0.1, "module": module_seconds},
        "management_hosts": {"mgmt": {"site": HUB}},
        "servers": {
            s: {"site": name, "base": OLD} for name in names for s in server_names(name, servers)
        },
        "mailboxes": [
            {"address": f"probe-{name}@contoso.example", "site": name, "line": "2010"}
            for name in names
        ],
        "packages": [{"path": package["path"], "build": NEW, "patch_code": _CODE, "restart": True}],
    }
    folder.mkdir(parents=True)
    for name, content in (("hosts", inventory), ("organization", organization), ("lab", lab)):
        text = yaml.safe_dump(content, sort_keys=False, width=10_000)
        (folder / f"{name}.yml").write_text(text)
