"""What logs and exports show, as values: each with its place, its time span and its confidence.

Evidence speaks of servers by host name in lower case without domain, or by IP address where no
name is known; `Evidence.names` holds the names of addresses. It never says that something is fine:
a path that was not seen may exist, and an event that was not logged may have been suppressed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from orchestrator.diagnostic import Diagnostic, Place
from orchestrator.model.build import Build
from orchestrator.model.topology import Protocol
from orchestrator.rules.rule import Confidence


@dataclass(frozen=True)
class Sighting:
    """When and where something was seen.

    Parameters
    ----------
    place : Place
        File and line (for .evtx: the record number) of the first one read.
    count : int
        How often; of rate-limited events a lower bound.
    first, last : datetime or None
        With time zone, in UTC; None where the input carries no time.
    """

    place: Place
    count: int = 1
    first: datetime | None = None
    last: datetime | None = None

    def __add__(self, other: Sighting) -> Sighting:
        firsts = [s.first for s in (self, other) if s.first is not None]
        lasts = [s.last for s in (self, other) if s.last is not None]
        return Sighting(
            min(self.place, other.place),
            self.count + other.count,
            min(firsts, default=None),
            max(lasts, default=None),
        )


@dataclass(frozen=True)
class PathEvidence:
    """A source server was seen proxying to a target server.

    Parameters
    ----------
    source, target : str
        Host name or address.
    protocol : Protocol
    sighting : Sighting
        ``count`` is proxied log-ons.
    confidence : Confidence
    how : str
        What makes us think so, for a person.
    hours : mapping of int to int
        Proxied log-ons by hour: hours since 1970-01-01T00Z to count; empty where not known.
    users : int or None
        Distinct people by name in the log; None where the log has no people's names.
    """

    source: str
    target: str
    protocol: Protocol
    sighting: Sighting
    confidence: Confidence
    how: str
    hours: Mapping[int, int] = field(default_factory=dict)
    users: int | None = None


class Meaning(StrEnum):
    """What an event of OWA proxying says about the server that logged it."""

    COOKIE = "cookie"
    """4999 in UpdateProxyUserContextIdFromResponse: the target's cookie was not understood."""
    FAILED_OVER = "failed-over"
    ALL_FAILED = "all-failed"
    NONE_FOUND = "none-found"
    SSL = "ssl"
    CERTIFICATE = "certificate"
    ACCESS_CHECK = "access-check"
    VERSION = "version"
    """46: the target's version does not go with the source's."""
    AUTHENTICATION = "authentication"


@dataclass(frozen=True)
class EventEvidence:
    """Events of one kind logged by one server.

    Parameters
    ----------
    server : str
        The one that logged it: the source of the proxied path.
    provider : str
        Event source, ``MSExchange Common``.
    event_id : int
    meaning : Meaning
    sighting : Sighting
    confidence : Confidence
    builds : tuple of Build
        Builds of the *logging* server named in the events, oldest first; several if it changed.
    targets : tuple of str
        Hosts named in the events as what was proxied to, sorted; empty where the text names none.
    """

    server: str
    provider: str
    event_id: int
    meaning: Meaning
    sighting: Sighting
    confidence: Confidence
    builds: tuple[Build, ...] = ()
    targets: tuple[str, ...] = ()


@dataclass(frozen=True)
class BuildEvidence:
    """A server was seen at a build; the newest sighting is the one that counts."""

    server: str
    build: Build
    sighting: Sighting
    confidence: Confidence
    how: str


@dataclass(frozen=True)
class UserEvidence:
    """People who logged on at a server, proxied or not.

    Parameters
    ----------
    users : int
        Distinct names; names of machine accounts (ending in ``$``) are not people.
    exact : bool
        False where there were too many to keep apart exactly.
    """

    server: str
    users: int
    exact: bool
    sighting: Sighting


@dataclass(frozen=True)
class FileRead:
    """What became of one input file, so that nothing found is never mistaken for nothing read.

    Parameters
    ----------
    file : str
    kind : str
        What it was read as: ``iis``, ``evtx``, ``clixml``, ``xml``, ``csv``, ``text``, ``json``.
    size : int
        Bytes read, after decompression.
    records : int
        Records or lines looked at.
    matched : int
        Those that became evidence.
    skipped : int
        Those that could not be read; `Evidence.findings` says why.
    """

    file: str
    kind: str
    size: int
    records: int
    matched: int
    skipped: int = 0


@dataclass(frozen=True)
class Evidence:
    """Everything a set of inputs shows, and what could not be read of them.

    Parameters
    ----------
    names : mapping of str to str
        IP address to host name, as far as the inputs tell it.
    findings : tuple of Diagnostic
        Warnings: files or records that were skipped, with place.
    """

    paths: tuple[PathEvidence, ...] = ()
    events: tuple[EventEvidence, ...] = ()
    builds: tuple[BuildEvidence, ...] = ()
    users: tuple[UserEvidence, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    files: tuple[FileRead, ...] = ()
    findings: tuple[Diagnostic, ...] = ()

    def __add__(self, other: Evidence) -> Evidence:
        return Evidence(
            self.paths + other.paths,
            self.events + other.events,
            self.builds + other.builds,
            self.users + other.users,
            {**self.names, **other.names},
            self.files + other.files,
            self.findings + other.findings,
        )


def together(parts: Iterable[Evidence]) -> Evidence:
    """All parts as one."""
    total = Evidence()
    for part in parts:
        total += part
    return total


def host_name(text: str) -> str:
    r"""A server's name as evidence uses it: ``CONTOSO\PAR-CAS-01$`` is ``par-cas-01``.

    Examples
    --------
    >>> host_name("Par-Cas-01.contoso.example")
    'par-cas-01'
    >>> host_name("10.1.2.3")
    '10.1.2.3'
    """
    name = text.strip().rsplit("\\", 1)[-1].removesuffix("$").lower()
    if ":" in name or name.replace(".", "").isdigit():
        return name
    return name.split(".", 1)[0].split("@", 1)[0]
