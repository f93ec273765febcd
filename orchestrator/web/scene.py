"""What does not change while a plan runs, as JSON values: sent once. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from orchestrator.model.plan import Plan, Step
from orchestrator.model.topology import Topology
from orchestrator.planfile import SavedPlan
from orchestrator.rules.engine import RuleBook
from orchestrator.web.times import windows


def scene(saved: SavedPlan, book: RuleBook, digest: str) -> dict[str, Any]:
    """Topology, steps, windows and rules of a plan.

    Paths, pools and steps are referred to by their place in these lists afterwards.
    """
    topology, plan = saved.topology, saved.plan
    return {
        "organization": topology.organization,
        "purpose": saved.purpose,
        "digest": digest,
        "pools": _pools(topology),
        "paths": _paths(topology),
        "steps": _steps(plan),
        "windows": [[_iso(w.start), _iso(w.end)] for w in windows(plan)],
        "zone": plan.schedule.calendar.zone if plan.schedule else "UTC",
        "rules": _rules(book),
        "remarks": list(plan.remarks),
    }


def _pools(topology: Topology) -> list[dict[str, Any]]:
    return [
        {
            "id": str(pool.id),
            "site": pool.id.site,
            "line": pool.id.product_line,
            "servers": list(pool.servers),
            "mailboxes": pool.mailboxes,
            "internet": topology.sites[pool.id.site].internet_facing,
            "hold": pool.hold,
        }
        for pool in topology.pools.values()
    ]


def _paths(topology: Topology) -> list[dict[str, Any]]:
    return [
        {
            "source": str(path.source),
            "target": str(path.target),
            "protocol": str(path.protocol),
            "users": path.users,
        }
        for path in topology.paths
    ]


def _steps(plan: Plan) -> list[dict[str, Any]]:
    stage = {step.id: number for number, steps in enumerate(plan.stages, 1) for step in steps}
    return [{**step_values(step), "stage": stage[step.id]} for step in plan.steps]


def step_values(step: Step) -> dict[str, Any]:
    """One step for the page."""
    return {
        "id": step.id,
        "kind": str(step.kind),
        "pool": str(step.pool),
        "servers": list(step.servers),
        "minutes": step.estimated_minutes,
        "reason": step.reason,
        "rules": list(step.rules),
        "pilot": step.pilot,
        "probes": step.looks,
        "outage": step.outage.user_minutes if step.outage else 0,
        "reversible": step.reversible,
    }


def _rules(book: RuleBook) -> dict[str, dict[str, Any]]:
    return {
        rule.id: {
            "title": rule.title,
            "verdict": str(rule.verdict),
            "confidence": str(rule.confidence),
            "references": list(rule.references),
        }
        for rule in book.by_id.values()
    }


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
