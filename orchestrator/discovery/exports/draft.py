"""From exported objects to a draft of the organisation."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace

from orchestrator.diagnostic import Diagnostic, Place, Severity
from orchestrator.discovery.draft import Draft, DraftServer, Todo, VirtualDirectory
from orchestrator.discovery.evidence import host_name
from orchestrator.discovery.exports.objects import Kind, protocol_of
from orchestrator.discovery.exports.values import build, last_part, text, truth, words
from orchestrator.discovery.rows.row import Row
from orchestrator.model.build import Build, Catalogue
from orchestrator.model.topology import PoolId, Protocol

_ROLES = {
    "clientaccess": "ClientAccess",
    "cafe": "ClientAccess",
    "frontendtransport": "",
    "hubtransport": "HubTransport",
    "mailbox": "Mailbox",
    "unifiedmessaging": "UnifiedMessaging",
    "edge": "EdgeTransport",
}
_METHODS = ("Basic", "Windows", "Digest", "Forms", "LiveId", "OAuth")
_NO_SITE_NAME = re.compile(r"[^A-Za-z0-9_-]+")


@dataclass
class Collected:
    """What the files have said so far."""

    catalogue: Catalogue
    organization: str = ""
    servers: dict[str, DraftServer] = field(default_factory=dict)
    client_access: set[str] = field(default_factory=set)
    setups: dict[str, Build] = field(default_factory=dict)
    directories: dict[str, dict[Protocol, tuple[VirtualDirectory, Place]]] = field(
        default_factory=dict
    )
    mailboxes: Counter[str] = field(default_factory=Counter)
    findings: list[Diagnostic] = field(default_factory=list)

    def add(self, kind: Kind, row: Row, place: Place) -> None:
        """Take an object in."""
        match kind:
            case Kind.SERVER:
                self._server(row, place)
            case Kind.CLIENT_ACCESS:
                self.client_access.add(host_name(text(row, "Name", "Fqdn")))
            case Kind.DIRECTORY:
                self._directory(row, place)
            case Kind.SETUP:
                self._setup(row, place)
            case Kind.MAILBOXES:
                count = text(row, "Count")
                if count.isdigit():
                    self.mailboxes[host_name(text(row, "Name"))] += int(count)
            case Kind.MAILBOX:
                self.mailboxes[host_name(text(row, "ServerName"))] += 1
            case Kind.ORGANIZATION:
                self.organization = text(row, "Name")

    def _server(self, row: Row, place: Place) -> None:
        name = host_name(text(row, "Name", "Fqdn"))
        shown = build(row, "AdminDisplayVersion")
        if not name:
            self._warn("CAS-W842", "an exported server", "it has no name; it was left out", place)
            return
        roles = {_ROLES.get(word.lower(), "") for word in words(row, "ServerRole")}
        roles |= {"ClientAccess"} if truth(row, "IsClientAccessServer") else set()
        self.servers[name] = DraftServer(
            name=name,
            site=_site(last_part(text(row, "Site"))),
            address=text(row, "Fqdn").lower(),
            product_line=(self.catalogue.product_line(shown) or "") if shown else "",
            build=shown,
            build_is_exact=False,
            roles=tuple(sorted(roles - {""})),
            dag=text(row, "DatabaseAvailabilityGroup"),
            place=place,
        )

    def _directory(self, row: Row, place: Place) -> None:
        protocol = protocol_of(row)
        server = host_name(text(row, "Server") or text(row, "Identity").partition("\\")[0])
        if protocol is None or not server:
            return
        known = self.directories.setdefault(server, {})
        found = VirtualDirectory(
            internal_url=text(row, "InternalUrl"),
            external_url=text(row, "ExternalUrl"),
            authentication=tuple(m for m in _METHODS if truth(row, f"{m}Authentication")),
            cross_site_redirect_type=text(row, "CrossSiteRedirectType"),
        )
        if protocol in known and known[protocol][0] != found:
            said = f"a second {protocol} directory with other values; the first one is used"
            self._warn("CAS-W843", f"host {server}", said, place)
            return
        known[protocol] = (found, place)

    def _setup(self, row: Row, place: Place) -> None:
        name = host_name(text(row, "Server", "ComputerName", "PSComputerName", "Name"))
        found = build(row, "SetupVersion", "ExSetupVersion")
        if found is None:
            said = f'"{text(row, "SetupVersion", "ExSetupVersion")}" is no build of ExSetup.exe'
            self._warn("CAS-W842", f"host {name}", said, place)
        else:
            self.setups[name] = found

    def _warn(self, code: str, subject: str, message: str, place: Place) -> None:
        found = Diagnostic(code, subject, message, place, severity=Severity.WARNING)
        self.findings.append(found)

    def draft(self) -> Draft:
        """The organisation, and what is left for a person to say."""
        servers = tuple(self._whole(server) for _, server in sorted(self.servers.items()))
        draft = Draft(self.organization, servers, self._pool_mailboxes())
        return replace(draft, todos=tuple(_todos(draft)))

    def _whole(self, server: DraftServer) -> DraftServer:
        exact = self.setups.get(server.name)
        directories = {
            protocol: found
            for protocol, (found, _) in sorted(self.directories.get(server.name, {}).items())
        }
        roles = set(server.roles) | ({"ClientAccess"} & self._role_of(server.name))
        return replace(
            server,
            build=exact or server.build,
            build_is_exact=exact is not None,
            product_line=(self.catalogue.product_line(exact) or "")
            if exact
            else server.product_line,
            roles=tuple(sorted(roles)),
            directories=directories,
        )

    def _role_of(self, name: str) -> set[str]:
        return {"ClientAccess"} if name in self.client_access else set()

    def _pool_mailboxes(self) -> dict[PoolId, int]:
        found: Counter[PoolId] = Counter()
        for name, count in self.mailboxes.items():
            server = self.servers.get(name)
            if server is not None and server.site and server.product_line:
                found[PoolId(server.site, server.product_line)] += count
        return dict(sorted(found.items()))


def _site(name: str) -> str:
    """A site's name as organization.yml takes it: no spaces or dots."""
    return _NO_SITE_NAME.sub("-", name).strip("-")


def _todos(draft: Draft) -> list[Todo]:
    found = []
    for server in draft.client_access:
        subject = f"host {server.name}"
        if server.build is None:
            found.append(Todo(subject, "exchange_build", "no export names it"))
        elif not server.build_is_exact:
            why = (
                f"AdminDisplayVersion shows {server.build}, which names the service pack but no "
                "rollup: read the file version of ExSetup.exe"
            )
            found.append(Todo(subject, "exchange_build", why))
        if not server.site:
            found.append(Todo(subject, "ad_site", "Get-ExchangeServer shows none"))
        if not server.directories:
            why = "no virtual directory of it was exported"
            found.append(Todo(subject, "exchange_owa_internal_url", why))
        found.append(Todo(subject, "exchange_estimated_minutes", "only people know"))
    for pool in sorted({PoolId(s.site, s.product_line) for s in draft.client_access}):
        subject = f"pool {pool}"
        found.append(Todo(subject, "minimum_in_service", "how many must keep serving"))
        found.append(Todo(subject, "test_mailbox", "a mailbox for probes"))
        found.append(Todo(subject, "redirect_url", "whether clients may be sent to it, and tested"))
    return found
