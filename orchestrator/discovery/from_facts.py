"""What hosts said of themselves, as a draft of an organisation."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from orchestrator.diagnostic import Diagnostic, Place
from orchestrator.discovery.draft import Draft, DraftServer, VirtualDirectory
from orchestrator.inventory.organization import SITE_NAME
from orchestrator.inventory.roles import CLIENT_ACCESS, MAILBOX
from orchestrator.model.build import PRODUCT_LINES, Build, Catalogue
from orchestrator.model.topology import Protocol

_ROLES = {"Edge": "EdgeTransport"}
"""Names of exchange_server_facts that the inventory spells otherwise."""


def draft(
    answers: Mapping[str, Mapping[str, Any]],
    catalogue: Catalogue,
    places: Mapping[str, Place] | None = None,
) -> tuple[Draft, tuple[Diagnostic, ...]]:
    """Take apart what exchange_server_facts returned with ``scope: inventory``.

    Parameters
    ----------
    answers : mapping of inventory name to ``exchange_server``
    catalogue : Catalogue
        The builds that are known.
    places : mapping of inventory name to Place, optional

    Returns
    -------
    Draft
        Only servers whose answer could be used.
    tuple of Diagnostic
        CAS-E506 for each other.
    """
    servers, problems = [], []
    for name, answer in sorted(answers.items()):
        place = (places or {}).get(name)
        try:
            servers.append(replace(_server(name, answer, catalogue), place=place))
        except (KeyError, TypeError, ValueError) as error:
            what = f"lacks {error}" if isinstance(error, KeyError) else f"cannot be used: {error}"
            problems.append(
                Diagnostic(
                    "CAS-E506",
                    f"host {name}",
                    f"could not be read: its answer {what}",
                    place,
                    "it counts as not read; look at the server and its management host",
                )
            )
    return Draft(_organization(servers), tuple(servers)), tuple(problems)


def _server(name: str, answer: Mapping[str, Any], catalogue: Catalogue) -> DraftServer:
    build = Build.parse(str(answer["build"]))
    site = str(answer["ad_site"] or "")
    if not re.fullmatch(SITE_NAME, site):
        raise ValueError(f'it names "{site}" as its Active Directory site')
    # The catalogue may not hold an interim update's build; the server knows its line itself.
    line = catalogue.product_line(build) or str(answer["product_line"])
    if line not in PRODUCT_LINES:
        raise ValueError(f'it calls itself Exchange "{line}"')
    owa = answer["virtual_directories"]["owa"]
    return DraftServer(
        name=name,
        site=site,
        address=str(answer["fqdn"]).lower(),
        product_line=line,
        build=build,
        roles=tuple(_ROLES.get(role, str(role)) for role in answer["roles"]),
        dag=str(answer["dag"] or ""),
        directories=_directories(answer["all_virtual_directories"], owa),
        facts=_facts(answer),
    )


def _directories(rows: Any, owa: Mapping[str, Any] | None) -> Mapping[Protocol, VirtualDirectory]:
    known = {protocol.value for protocol in Protocol}
    found: dict[Protocol, VirtualDirectory] = {}
    for row in rows:
        if row["protocol"] not in known:
            continue
        # Exchange 2007 lists old names beside owa; the one the module singles out is the one.
        if row["protocol"] == Protocol.OWA and owa and row["identity"] != owa["identity"]:
            continue
        ways = {*row["internal_authentication"], *row["external_authentication"]}
        directory = VirtualDirectory(
            internal_url=str(row["internal_url"] or ""),
            external_url=str(row["external_url"] or ""),
            authentication=tuple(sorted(map(str, ways))),
            cross_site_redirect_type=str(row["cross_site_redirect_type"] or ""),
        )
        found.setdefault(Protocol(row["protocol"]), directory)
    return found


def _facts(answer: Mapping[str, Any]) -> dict[str, str]:
    rollups = answer["rollups"]
    stopped = [s for s in answer["services"] if s["required"] and s["state"] != "Running"]
    return {
        "rollups": _listed(r["build"] or r["display_name"] for r in rollups),
        "interim updates": _listed(
            r["display_name"] for r in rollups if r["kind"] == "interim_update"
        ),
        "not cached": _listed(
            str(r["build"] or r["display_name"]) for r in rollups if not r["cached_package"]
        ),
        "pending restart": "yes" if answer["pending_restart"] else "no",
        "free disk": f"{int(answer['free_disk_mb'])} MiB",
        "automatic updates": str(answer["automatic_updates"]),
        "PowerShell": str(answer["powershell_version"]),
        "services": _listed(f"{s['name']} {s['state']} ({s['start_mode']})" for s in stopped),
        "addresses": _listed(answer["ip_addresses"] or ()),
        "IIS logs": str(answer["iis_log_directory"] or ""),
    }


def _listed(words: Any) -> str:
    return ", ".join(map(str, words))


def _organization(servers: list[DraftServer]) -> str:
    """A name for reports: the first part of the domain most servers are in."""
    domains = [server.address.partition(".")[2] for server in servers]
    common = max(sorted(set(domains)), key=domains.count, default="")
    return common.partition(".")[0]


def covered(server: DraftServer) -> bool:
    """Whether plans can deal with it: a Client Access server without mailboxes."""
    return CLIENT_ACCESS in server.roles and MAILBOX not in server.roles and not server.dag


def left_out(draft_: Draft) -> tuple[Diagnostic, ...]:
    """Servers that were read and belong into no plan, and sites that cannot be whole.

    CAS-W803 a role no plan covers, CAS-W804 a site of mailbox servers only.
    """
    found = []
    sites: dict[str, list[DraftServer]] = {}
    for server in draft_.servers:
        sites.setdefault(server.site, []).append(server)
        if covered(server):
            continue
        if CLIENT_ACCESS in server.roles:
            why = (
                "holds mailboxes beside Client Access"
                + (f" and is a member of {server.dag}" if server.dag else "")
                + ": no plan covers such a server, and paths of its pool are not judged"
            )
            remedy = "update it by its own procedure; it stands in the group exchange_left_out"
        else:
            why = f"does not hold the Client Access role ({', '.join(server.roles) or 'no role'})"
            remedy = "nothing is proxied by it or to it; it stands in the group exchange_left_out"
        found.append(_warning("CAS-W803", f"host {server.name}", why, server.place, remedy))
    for site, members in sorted(sites.items()):
        if any(CLIENT_ACCESS in server.roles for server in members):
            continue
        if not any(MAILBOX in server.roles for server in members):
            continue
        names = ", ".join(server.name for server in members)
        found.append(
            _warning(
                "CAS-W804",
                f"site {site}",
                f"only Mailbox servers were read ({names}): Exchange needs a Client Access server "
                "in every site with mailboxes, so some are missing from the list",
                members[0].place,
                "add the Client Access servers of this site to the list and discover again",
            )
        )
    return tuple(found)


def _warning(code: str, subject: str, message: str, place: Place | None, remedy: str) -> Diagnostic:
    from orchestrator.diagnostic import Severity

    return Diagnostic(code, subject, message, place, remedy, Severity.WARNING)
