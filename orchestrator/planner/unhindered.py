"""How long redirections are on if nothing waits for a window or for other steps' room."""

from __future__ import annotations

from datetime import UTC, datetime

from orchestrator.model.plan import Plan
from orchestrator.model.schedule import Calendar, SiteCalendar, TimePolicy
from orchestrator.model.topology import Topology
from orchestrator.model.window import Window
from orchestrator.planner.workload import Workload, workload

_ALWAYS = Window(datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC))


def unhindered(topology: Topology, plan: Plan) -> tuple[int, int]:
    """User-minutes of redirection, and what no timetable of the plan can beat.

    Every step begins as soon as `after` lets it, but for what opens a redirection or stands
    inside one: that begins as late as it can without anything else ending later.
    """
    calendar = Calendar("UTC", (SiteCalendar(tuple(sorted(topology.sites)), "UTC", (_ALWAYS,)),))
    policy = TimePolicy(max_parallel=len(plan.steps) or 1, reserve_minutes=0)
    work = workload(topology, plan, calendar, policy)
    starts = _starts(work)
    taken = sum(
        r.users * (starts[r.closes] + work.tasks[r.closes].need - starts[r.opens])
        for r in work.redirections
    )
    return taken, sum(r.users * work.shortest(r) for r in work.redirections)


def _starts(work: Workload) -> list[int]:
    tasks = work.tasks
    starts: list[int] = []
    for task in tasks:
        starts.append(max((starts[n] + tasks[n].need for n in task.after), default=work.begin))
    late = {n for r in work.redirections for n in (r.opens, *r.inner)}
    for n in sorted(late, reverse=True):
        last = min((starts[k] for k in tasks[n].before), default=starts[n] + tasks[n].need)
        starts[n] = max(starts[n], last - tasks[n].need)
    return starts
