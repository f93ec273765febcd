"""Tallies of many logs to evidence: addresses become servers, days become one history."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from orchestrator.diagnostic import Diagnostic, Place, Severity
from orchestrator.discovery.distinct import Distinct
from orchestrator.discovery.evidence import (
    Evidence,
    FileRead,
    PathEvidence,
    Sighting,
    UserEvidence,
    host_name,
)
from orchestrator.discovery.files import InputFile
from orchestrator.discovery.iis.tally import FileTally, LoggedOn, Pair, Proxied
from orchestrator.model.topology import Protocol
from orchestrator.rules.rule import Confidence

Read = Sequence[tuple[InputFile, FileTally]]
_HOUR = 3600
BY_ACCOUNT = "proxied log-ons in the target's IIS log, the source by its machine account"
BY_ADDRESS = "proxied log-ons in the target's IIS log, the source by c-ip"
BY_STRANGER = (
    "proxied log-ons in the target's IIS log from an address nobody has named: a server whose logs "
    "were not given, or a load balancer that hides the source (SNAT)"
)
ONLY_REFUSED = "; the target accepted none of them"


def resolve(read: Read, names: Mapping[str, str]) -> Evidence:
    """Put the tallies together.

    Parameters
    ----------
    read : sequence of (InputFile, FileTally)
    names : mapping of str to str
        Host names by address that go before what the logs say.
    """
    known, findings = _names(read, names)
    paths: dict[tuple[str, str, str], _Path] = defaultdict(_Path)
    people: dict[str, _People] = defaultdict(_People)
    for file, tally in read:
        for pair, found in tally.proxied.items():
            target = _server(pair.server, file, known)
            source, how = _source(pair, known)
            place = Place(tally.file, found.line)
            if source == target:
                findings.append(_to_itself(source, found, place))
            else:
                paths[source, target, how].add(found, place)
        for address, logged_on in tally.logged_on.items():
            people[_server(address, file, known)].add(logged_on, Place(tally.file))
        findings += _file_findings(tally)
    findings += _refused(paths)
    return Evidence(
        paths=tuple(found.evidence(*key) for key, found in sorted(paths.items())),
        users=tuple(found.evidence(server) for server, found in sorted(people.items())),
        names=known,
        files=tuple(_file(tally) for _, tally in read),
        findings=tuple(findings),
    )


@dataclass
class _Path:
    parts: list[Sighting] = field(default_factory=list)
    hours: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    people: Distinct = field(default_factory=Distinct)
    refused: int = 0

    def add(self, found: Proxied, place: Place) -> None:
        self.parts.append(Sighting(place, found.count, _moment(found.first), _moment(found.last)))
        for hour, count in found.hours.items():
            self.hours[int(_moment(f"{hour}:00:00").timestamp()) // _HOUR] += count
        self.people.join(Distinct(found.people, exact=found.people_exact))
        self.refused += found.refused

    @property
    def sighting(self) -> Sighting:
        return sum(self.parts[1:], self.parts[0])

    def evidence(self, source: str, target: str, how: str) -> PathEvidence:
        seen = self.sighting
        if not seen.count:
            seen = Sighting(seen.place, self.refused, seen.first, seen.last)
            how += ONLY_REFUSED
        return PathEvidence(
            source=source,
            target=target,
            protocol=Protocol.OWA,
            sighting=seen,
            confidence=Confidence.INFER,
            how=how,
            hours=dict(sorted(self.hours.items())),
            users=len(self.people) or None,
        )


@dataclass
class _People:
    parts: list[Sighting] = field(default_factory=list)
    people: Distinct = field(default_factory=Distinct)

    def add(self, found: LoggedOn, place: Place) -> None:
        self.parts.append(Sighting(place, found.count, _moment(found.first), _moment(found.last)))
        self.people.join(Distinct(found.people, exact=found.people_exact))

    def evidence(self, server: str) -> UserEvidence:
        seen = sum(self.parts[1:], self.parts[0])
        return UserEvidence(server, len(self.people), self.people.exact, seen)


def _names(read: Read, given: Mapping[str, str]) -> tuple[dict[str, str], list[Diagnostic]]:
    """Host names by address: given, logged by the server itself, by folder, by machine account."""
    told: list[dict[str, set[str]]] = [defaultdict(set) for _ in range(3)]
    computers, folders, accounts = told
    for file, tally in read:
        for address, name in tally.computers.items():
            computers[address].add(host_name(name))
        for address in {*(pair.server for pair in tally.proxied), *tally.logged_on}:
            if file.folder and address:
                folders[address].add(host_name(file.folder))
        for pair in tally.proxied:
            if pair.account:
                accounts[pair.client].add(host_name(pair.account))
    names = {address: host_name(name) for address, name in given.items()}
    findings = []
    for kind, by_address in zip(("s-computername", "folder", "account"), told, strict=True):
        for address, found in sorted(by_address.items()):
            if len(found) == 1:
                names.setdefault(address, *found)
            elif address not in names:
                findings.append(_several_names(address, kind, found))
    return names, findings


def _several_names(address: str, kind: str, found: set[str]) -> Diagnostic:
    listed = ", ".join(sorted(found)[:5])
    if kind == "account":
        message = (
            f"{len(found)} servers proxy from this one address ({listed}): a load balancer or "
            "router hides them (SNAT); they are told apart by their machine accounts only"
        )
        return Diagnostic("CAS-W814", f"c-ip {address}", message, severity=Severity.WARNING)
    return Diagnostic(
        "CAS-W815",
        f"s-ip {address}",
        f"its logs lie in folders, or name computers, of {len(found)} names ({listed})",
        remedy="it is shown by its address; put the logs of each server into a folder of its name",
        severity=Severity.WARNING,
    )


def _to_itself(server: str, found: Proxied, place: Place) -> Diagnostic:
    return Diagnostic(
        "CAS-W817",
        f"host {server}",
        f"{found.count + found.refused} log-ons from itself were left out: there is no proxying "
        "within a server",
        place,
        severity=Severity.WARNING,
    )


def _server(address: str, file: InputFile, names: Mapping[str, str]) -> str:
    if address:
        return names.get(address, address)
    return host_name(file.folder) if file.folder else f"the server of {file.path.name}"


def _source(pair: Pair, names: Mapping[str, str]) -> tuple[str, str]:
    if pair.account:
        return host_name(pair.account), BY_ACCOUNT
    if pair.client in names:
        return names[pair.client], BY_ADDRESS
    return pair.client, BY_STRANGER


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _file(tally: FileTally) -> FileRead:
    matched = sum(found.count + found.refused for found in tally.proxied.values())
    arrived = sum(found.count for found in tally.logged_on.values())
    return FileRead(
        tally.file,
        "iis" if not tally.refused else "",
        tally.size,
        tally.lines,
        matched + arrived,
        sum(found.count for found in tally.skipped.values()),
    )


def _file_findings(tally: FileTally) -> list[Diagnostic]:
    if tally.refused:
        return [
            Diagnostic(
                "CAS-W812",
                f"file {tally.file}",
                f"{tally.refused}; nothing of it was used",
                remedy=tally.remedy,
                severity=Severity.WARNING,
            )
        ]
    return [
        Diagnostic(
            "CAS-W813",
            f"file {tally.file}",
            f"{found.count} not used: {why}",
            Place(tally.file, found.line),
            severity=Severity.WARNING,
        )
        for why, found in sorted(tally.skipped.items())
    ]


def _refused(paths: Mapping[tuple[str, str, str], _Path]) -> list[Diagnostic]:
    return [
        Diagnostic(
            "CAS-W816",
            f"path {source} -> {target}",
            f"{found.refused} proxied log-ons ended otherwise than with status 241",
            found.sighting.place,
            "look at the target's authentication and at the source's events 39 to 46 and 71",
            Severity.WARNING,
        )
        for (source, target, _), found in sorted(paths.items())
        if found.refused
    ]
