"""The step table, and the outage of every site."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.model.plan import Step, StepKind
from orchestrator.model.words import counted
from orchestrator.report.folders import LEFT, copied
from orchestrator.report.page.grounds import reason_parts
from orchestrator.report.page.inputs import ReportInput
from orchestrator.report.page.times import Times


@dataclass(frozen=True)
class StepRow:
    """One step in the words of the table."""

    number: int
    id: str
    stage: int
    kind: str
    pilot: bool
    where: str
    servers: str
    change: str
    minutes: int
    start: str
    latest: str
    after: str
    outage: str
    undo: str
    reversible: bool
    keeps: str
    reasons: tuple[str, ...]
    as_step: int
    probes: int


@dataclass(frozen=True)
class OutageRow:
    """Planned unavailability of one pool."""

    site: str
    pool: str
    when: str
    minutes: int
    users: int
    user_minutes: int
    consent: str


def step_rows(given: ReportInput, times: Times) -> list[StepRow]:
    """Every step; a reason that was given before is referred to by its step."""
    stage_of = {step.id: n for n, stage in enumerate(given.plan.stages, 1) for step in stage}
    said: dict[str, int] = {}
    rows = []
    for number, step in enumerate(given.plan.steps, 1):
        first = said.setdefault(step.reason, number)
        rows.append(
            StepRow(
                number=number,
                id=step.id,
                stage=stage_of[step.id],
                kind=str(step.kind).replace("-", " "),
                pilot=step.pilot,
                where="" if step.kind is StepKind.VERIFY and not step.pilot else str(step.pool),
                servers=", ".join(step.servers),
                change=_change(given, step),
                minutes=step.estimated_minutes,
                start=times.start(step),
                latest=times.latest(step),
                after=", ".join(str(n) for n in sorted(given.number[i] for i in step.after)),
                outage=f"{step.outage.minutes} min × {step.outage.users}" if step.outage else "",
                undo=step.irreversible_because,
                reversible=step.reversible,
                keeps=LEFT if step.kind.copies_folder else "",
                reasons=tuple(reason_parts(step)) if first == number else (),
                as_step=0 if first == number else first,
                probes=step.looks,
            )
        )
    return rows


def outage_rows(given: ReportInput, times: Times) -> list[OutageRow]:
    """Outages, by site; empty if no pool falls to zero."""
    rows = []
    for step in given.plan.steps:
        if step.outage is None:
            continue
        pool = given.topology.pools[step.pool]
        rows.append(
            OutageRow(
                step.pool.site,
                str(step.pool),
                times.span(step, step),
                step.outage.minutes,
                step.outage.users,
                step.outage.user_minutes,
                "consented" if pool.outage_consent else "NOT CONSENTED",
            )
        )
    return sorted(rows, key=lambda row: (row.site, row.pool))


def _change(given: ReportInput, step: Step) -> str:
    if step.kind.changes_build and step.from_build and step.to_build:
        name = given.catalogue.name
        return f"{name(step.from_build)} → {name(step.to_build)}"
    if step.kind.changes_urls:
        urls = sorted(set(step.new_urls.values()))
        return "OWA ExternalUrl → " + ", ".join(url or "none" for url in urls)
    if step.kind.copies_folder:
        return f"folder {copied(step)}"
    return counted(step.looks, "probe")
