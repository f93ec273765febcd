"""Whether an explanation holds against the independent checker."""

from __future__ import annotations

from orchestrator.checker import check
from orchestrator.model.plan import Plan
from orchestrator.model.topology import Topology
from orchestrator.planner.explain import Explainer, without_order
from orchestrator.rules.engine import RuleBook


def explainer_of(topology: Topology, plan: Plan, book: RuleBook) -> Explainer:
    """What explains a plan, with the real checker."""
    return Explainer(
        topology, plan, book, lambda changed: check(topology, changed, book).violations
    )


def assert_explained(topology: Topology, plan: Plan, book: RuleBook) -> None:
    """Every demand said to be needed is, and every other can go without breaking a path."""
    for step in plan.steps:
        found = explainer_of(topology, plan, book).step(step)
        assert {link.first for link in found.waits_for} >= {*step.after}
        for link in found.waits_for:
            dropped = check(topology, without_order(plan, link.first, link.then), book)
            said = [v.message for v in dropped.violations]
            for guard in link.guards:
                if guard.alone and all(v.steps for v in dropped.violations):
                    assert any(text.startswith(f"{guard.path}: ") for text in said), guard
            if not link.guards:
                assert [v for v in dropped.violations if v.steps] == [], link
            if link.consequence is not None and link.consequence.judgement is not None:
                # what would be repaired and broken again is broken once both are done
                again = all(guard.again for guard in link.guards)
                done = {*link.consequence.steps} - {*link.consequence.running}
                assert again or link.first not in done
                assert link.then in link.consequence.steps
                assert link.consequence.judgement.worst.blocks
            else:
                assert not any(guard.alone for guard in link.guards)
