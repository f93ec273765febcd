"""What the independent checker looked at, and what the plan rests on, in lines for a person."""

from __future__ import annotations

from orchestrator.checker import CheckReport
from orchestrator.model.plan import Plan
from orchestrator.model.topology import Topology
from orchestrator.model.words import counted
from orchestrator.rules.engine import RuleBook


def evidence_lines(
    topology: Topology, plan: Plan, book: RuleBook, report: CheckReport
) -> list[str]:
    """Extent of the check, what is broken before and after, and the verdicts leaned on."""
    lines = [
        (
            f"{counted(len(plan.steps), 'step')}; {counted(report.states, 'state')} of "
            f"{counted(report.paths, 'path')} looked at, in every order `after` allows and "
            f"every interruption: {len(report.violations)} faults."
        )
    ]
    for when, state in (("before", plan.start), ("after", plan.end)):
        broken = [f for f in book.judge_all(topology, state) if f.worst.blocks]
        names = ", ".join(f"{f.path} ({counted(f.path.users, 'user')})" for f in broken)
        lines.append(f"Not known to work {when} it: {names or 'no path'}.")
    for name in plan.leans_on:
        rule = book.by_id.get(name)
        if rule is not None:
            why = book.policy.accepted.get(name)
            said = f"; accepted: {why}" if why else ""
            lines.append(f"Rests on {name}: {rule.title} [{rule.verdict}, {rule.confidence}]{said}")
    return lines
