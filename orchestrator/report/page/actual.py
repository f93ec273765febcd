"""What came of the plan: planned against actual, what was looked at, what the journal says."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from orchestrator.drawing.chart import durations
from orchestrator.journal.entry import Entry, Kind
from orchestrator.report.page.inputs import ReportInput
from orchestrator.report.page.times import Times

_TOLD = frozenset(
    {
        *(Kind.PLAN_APPROVED, Kind.RUN_STARTED, Kind.RUN_RESUMED, Kind.RUN_FINISHED),
        *(Kind.RUN_STOPPED, Kind.STEP_FAILED, Kind.STEP_IN_DOUBT, Kind.PAUSE_REQUESTED),
        *(Kind.LOCK_TAKEN_OVER, Kind.CHILD_FOUND, Kind.DRIFT_FOUND, Kind.ROLLBACK_STARTED),
        *(Kind.STEPS_VERIFIED, Kind.STEPS_COMPENSATED),
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
    """Looks at one path: by steps that are done, and planned."""

    path: str
    seen: int
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
    """Source server, target pool and protocol, with the looks that are done."""
    planned: Counter[str] = Counter()
    seen: Counter[str] = Counter()
    for step in given.plan.steps:
        done = given.run.status(step.id).done
        for probe in step.probes:
            for source in probe.sources:
                name = f"{source} → {probe.target} ({probe.protocol})"
                planned[name] += 1
                seen[name] += done
    return [CoverageRow(name, seen[name], count) for name, count in sorted(planned.items())]


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
    if "steps" in data:
        return f"{len(data['steps'])} steps"
    if "run" in data:
        return str(data["run"])
    return ""
