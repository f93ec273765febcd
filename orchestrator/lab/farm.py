"""The farm as it truly is, read from `lab.yml`; independent of the inventory the product reads."""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from orchestrator.lab import switches
from orchestrator.lab.builds import Build, parse_build
from orchestrator.lab.errors import LabError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


_AUTHENTICATION = ("Basic", "Fba", "Ntlm", "WindowsIntegrated")


@dataclass(frozen=True)
class Server:
    """An Exchange server as it stands when the lab starts afresh.

    Attributes:
        base: build of the service pack without rollups.
        rollups: installed rollups, oldest first; the last one is the build in force.
        powershell: its own PowerShell; below 5.1 it refuses Ansible's modules.
        dag: its database availability group; empty if none.
        interim_updates: names of interim updates on top of the rollups.
        owa_authentication: ways to log on to OWA, as Exchange names them.
        version_folders: of which other builds it has the folder owa\\<build>.
    """

    name: str
    site: str
    base: Build
    rollups: tuple[Build, ...]
    internal_url: str
    external_url: str
    powershell: str
    redirect_type: str
    roles: tuple[str, ...]
    dag: str
    free_disk_mb: int
    automatic_updates: str
    interim_updates: tuple[str, ...] = ()
    owa_authentication: tuple[str, ...] = _AUTHENTICATION
    version_folders: tuple[Build, ...] = ()

    @property
    def line(self) -> str:
        """Product line, `2007` or `2010`."""
        return self.base.line


@dataclass(frozen=True)
class ManagementHost:
    """A Windows host with PowerShell 5.1 from which old servers are managed."""

    name: str
    site: str


@dataclass(frozen=True)
class Mailbox:
    """A mailbox; its site and line are its pool."""

    address: str
    site: str
    line: str


@dataclass(frozen=True)
class Package:
    """A rollup or service pack on the file share; a service pack has no patch code."""

    path: str
    build: Build
    patch_code: str
    kb: str
    restart: bool

    @property
    def content(self) -> bytes:
        """The bytes of the simulated package."""
        return f"simulated package {self.build}\n".encode()


@dataclass(frozen=True)
class Farm:
    """Everything `lab.yml` says."""

    domain: str
    sites: tuple[str, ...]
    seconds: Mapping[str, float]
    servers: Mapping[str, Server]
    management_hosts: Mapping[str, ManagementHost]
    mailboxes: Mapping[str, Mailbox]
    packages: Mapping[Build, Package]
    published: Mapping[str, tuple[str, ...]]
    digest: str

    def fqdn(self, name: str) -> str:
        """The full name of a host."""
        return f"{name}.{self.domain}"

    def address(self, name: str) -> str:
        """The address of a server: its network is that of its site, and no other has it."""
        return self._addresses[name]

    @functools.cached_property
    def _addresses(self) -> dict[str, str]:
        counts = dict.fromkeys(self.sites, 0)
        found = {}
        for name, server in self.servers.items():
            high, low = divmod(counts[server.site], 200)
            counts[server.site] += 1
            found[name] = f"10.{1 + self.sites.index(server.site)}.{high}.{11 + low}"
        return found


