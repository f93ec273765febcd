"""The dry-run plan as a change board reads it."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from orchestrator.checker import CheckReport
from orchestrator.model.build import Catalogue
from orchestrator.model.plan import Plan, Step, StepKind
from orchestrator.model.topology import PoolId, Topology
from orchestrator.model.words import counted
from orchestrator.report.console import NARROW
from orchestrator.report.folders import LEFT, copied
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
    if console.width < NARROW:
        for block in _blocks(plan, catalogue):
            console.print(block, soft_wrap=True)
    else:
        console.print(_steps(plan, catalogue))
    console.print()
    console.print(Text("Why, and why not in another order:", style="bold"))
    for line in _reasons(plan):
        console.print(Text(line), soft_wrap=True)
    console.print()
    for line in _summary(topology, plan, book, report):
        console.print(Text(line), soft_wrap=True)


def _steps(plan: Plan, catalogue: Catalogue) -> Table:
    table = Table(title="Plan", title_justify="left", title_style="bold", expand=False)
    table.add_column("#", justify="right")
    table.add_column("stage", justify="right")
    table.add_column("what", overflow="fold")
    table.add_column("servers", overflow="fold")
    table.add_column("change", overflow="fold")
    table.add_column("min", justify="right")
    table.add_column("outage", overflow="fold")
    table.add_column("undo", overflow="fold", max_width=30)
    stage_of = {step.id: n for n, stage in enumerate(plan.stages, 1) for step in stage}
    for number, step in enumerate(plan.steps, 1):
        table.add_row(
            str(number),
            str(stage_of[step.id]),
            Text(f"{step.kind} {_where(step)}" + (" PILOT" if step.pilot else "")),
            Text("\n".join(step.servers) or counted(step.looks, "probe")),
            Text(_change(step, catalogue)),
            str(step.estimated_minutes),
            Text(
                f"{step.outage.minutes} min x {counted(step.outage.users, 'user')}"
                if step.outage
                else "none"
            ),
            Text(_undo(step)),
        )
    return table


def _blocks(plan: Plan, catalogue: Catalogue) -> list[Text]:
    """The same as text: a table of eight columns cannot be read on a narrow terminal."""
    stage_of = {step.id: n for n, stage in enumerate(plan.stages, 1) for step in stage}
    lines = [Text("Plan", style="bold")]
    for number, step in enumerate(plan.steps, 1):
        pilot = " PILOT" if step.pilot else ""
        outage = (
            f"{step.outage.minutes} min x {counted(step.outage.users, 'user')}"
            if step.outage
            else "none"
        )
        lines += [
            Text(f"{number:>3} {step.kind} {_where(step)}{pilot}", style="bold"),
            Text(f"    stage {stage_of[step.id]}, {step.estimated_minutes} min"),
            Text(f"    {', '.join(step.servers) or f'{step.looks} probes'}"),
            Text(f"    {_change(step, catalogue)}"),
            Text(f"    outage: {outage}; undo: {_undo(step)}"),
        ]
    return lines


def _undo(step: Step) -> str:
    if step.kind.copies_folder:
        return LEFT
    return "yes" if step.reversible else f"NO: {step.irreversible_because}"


def _where(step: Step) -> str:
    if step.kind is StepKind.VERIFY:
        return f"paths of {step.pool}" if step.pilot else "every path"
    return str(step.pool)


def _change(step: Step, catalogue: Catalogue) -> str:
    if step.kind.changes_build and step.from_build and step.to_build:
        old, new = catalogue.name(step.from_build), catalogue.name(step.to_build)
        return f"{old} -> {new}"
    if step.kind is StepKind.VERIFY:
        return "nothing"
    if step.kind.copies_folder:
        return f"folder {copied(step)}"
    urls = sorted(set(step.new_urls.values()))
    return "OWA ExternalUrl -> " + ", ".join(url or "none" for url in urls)


def _reasons(plan: Plan) -> list[str]:
    """Each reason once, with the steps it holds for."""
    by_reason: dict[tuple[PoolId, str], list[str]] = {}
    for number, step in enumerate(plan.steps, 1):
        by_reason.setdefault((step.pool, step.reason), []).append(f"{number} {step.id}")
    return [
        f"  {', '.join(steps)}:\n" + "\n".join(f"      {part}" for part in reason.split("; "))
        for (_, reason), steps in by_reason.items()
    ]


def _summary(topology: Topology, plan: Plan, book: RuleBook, report: CheckReport) -> list[str]:
    minutes = sum(step.estimated_minutes for step in plan.steps)
    outage = sum(step.outage.user_minutes for step in plan.steps if step.outage)
    lines = [
        (
            f"{counted(len(plan.steps), 'step')}, {counted(minutes, 'minute')} one after "
            "another, as estimated; "
            f"planned outage {outage} user-minutes."
        ),
        (
            f"Independent check: {counted(report.states, 'state')} of "
            f"{counted(report.paths, 'path')} in every order `after` allows and "
            f"every interruption: {len(report.violations)} newly broken."
        ),
    ]
    broken = book.broken_paths(topology, plan.start)
    if broken:
        names = ", ".join(map(str, broken))
        lines.append(f"Does not work, or is not known to, before the plan starts: {names}.")
    piloted = plan.shown_by_pilot
    for rule_id in plan.leans_on:
        rule = book.by_id[rule_id]
        accepted = book.policy.accepted.get(rule_id)
        lines.append(
            f"Rests on {rule.id}: {rule.title}: {rule.verdict}, {rule.confidence}"
            + (f"; accepted: {accepted}" if accepted else "")
            + ("; the pilot shows it on this farm first" if rule_id in piloted else "")
        )
    lines += [f"Note: {remark}." for remark in plan.remarks]
    lines.append(
        "Sessions proxied to a server end when that server goes; the check speaks of "
        "compatibility by the rules above, not of what only this farm can show."
    )
    return lines
