"""`orchestrator diagnose` from logs and exports, with or without an inventory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from rich.text import Text

from orchestrator.cli.inputs import show_warnings
from orchestrator.cli.reading_progress import reading
from orchestrator.cli.view import show
from orchestrator.diagnostic import Diagnostic
from orchestrator.discovery.answer import Answer, Builds, answer
from orchestrator.discovery.events.read import read_event_logs
from orchestrator.discovery.evidence import Evidence
from orchestrator.discovery.exports.read import read_exports
from orchestrator.discovery.farm import farm_of, judge_exported
from orchestrator.discovery.iis.read import read_iis_logs
from orchestrator.discovery.profile import HourProfile, profile
from orchestrator.errors import InvalidInput
from orchestrator.graph import Diagnosis
from orchestrator.report.console import out
from orchestrator.report.observed import print_answer
from orchestrator.report.results import Diagnosed
from orchestrator.rules.engine import RuleBook
from orchestrator.shipped import catalogue

_MOST_WARNINGS = 25
_BASIS = "as exported; paths derived from ExternalUrls, users are mailboxes"


@dataclass(frozen=True)
class Inputs:
    """What was given on the command line."""

    events: Sequence[Path] = ()
    iis_logs: Sequence[Path] = ()
    exports: Sequence[Path] = ()
    zone: str = "UTC"

    def __bool__(self) -> bool:
        return bool(self.events or self.iis_logs or self.exports)


def read_zone(name: str) -> tzinfo:
    """A time zone by its IANA name (CAS-E605)."""
    try:
        return ZoneInfo(name) if name != "UTC" else UTC
    except (ZoneInfoNotFoundError, ValueError, OSError):
        found = Diagnostic("CAS-E605", "--zone", f'no such time zone: "{name}"', remedy=_ZONE)
        raise InvalidInput([found]) from None


_ZONE = "an IANA name, e.g. Europe/Paris"


def diagnose_exports(paths: Sequence[Path], book: RuleBook) -> tuple[Diagnosis, Builds]:
    """Judge the farm as exports show it; gives the verdicts, and the builds they name exactly."""
    with reading("exports") as on_progress:
        exports = read_exports(paths, catalogue(), on_progress)
    draft = exports.draft
    topology, state, left_out = farm_of(draft)
    _warn((*exports.findings, *left_out))
    diagnosis = Diagnosis(tuple(judge_exported(draft, topology, state, book, catalogue())))
    show(Diagnosed(diagnosis, _BASIS, "exported"))
    inexact = {server.name for server in draft.client_access if not server.build_is_exact}
    if inexact:
        line = f"No export names the rollup of {len(inexact)} servers: see docs/discovery.md."
        out().print(Text(line), soft_wrap=True)
    exact = {name: build for name, build in state.builds.items() if name not in inexact}
    return diagnosis, Builds.of(topology, exact, "as exported")


def diagnose_evidence(inputs: Inputs, known: Builds, book: RuleBook) -> Answer:
    """Read the logs and print what they show."""
    zone = read_zone(inputs.zone)
    evidence = _read(inputs, zone)
    _warn(evidence.findings)
    if not any(file.kind for file in evidence.files):
        raise InvalidInput([_nothing_used(evidence), *evidence.findings])
    found = answer(evidence, known, book)
    print_answer(out(), found, evidence, _profiles(evidence, inputs.zone, zone))
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


def _profiles(evidence: Evidence, name: str, zone: tzinfo) -> list[tuple[str, HourProfile]]:
    hours = [path.hours for path in evidence.paths if path.hours]
    return [(name, profile(hours, zone))] if hours else []


def _nothing_used(evidence: Evidence) -> Diagnostic:
    return Diagnostic(
        "CAS-E812",
        "the logs",
        f"none of {len(evidence.files)} files could be used, so nothing is known",
        remedy="each is named below with the reason",
    )


def _warn(findings: Sequence[Diagnostic]) -> None:
    """All warnings, but no more than some of one code: a folder may hold thousands of files."""
    by_code: dict[str, list[Diagnostic]] = defaultdict(list)
    for finding in findings:
        by_code[finding.code].append(finding)
    for code, some in by_code.items():
        show_warnings(some[:_MOST_WARNINGS])
        if len(some) > _MOST_WARNINGS:
            more = f"{len(some) - _MOST_WARNINGS} more of this kind"
            show_warnings([Diagnostic(code, "and", more)])
