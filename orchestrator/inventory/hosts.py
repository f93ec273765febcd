"""From host variables to servers: reading and checking what each host says of itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from orchestrator.inventory import roles
from orchestrator.inventory.findings import did_you_mean
from orchestrator.model.build import Build, UnknownBuild
from orchestrator.model.topology import PoolId

if TYPE_CHECKING:
    from orchestrator.diagnostic import Place
    from orchestrator.inventory.findings import Findings
    from orchestrator.inventory.raw_host import RawHost, RawHosts
    from orchestrator.model.build import Catalogue

ASSUMED_MINUTES = 30
"""For a host without an estimate: no trustworthy figure is published; ask those who did it."""

MOST_MINUTES = 24 * 60
OLD_LINES = frozenset({"2007", "2010"})
"""Lines that run on Windows versions without PowerShell 5.1, which Ansible's modules need."""

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


@dataclass(frozen=True)
class Host:
    """One server as its variables describe it; None where they do not, or wrongly.

    Parameters
    ----------
    name : str
    place : Place
    places : mapping of variable name to Place
    site : str or None
    build : Build or None
    product_line : str or None
        Follows from the build.
    minutes : int
    internal_url, external_url : str
        Empty where there is none.
    management_host : str
    version_folders : tuple of Build
        Builds whose folder ``owa\\<build>`` the server is said to have.
    """

    name: str
    place: Place
    site: str | None
    build: Build | None
    product_line: str | None
    minutes: int = ASSUMED_MINUTES
    internal_url: str = ""
    external_url: str = ""
    management_host: str = ""
    version_folders: tuple[Build, ...] = ()
    places: Mapping[str, Place] = field(default_factory=dict)

    @property
    def pool(self) -> PoolId | None:
        """The pool it belongs to, where site and build are known."""
        if self.site is None or self.product_line is None:
            return None
        return PoolId(self.site, self.product_line)

    def place_of(self, variable: str) -> Place:
        """Where a variable was given, else where the host is."""
        return self.places.get(variable, self.place)


def read(raw: RawHosts, catalogue: Catalogue, findings: Findings) -> tuple[Host, ...]:
    """Turn every host of the group ``exchange`` into a `Host`, sorted by name."""
    hosts = [_Reader(host, raw, catalogue, findings).host() for host in raw.exchange]
    return tuple(sorted(hosts, key=lambda host: host.name))


