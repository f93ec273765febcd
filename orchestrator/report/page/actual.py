"""What came of the plan: planned against actual, what was looked at, what the journal says."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from orchestrator.drawing.chart import durations
from orchestrator.execution.looks import Look
from orchestrator.journal.entry import Entry, Kind
from orchestrator.report.page.inputs import ReportInput
from orchestrator.report.page.times import Times

_TOLD = frozenset(
    {
        *(Kind.PLAN_APPROVED, Kind.RUN_STARTED, Kind.RUN_RESUMED, Kind.RUN_FINISHED),
        *(Kind.RUN_STOPPED, Kind.STEP_FAILED, Kind.STEP_IN_DOUBT, Kind.PAUSE_REQUESTED),
        *(Kind.LOCK_TAKEN_OVER, Kind.CHILD_FOUND, Kind.DRIFT_FOUND, Kind.ROLLBACK_STARTED),
        *(Kind.STEPS_VERIFIED, Kind.STEPS_COMPENSATED, Kind.BASELINE_PROBED),
        *(Kind.WINDOW_AWAITED, Kind.WINDOW_OPENED, Kind.RULE_DISPROVED),
    }
)


@dataclass(frozen=True)
class ActualRow:
    """One step as planned and as it went; minutes."""

    number: int
    id: str
    status: str
    planned: str
    begun: str
    estimate: int
    took: str
    difference: str
    attempt: int
    why: str


@dataclass(frozen=True)
class CoverageRow:
    """Looks at one path through one source server.

    Parameters
    ----------
    path, source : str
    before, last : str
        What was seen before the first change and last; empty if nobody looked.
    servers : str
        Servers of the target pool that answered; empty if nobody looked.
    taken, planned : int
        Looks.
    """

    path: str
    source: str
    before: str
    last: str
    servers: str
    taken: int
    planned: int


def actual_rows(given: ReportInput, times: Times) -> list[ActualRow]:
    """Every step, in the plan's order."""
    took = durations(given.plan, given.run)
    rows = []
    for number, step in enumerate(given.plan.steps, 1):
        known = given.run.steps.get(step.id)
        minutes = took.get(step.id)
        rows.append(
            ActualRow(
                number,
                step.id,
                str(given.run.status(step.id)),
                times.start(step),
                times.wall(known.started) if known else "",
                step.estimated_minutes,
                f"{minutes:.1f}" if minutes is not None else "",
                f"{minutes - step.estimated_minutes:+.1f}" if minutes is not None else "",
                known.attempt if known else 0,
                known.reason if known else "",
            )
        )
    return rows


def coverage_rows(given: ReportInput) -> list[CoverageRow]:
    """Every path through every source server it is planned to be looked at from."""
    planned: Counter[tuple[str, str]] = Counter()
    done: Counter[tuple[str, str]] = Counter()
    for step in given.plan.steps:
        for probe in step.probes:
            for source in probe.sources:
                pool = given.topology.servers[source].pool
                key = (f"{pool} -> {probe.target} ({probe.protocol})", source)
                planned[key] += 1
                done[key] += given.run.status(step.id).done
    before = {key: found[-1] for key, found in _looks(given, Kind.BASELINE_PROBED).items()}
    seen = _looks(given, Kind.PATHS_PROBED)
    return [
        CoverageRow(
            path=key[0],
            source=key[1],
            before=before[key].outcome if key in before else "",
            last=seen[key][-1].outcome if key in seen else "",
            servers=_servers(seen[key]) if key in seen else "",
            taken=len(seen[key]) if key in seen else done[key],
            planned=count,
        )
        for key, count in sorted(planned.items())
    ]


def _looks(given: ReportInput, kind: Kind) -> dict[tuple[str, str], list[Look]]:
    found: dict[tuple[str, str], list[Look]] = {}
    for entry in given.entries:
        if entry.kind == kind:
            for data in entry.data.get("paths", []):
                look = Look.from_data(data)
                found.setdefault((look.path, look.source), []).append(look)
    return found


def _servers(looks: list[Look]) -> str:
    """Servers of the target pool that were seen answering in any look, of those that should."""
    seen = {name for look in looks for name in look.seen}
    wanted = {name for look in looks for name in look.wanted}
    if not wanted:
        return looks[-1].coverage
    missing = sorted(wanted - seen)
    if not missing:
        return f"all {len(wanted)}"
    return f"{len(wanted) - len(missing)} of {len(wanted)}; not seen: {', '.join(missing)}"


def told(given: ReportInput) -> list[tuple[str, str, str]]:
    """Entries a reader of the report wants: time, what, and what was said of it."""
    return [
        (f"{e.time:%Y-%m-%d %H:%M:%S}", " ".join(filter(None, [e.kind, e.step])), _said(e))
        for e in given.entries
        if e.kind in _TOLD
    ]


def _said(entry: Entry) -> str:
    data = entry.data
    if "reason" in data:
        return str(data["reason"])
    if "by" in data:
        return f"by {data['by']}"
    if "paths" in data:
        worse = sum(not Look.from_data(one).works for one in data["paths"])
        return f"{len(data['paths'])} looks, {worse} of them at paths that do not work"
    if "steps" in data:
        return f"{len(data['steps'])} steps"
    if "run" in data:
        return str(data["run"])
    return ""
