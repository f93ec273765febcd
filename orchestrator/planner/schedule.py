"""Giving the steps of a plan their times inside the maintenance windows."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

from orchestrator.errors import NoPlanFound, NoSafePlan
from orchestrator.model.plan import Plan
from orchestrator.model.schedule import Bound, Calendar, Schedule, TimedStep, TimePolicy
from orchestrator.model.topology import Label, Topology
from orchestrator.model.window import moment_of
from orchestrator.model.words import counted
from orchestrator.planner.bounds import earliest_ends, least_end, least_user_minutes
from orchestrator.planner.packing import MOST_PLACEMENTS, pack
from orchestrator.planner.placing import Packed
from orchestrator.planner.task import Task
from orchestrator.planner.workload import Workload, workload


def schedule(
    topology: Topology,
    plan: Plan,
    calendar: Calendar,
    policy: TimePolicy,
    *,
    effort: int = MOST_PLACEMENTS,
    hints: Mapping[str, int] | None = None,
) -> Plan:
    """The plan with a time for every step, and remarks on what stays redirected between windows.

    Parameters
    ----------
    topology : Topology
    plan : Plan
        Its order is kept; any prefix of it is safe, so the farm may stand still between windows.
    calendar : Calendar
        With the windows of every site.
    policy : TimePolicy
    effort : int
        Placements of steps tried.
    hints : mapping of step id to int, optional
        When some steps should start, in minutes: tried first.

    Raises
    ------
    NoSafePlan
        If a step fits into no window of its site.
    NoPlanFound
        If the windows end before the work does, in every timetable that was tried.
    """
    if not plan.steps:
        return plan
    work = workload(topology, plan, calendar, policy)
    _require_room(work, calendar, policy)
    ends = earliest_ends(work)
    if ends is None:
        raise _too_few(_stuck(work), "the steps before it", "in this order")
    least = least_end(work, ends)
    users = least_user_minutes(work)
    packed = pack(work, (users, least.end), effort, _by_task(work, hints or {}))
    if packed is None:
        raise _too_few(
            work.tasks[-1],
            f"all steps, {policy.max_parallel} at a time, with what comes before",
            "in every timetable that was tried",
        )
    timed = Schedule(
        calendar=calendar,
        policy=policy,
        begin=moment_of(work.begin),
        steps=_timed(work, packed, calendar),
        bound=Bound(moment_of(least.end), least.because, users),
        user_minutes=packed.user_minutes,
    )
    remarks = (*plan.remarks, *_left_on(work, packed.starts))
    return dataclasses.replace(plan, schedule=timed, remarks=remarks)


def _by_task(work: Workload, hints: Mapping[str, int]) -> dict[int, int]:
    return {n: hints[task.step.id] for n, task in enumerate(work.tasks) if task.step.id in hints}


def _timed(work: Workload, packed: Packed, calendar: Calendar) -> tuple[TimedStep, ...]:
    rows = []
    for number in sorted(range(len(packed.starts)), key=lambda n: (packed.starts[n], n)):
        task = work.tasks[number]
        start = moment_of(packed.starts[number])
        end = moment_of(packed.starts[number] + task.need)
        windows = calendar.of(task.step).windows
        window = next(w for w in windows if w.start <= start < w.end or w.holds(start, end))
        rows.append(TimedStep(task.step.id, start, end, task.reserve, window))
    return tuple(rows)


def _require_room(work: Workload, calendar: Calendar, policy: TimePolicy) -> None:
    misfits = [task for task in work.tasks if not task.slots.starts]
    if not misfits:
        return
    # What is redirected could be another pool; every change has to be made somewhere.
    chosen = all(task.step.kind.changes_urls for task in misfits)
    start = "No plan found that fits" if chosen else "No plan fits"
    lines = [f"{start} the windows: these steps fit into none of them."]
    for task in misfits[:20]:
        group = calendar.of(task.step)
        longest = max((window.minutes for window in group.windows), default=0)
        where = task.step.pool.site if task.step.servers else "any site"
        room = (
            f"the longest window of {where} has {longest}"
            if longest
            else f"{where} has no window at all"
        )
        looking = policy.minutes(task.step) - task.step.estimated_minutes
        lines.append(
            f"  {task.step.id} needs {counted(task.need + task.reserve, 'minute')} "
            f"({task.step.estimated_minutes} estimated, {looking} to verify, {task.reserve} "
            f"reserved for the way back); {room}"
        )
    if len(misfits) > 20:
        lines.append(f"  and {len(misfits) - 20} more")
    kind = NoPlanFound if chosen else NoSafePlan
    raise kind(
        "\n".join(lines),
        "lengthen the windows or black out less; or lower policy.reserve_minutes in the windows "
        "file, knowing that a failed step may then not be taken back in its window",
    )


def _stuck(work: Workload) -> Task:
    ends: list[int] = []
    for task in work.tasks:
        start = task.slots.earliest(max((ends[n] for n in task.after), default=work.begin))
        if start is None:
            return task
        ends.append(start + task.need)
    return work.tasks[-1]


def _too_few(task: Task, what: str, how: str) -> NoPlanFound:
    """Of one order of steps, and of some timetables of it: not that there is no other."""
    return NoPlanFound(
        f"No plan found that fits the windows: {how} they end before {what} and {task.step.id} "
        "are done. Whether another would fit is not known.",
        "set a later `until` in the windows file, add windows, or allow more steps at once with "
        "policy.max_parallel",
    )


def _left_on(work: Workload, starts: Sequence[int]) -> Iterable[str]:
    """What a reader must know of redirections that outlast the window they were opened in."""
    for redirection in work.redirections:
        first, last = starts[redirection.opens], starts[redirection.closes]
        opening, closing = work.tasks[redirection.opens], work.tasks[redirection.closes]
        between = work.night(last) - work.night(first)
        if not between:
            continue
        minutes = last + closing.need - first
        label = Label(opening.step.pool, opening.step.protocols[0])
        again = "windows" if between > 1 else "window"
        yield (
            f"{label} stays redirected from one window into the {between} {again} after it: "
            f"{hours(minutes)} in all, {hours(minutes * redirection.users)} of users "
            f"({counted(redirection.users, 'user')}); the farm is safe meanwhile"
        )


def hours(minutes: int) -> str:
    """Minutes as hours for a person: ``7,175.5 h``."""
    return f"{minutes / 60:,.1f} h"