class _Reader:
    """Reads one host; each method one variable."""

    def __init__(
        self, raw: RawHost, everything: RawHosts, catalogue: Catalogue, findings: Findings
    ) -> None:
        self._raw = raw
        self._all = everything
        self._catalogue = catalogue
        self._findings = findings

    def host(self) -> Host:
        name = self._raw.name
        if not _NAME.fullmatch(name):
            self._error(
                "CAS-E117",
                "",
                "the name would be read as a pattern by Ansible",
                "use letters, digits, hyphens and dots, and ansible_host for the address",
            )
        roles.check(self._raw, self._findings)
        build = self._build()
        line = self._catalogue.product_line(build) if build else None
        return Host(
            name=name,
            place=self._raw.place,
            site=self._site(),
            build=build,
            product_line=line,
            minutes=self._minutes(),
            internal_url=self._url("exchange_owa_internal_url", required=True),
            external_url=self._url("exchange_owa_external_url", required=False),
            management_host=self._management_host(line),
            version_folders=self._version_folders(),
            places={v: self._raw.place_of(v) for v in self._raw.variables},
        )

    def _build(self) -> Build | None:
        value = self._value("exchange_build")
        if value is None:
            if not self._unresolved("exchange_build"):
                example = "exchange_build: 14.2.283.3 or exchange_build: 2010 SP2 RU1"
                self._error("CAS-E102", "exchange_build", "has no exchange_build", f"add {example}")
            return None
        if not isinstance(value, str):
            message = f"exchange_build was read as {_kind(value)}, which is no build"
            self._error(
                "CAS-E103", "exchange_build", message, "write all four parts, in quotes if in doubt"
            )
            return None
        try:
            return self._catalogue.read(value)
        except UnknownBuild as error:
            message, _, suggestion = str(error).partition("; ")
            remedy = suggestion or "look it up in ExSetup.exe's file version"
            self._error("CAS-E101", "exchange_build", f"build {message}", remedy)
            return None

    def _site(self) -> str | None:
        value = self._value("ad_site")
        if isinstance(value, str) and value.strip():
            return value.strip()
        if value is None:
            if not self._unresolved("ad_site"):
                remedy = "add ad_site: SITE for it or for a group it is in"
                self._error("CAS-E104", "ad_site", "has no ad_site", remedy)
        else:
            message = f"ad_site was read as {_kind(value)}, which is not a name"
            self._error("CAS-E104", "ad_site", message, "put the name in quotes")
        return None

    def _minutes(self) -> int:
        variable = "exchange_estimated_minutes"
        value = self._value(variable)
        if value is None:
            if not self._unresolved(variable):
                self._findings.warn(
                    "CAS-W101",
                    self._subject,
                    f"has no {variable}: {ASSUMED_MINUTES} are assumed",
                    self._raw.place,
                    "ask who updated it last how long it took",
                )
            return ASSUMED_MINUTES
        text = str(value).strip()
        if isinstance(value, bool) or not re.fullmatch(r"[0-9]{1,5}", text):
            minutes = 0
        else:
            minutes = int(text)
        if not 1 <= minutes <= MOST_MINUTES:
            message = f"{variable} {value!r} is not a whole number from 1 to {MOST_MINUTES}"
            self._error("CAS-E112", variable, message, "give the minutes one server takes")
        return minutes

    def _url(self, variable: str, *, required: bool) -> str:
        code = "CAS-E113" if required else "CAS-E114"
        value = self._value(variable)
        if value is None or value == "":
            if required and not self._unresolved(variable):
                remedy = "add the InternalUrl that Get-OwaVirtualDirectory shows"
                self._error(code, variable, f"has no {variable}", remedy)
            return ""
        if not isinstance(value, str) or not _is_web_address(value):
            message = f"{variable} {value!r} is not a web address"
            self._error(code, variable, message, "write it like https://name.example/owa")
            return ""
        return value

    def _version_folders(self) -> tuple[Build, ...]:
        variable = "exchange_version_folders"
        given = self._value(variable)
        # an INI file has no lists: there it is one text
        words = given.split(",") if isinstance(given, str) else given or []
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            message = f"{variable} {given!r} is not a list of builds"
            self._error("CAS-E120", variable, message, 'write it like ["8.3.83.6", 2007 SP3 RU6]')
            return ()
        found = set()
        for word in filter(None, map(str.strip, words)):
            try:
                found.add(self._catalogue.read(word))
            except UnknownBuild as error:
                message, _, suggestion = str(error).partition("; ")
                remedy = suggestion or "it is the name of the folder below ClientAccess\\owa"
                self._error("CAS-E120", variable, f"{variable}: build {message}", remedy)
        return tuple(sorted(found))

    def _management_host(self, line: str | None) -> str:
        variable = "exchange_management_host"
        value = self._value(variable)
        if value is None or value == "":
            if line in OLD_LINES and not self._unresolved(variable):
                self._error(
                    "CAS-E111",
                    variable,
                    f"Exchange {line} runs on Windows without PowerShell 5.1, which Ansible's "
                    "modules need, and it has no exchange_management_host",
                    "name a Windows Server 2016 or later of the group management",
                )
            return ""
        name = str(value)
        if name not in self._all.names:
            remedy = did_you_mean(name, self._all.management or self._all.names)
            message = f'management host "{name}" is not in the inventory'
            self._error("CAS-E110", variable, message, remedy)
        elif name in {host.name for host in self._all.exchange}:
            message = f'management host "{name}" is an Exchange server itself'
            self._error("CAS-E118", variable, message, "name a host of the group management")
        elif name in self._all.borrowed_address:
            self._findings.error(
                "CAS-E119",
                f"management host {name}",
                "its ansible_host is made from inventory_hostname, which under delegate_to is the "
                "Exchange server's name: modules would be sent to the Exchange server",
                self._all.borrowed_address[name],
                f"write the address itself: ansible_host: {name}.your.domain",
            )
        elif name not in self._all.management:
            self._findings.warn(
                "CAS-W102",
                self._subject,
                f'management host "{name}" is not in the group management',
                self._raw.place_of(variable),
                "add it there, so that the group's connection variables hold for it",
            )
        return name

    @property
    def _subject(self) -> str:
        return f"host {self._raw.name}"

    def _value(self, variable: str) -> object:
        found = self._raw.variables.get(variable)
        return found.value if found else None

    def _unresolved(self, variable: str) -> bool:
        return variable in self._raw.unresolved

    def _error(self, code: str, variable: str, message: str, remedy: str) -> None:
        place = self._raw.place_of(variable)
        self._findings.error(code, self._subject, message, place, remedy)


def _kind(value: object) -> str:
    """What YAML made of a word that people meant as a name."""
    if isinstance(value, bool):
        return "yes or no"
    if isinstance(value, (int, float)):
        return f"the number {value}"
    return "a list or mapping"


def _is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        host = parts.hostname
    except ValueError:
        return False
    return parts.scheme in {"https", "http"} and bool(host) and not re.search(r"\s", text)
