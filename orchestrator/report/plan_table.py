"""The dry-run plan as a change board reads it."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from orchestrator.checker import CheckReport
from orchestrator.model.build import Catalogue
from orchestrator.model.plan import Plan, Step, StepKind
from orchestrator.model.topology import PoolId, Topology
from orchestrator.rules.engine import RuleBook


def print_plan(
    console: Console,
    topology: Topology,
    plan: Plan,
    book: RuleBook,
    catalogue: Catalogue,
    report: CheckReport,
) -> None:
    """Steps: what, where, why, how long, what is out of service, and whether it can be undone."""
    console.print(_steps(plan, catalogue))
    console.print()
    for line in _summary(topology, plan, book, report):
        console.print(Text(line), soft_wrap=True)


def _steps(plan: Plan, catalogue: Catalogue) -> Table:
    table = Table(title="Plan", title_justify="left", title_style="bold", show_lines=True)
    table.add_column("#", justify="right")
    table.add_column("step", overflow="fold", max_width=36)
    table.add_column("what and where", overflow="fold", max_width=34)
    table.add_column("why", overflow="fold", max_width=60)
    table.add_column("min", justify="right")
    table.add_column("outage", overflow="fold", max_width=16)
    table.add_column("undo", overflow="fold", max_width=18)
    stage_of = {step.id: n for n, stage in enumerate(plan.stages, 1) for step in stage}
    told: dict[tuple[PoolId, str], int] = {}
    for number, step in enumerate(plan.steps, 1):
        first = told.setdefault((step.pool, step.reason), number)
        table.add_row(
            str(number),
            Text(f"{step.id}\nstage {stage_of[step.id]}" + ("\nPILOT" if step.pilot else "")),
            Text(_what(step, catalogue)),
            Text(step.reason if first == number else f"As step {first}"),
            str(step.estimated_minutes),
            Text(
                f"{step.outage.minutes} min x {step.outage.users} users" if step.outage else "none"
            ),
            Text("yes" if step.reversible else f"NO: {step.irreversible_because}"),
        )
    return table


def _what(step: Step, catalogue: Catalogue) -> str:
    servers = ", ".join(step.servers)
    if step.kind.changes_build and step.from_build and step.to_build:
        old, new = catalogue.name(step.from_build), catalogue.name(step.to_build)
        return f"{servers}\n{old} ({step.from_build})\n-> {new} ({step.to_build})"
    if step.kind is StepKind.VERIFY:
        return f"{len(step.probes)} probes"
    urls = sorted(set(step.new_urls.values()))
    value = ", ".join(url or "none" for url in urls)
    return f"{servers}\nOWA ExternalUrl -> {value}"


def _summary(topology: Topology, plan: Plan, book: RuleBook, report: CheckReport) -> list[str]:
    minutes = sum(step.estimated_minutes for step in plan.steps)
    outage = sum(step.outage.user_minutes for step in plan.steps if step.outage)
    lines = [
        (
            f"{len(plan.steps)} steps, {minutes} minutes one after another, as estimated; "
            f"planned outage {outage} user-minutes."
        ),
        (
            f"Independent check: {report.states} states of {report.paths} paths in every order "
            f"`after` allows and every interruption: {len(report.violations)} newly broken."
        ),
    ]
    broken = [f for f in book.judge_all(topology, plan.start) if f.worst.blocks]
    if broken:
        names = ", ".join(str(found.path) for found in broken)
        lines.append(f"Does not work, or is not known to, before the plan starts: {names}.")
    piloted = any(step.pilot for step in plan.steps)
    for rule_id in plan.leans_on:
        rule = book.by_id[rule_id]
        accepted = book.policy.accepted.get(rule_id)
        lines.append(
            f"Rests on {rule.id}: {rule.title}: {rule.verdict}, {rule.confidence}"
            + (f"; accepted: {accepted}" if accepted else "")
            + ("; the pilot shows it on this farm first" if piloted else "")
        )
    lines += [f"Note: {remark}." for remark in plan.remarks]
    lines.append(
        "Sessions proxied to a server end when that server goes; the check speaks of "
        "compatibility by the rules above, not of what only this farm can show."
    )
    return lines