def load(path: Path) -> Farm:
    """Read a farm file.

    Raises:
        LabError: no such file, YAML that does not parse, or a value that makes no sense.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise LabError(
            f"{path}: {error.strerror}; name an inventory folder that holds a lab.yml, "
            "such as -i inventories/contoso"
        ) from error
    try:
        content = yaml.safe_load(data)
    except yaml.YAMLError as error:
        place = getattr(error, "problem_mark", None)
        line = f":{place.line + 1}" if place is not None else ""
        problem = getattr(error, "problem", None) or "not YAML"
        raise LabError(f"{path}{line}: {problem}") from error
    if not isinstance(content, dict):
        raise LabError(f"{path}: expected a mapping with domain, sites, servers, packages")
    try:
        return _farm(content, hashlib.sha256(data).hexdigest())
    except KeyError as error:
        raise LabError(f"{path}: {error.args[0]} is missing") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise LabError(f"{path}: {error}") from error


def _farm(content: dict[str, Any], digest: str) -> Farm:
    domain = str(content["domain"])
    sites = tuple(str(site) for site in content["sites"])
    servers = {
        name: _server(name, entry, domain, sites) for name, entry in content["servers"].items()
    }
    hosts = {
        name: ManagementHost(name, _site(entry["site"], sites, name))
        for name, entry in content.get("management_hosts", {}).items()
    }
    packages = [_package(entry) for entry in content.get("packages", [])]
    published = {
        str(name): tuple(_known(server, servers, name) for server in names)
        for name, names in content.get("published", {}).items()
    }
    mailboxes = [_mailbox(entry, sites) for entry in content.get("mailboxes", [])]
    seconds = {
        "install": 1.0,
        "restart": 1.0,
        "propagation": 0.3,
        "module": 0.0,
        "page": 0.0,
        **content.get("seconds", {}),
    }
    return Farm(
        domain=domain,
        sites=sites,
        seconds={name: float(value) for name, value in seconds.items()},
        servers=servers,
        management_hosts=hosts,
        mailboxes={mailbox.address: mailbox for mailbox in mailboxes},
        packages={package.build: package for package in packages},
        published=published,
        digest=digest,
    )


def _server(name: str, entry: dict[str, Any], domain: str, sites: tuple[str, ...]) -> Server:
    base = parse_build(str(entry["base"]))
    rollups = tuple(parse_build(str(build)) for build in entry.get("rollups", []))
    if any(build.level != base.level for build in rollups):
        raise ValueError(f"server {name}: a rollup of another service pack than {base}")
    if list(rollups) != sorted(rollups):
        raise ValueError(f"server {name}: list the rollups oldest first")
    redirect_type = str(entry.get("redirect_type", "Manual"))
    if redirect_type not in switches.PER_SERVER["redirect_type"]:
        raise ValueError(f"server {name}: redirect_type is Manual or Silent")
    return Server(
        name=name,
        site=_site(entry["site"], sites, name),
        base=base,
        rollups=rollups,
        internal_url=str(entry.get("internal_url", f"https://{name}.{domain}/owa")),
        external_url=str(entry.get("external_url") or ""),
        powershell=str(entry.get("powershell", "2.0")),
        redirect_type=redirect_type,
        roles=tuple(entry.get("roles", ("ClientAccess", "HubTransport"))),
        dag=str(entry.get("dag") or ""),
        free_disk_mb=int(entry.get("free_disk_mb", 20_480)),
        automatic_updates=str(entry.get("automatic_updates", "disabled")),
        interim_updates=tuple(map(str, entry.get("interim_updates", ()))),
        owa_authentication=tuple(map(str, entry.get("owa_authentication", _AUTHENTICATION))),
        version_folders=tuple(parse_build(str(b)) for b in entry.get("version_folders", ())),
    )


def _package(entry: dict[str, Any]) -> Package:
    return Package(
        path=str(entry["path"]),
        build=parse_build(str(entry["build"])),
        patch_code=str(entry.get("patch_code") or "").upper(),
        kb=str(entry.get("kb") or ""),
        restart=bool(entry.get("restart", False)),
    )


def _mailbox(entry: dict[str, Any], sites: tuple[str, ...]) -> Mailbox:
    address = str(entry["address"]).lower()
    return Mailbox(address, _site(entry["site"], sites, address), str(entry["line"]))


def _site(site: object, sites: tuple[str, ...], owner: str) -> str:
    name = str(site)
    if name not in sites:
        raise ValueError(f'{owner}: unknown site "{name}"; sites are {", ".join(sites)}')
    return name


def _known(server: object, servers: Mapping[str, Server], published: object) -> str:
    name = str(server)
    if name not in servers:
        raise ValueError(f'published name {published}: unknown server "{name}"')
    return name
