"""What a plan costs, in a few numbers that can be compared. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from orchestrator.model.plan import Plan, StepKind
from orchestrator.model.state import State
from orchestrator.model.topology import Label, Topology
from orchestrator.web.times import planned

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def costs(topology: Topology, plan: Plan) -> dict[str, Any]:
    """Steps, minutes of work, users redirected and cut off, and the end if there are windows.

    User-hours of redirections count from the start of the step that switches one on to the end of
    the one that switches it off: by the timetable, else as if steps followed one another.
    """
    times = planned(plan, _EPOCH)
    on: dict[Label, datetime] = {}
    user_minutes, users = 0.0, 0
    for step in sorted(plan.steps, key=lambda step: times[step.id]):
        labels = [Label(step.pool, protocol) for protocol in step.protocols]
        if step.kind is StepKind.ENABLE_REDIRECTION:
            on.update(dict.fromkeys(labels, times[step.id][0]))
            users += sum(topology.users_of(label) for label in labels)
        elif step.kind is StepKind.RESTORE_PROXYING:
            for label in labels:
                if label in on:
                    minutes = (times[step.id][1] - on.pop(label)).total_seconds() / 60
                    user_minutes += minutes * topology.users_of(label)
    return {
        "steps": len(plan.steps),
        "servers": len({name for s in plan.steps if s.kind.changes_build for name in s.servers}),
        "minutes": sum(step.estimated_minutes for step in plan.steps),
        "redirected_users": users,
        "redirected_user_hours": round(user_minutes / 60, 1),
        "outage_user_hours": round(
            sum(step.outage.user_minutes for step in plan.steps if step.outage) / 60, 1
        ),
        "one_way": sum(not step.reversible for step in plan.steps),
        "end": plan.schedule.end.isoformat() if plan.schedule else "",
    }


def most_redirected(topology: Topology, plan: Plan) -> State:
    """The state on the way in which the most users are redirected, the middle one if none are."""
    states, best, most = [plan.start], plan.start, 0
    users = 0
    for step in plan.steps:
        states.append(step.apply(states[-1]))
        turned = sum(topology.users_of(Label(step.pool, p)) for p in step.protocols)
        if step.kind is StepKind.ENABLE_REDIRECTION:
            users += turned
        elif step.kind is StepKind.RESTORE_PROXYING:
            users -= turned
        if users > most:
            best, most = states[-1], users
    return best if most else states[len(states) // 2]
