"""`orchestrator diagnose` from logs, with or without an inventory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from orchestrator.cli.inputs import show_warnings
from orchestrator.cli.reading_progress import reading
from orchestrator.cli.view import show
from orchestrator.diagnostic import Diagnostic
from orchestrator.discovery.answer import Answer, Builds, answer
from orchestrator.discovery.events.read import read_event_logs
from orchestrator.discovery.evidence import Evidence
from orchestrator.discovery.iis.read import read_iis_logs
from orchestrator.discovery.profile import HourProfile, profile
from orchestrator.errors import InvalidInput
from orchestrator.model.words import counted
from orchestrator.report.observed import Observed
from orchestrator.rules.engine import RuleBook

_MOST_WARNINGS = 25


@dataclass(frozen=True)
class Inputs:
    """What was given on the command line."""

    events: Sequence[Path] = ()
    iis_logs: Sequence[Path] = ()
    exports: Sequence[Path] = ()
    zones: Sequence[str] = ()

    def __bool__(self) -> bool:
        return bool(self.events or self.iis_logs or self.exports)


@dataclass(frozen=True)
class Zones:
    """Time zones by name: one for all sites, and those of some."""

    usual: str
    of_site: Mapping[str, str]

    @property
    def usual_zone(self) -> tzinfo:
        """For times of which nobody says where they were written."""
        return _zone(self.usual)


def read_zones(words: Sequence[str], sites: Collection[str]) -> Zones:
    """``Europe/Paris`` for all, ``lisbon=Europe/Lisbon`` for one site.

    Raises
    ------
    InvalidInput
        CAS-E605 no such zone, CAS-E606 no such site.
    """
    usual, of_site, errors = "UTC", {}, []
    for word in words:
        site, _, name = word.rpartition("=")
        try:
            _zone(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            said = f'no such time zone: "{name}"'
            errors.append(Diagnostic("CAS-E605", "--zone", said, remedy=_ZONE))
        if not site:
            usual = name
        elif site in sites:
            of_site[site] = name
        else:
            known = ", ".join(sorted(sites)) or "none without -i or --exports"
            said = f'no such site: "{site}"'
            errors.append(Diagnostic("CAS-E606", "--zone", said, remedy=f"sites: {known}"))
    if errors:
        raise InvalidInput(errors)
    return Zones(usual, of_site)


def _zone(name: str) -> tzinfo:
    return ZoneInfo(name) if name != "UTC" else UTC


_ZONE = "an IANA name, e.g. Europe/Paris"


def diagnose_evidence(inputs: Inputs, known: Builds, book: RuleBook) -> Answer:
    """Read the logs and print what they show."""
    zones = read_zones(inputs.zones, {pool.site for pool in known.pools.values()})
    evidence = _read(inputs, zones.usual_zone)
    warn_of(evidence.findings)
    if not any(file.kind for file in evidence.files):
        raise InvalidInput([_nothing_used(evidence), *evidence.findings])
    found = answer(evidence, known, book)
    show(Observed(found, evidence, _profiles(evidence, zones, known)))
    return found


def _read(inputs: Inputs, zone: tzinfo) -> Evidence:
    evidence = Evidence()
    if inputs.events:
        with reading("event logs") as on_progress:
            evidence += read_event_logs(inputs.events, zone, on_progress)
    if inputs.iis_logs:
        with reading("IIS logs") as on_progress:
            evidence += read_iis_logs(inputs.iis_logs, on_progress=on_progress)
    return evidence


def _profiles(
    evidence: Evidence, zones: Zones, known: Builds
) -> tuple[tuple[str, HourProfile], ...]:
    """By time zone of the target's site: a window there ends the sessions of its paths."""
    hours: dict[str, list[Mapping[int, int]]] = defaultdict(list)
    for path in evidence.paths:
        if path.hours:
            pool = known.pools.get(path.target)
            name = zones.of_site.get(pool.site, zones.usual) if pool else zones.usual
            hours[name].append(path.hours)
    return tuple((name, profile(found, _zone(name))) for name, found in sorted(hours.items()))


def _nothing_used(evidence: Evidence) -> Diagnostic:
    return Diagnostic(
        "CAS-E812",
        "the logs",
        f"none of {counted(len(evidence.files), 'file')} could be used, so nothing is known",
        remedy="each is named below with the reason",
    )


def warn_of(findings: Sequence[Diagnostic]) -> None:
    """All warnings, but no more than some of one code: a folder may hold thousands of files."""
    by_code: dict[str, list[Diagnostic]] = defaultdict(list)
    for finding in findings:
        by_code[finding.code].append(finding)
    for code, some in by_code.items():
        show_warnings(some[:_MOST_WARNINGS])
        if len(some) > _MOST_WARNINGS:
            more = f"{len(some) - _MOST_WARNINGS} more of this kind"
            show_warnings([Diagnostic(code, "and", more)])
