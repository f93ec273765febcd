"""The scheduling problem as numbers: minutes since 1970, tasks by position in the plan."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

from orchestrator.model.plan import Plan, Step, StepKind
from orchestrator.model.schedule import Calendar, SiteCalendar, TimePolicy
from orchestrator.model.topology import Label, Topology
from orchestrator.model.window import minute_of


@dataclass(frozen=True)
class Slots:
    """When a task may start: in window k from ``starts[k]`` to ``latests[k]``, both included.

    Parameters
    ----------
    starts, latests : tuple of int
        Ascending; only windows long enough for the task with its reserve.
    group : int
        Which windows these are; tasks with equal windows have equal groups.
    """

    starts: tuple[int, ...]
    latests: tuple[int, ...]
    group: int

    def earliest(self, moment: int) -> int | None:
        """The first start at or after a moment; None if there is no window left."""
        k = bisect_left(self.latests, moment)
        return max(moment, self.starts[k]) if k < len(self.latests) else None

    def latest(self, moment: int) -> int | None:
        """The last start at or before a moment; None if there is no window by then."""
        k = bisect_right(self.starts, moment) - 1
        return min(moment, self.latests[k]) if k >= 0 else None


@dataclass(frozen=True)
class Task:
    """A step as the scheduler sees it.

    Parameters
    ----------
    need, reserve : int
        Minutes.
    slots : Slots
    after, before : tuple of int
        Tasks that must have ended, and those that wait for this one.
    pool : int
        Pools are numbered in plan order.
    out : frozenset of str
        Servers it takes out of service.
    touched : frozenset of str
        Servers it changes in any way.
    """

    step: Step
    need: int
    reserve: int
    slots: Slots
    after: tuple[int, ...]
    before: tuple[int, ...]
    pool: int
    out: frozenset[str]
    touched: frozenset[str]


@dataclass(frozen=True)
class Redirection:
    """A temporary redirection: the task that opens it, the one that closes it, all between."""

    opens: int
    closes: int
    users: int
    inner: tuple[int, ...]


@dataclass(frozen=True)
class PoolRoom:
    """How many servers of a pool may be out at once.

    Parameters
    ----------
    site : str
    size : int
        Servers of the pool.
    room : int
        That may be out.
    """

    site: str
    size: int
    room: int


@dataclass(frozen=True)
class Workload:
    """Everything the scheduler looks at.

    Parameters
    ----------
    tasks : tuple of Task
        In an order that respects `after`.
    pools : tuple of PoolRoom
    redirections : tuple of Redirection
    max_parallel : int
    begin : int
        The first moment of any window.
    """

    tasks: tuple[Task, ...]
    pools: tuple[PoolRoom, ...]
    redirections: tuple[Redirection, ...]
    max_parallel: int
    begin: int
    nights: tuple[int, ...] = field(default=())

    def night(self, moment: int) -> int:
        """Which stretch of window time, over all sites, a moment belongs to."""
        return bisect_right(self.nights, moment)


def workload(topology: Topology, plan: Plan, calendar: Calendar, policy: TimePolicy) -> Workload:
    """The numbers of a plan under a calendar."""
    number = {step.id: n for n, step in enumerate(plan.steps)}
    before: list[list[int]] = [[] for _ in plan.steps]
    for step in plan.steps:
        for name in step.after:
            before[number[name]].append(number[step.id])
    pools = {pool: n for n, pool in enumerate(dict.fromkeys(step.pool for step in plan.steps))}
    shelf = _Shelf(calendar)
    tasks = tuple(
        Task(
            step=step,
            need=policy.minutes(step),
            reserve=policy.reserve(step),
            slots=shelf.slots(calendar.of(step), policy.minutes(step) + policy.reserve(step)),
            after=tuple(sorted(number[name] for name in step.after)),
            before=tuple(before[n]),
            pool=pools[step.pool],
            out=frozenset(step.servers if step.kind.changes_build else ()),
            touched=frozenset(step.servers),
        )
        for n, step in enumerate(plan.steps)
    )
    rooms = []
    for pool in pools:
        entry = topology.pools[pool]
        least = max(entry.minimum_in_service, 0 if entry.outage_consent else 1)
        rooms.append(PoolRoom(pool.site, len(entry.servers), len(entry.servers) - least))
    whole = calendar.anywhere.windows
    return Workload(
        tasks,
        tuple(rooms),
        _redirections(topology, plan.steps, tasks),
        policy.max_parallel,
        minute_of(whole[0].start) if whole else 0,
        tuple(minute_of(window.start) for window in whole),
    )


class _Shelf:
    """Slots are the same for the same windows and minutes: made once."""

    def __init__(self, calendar: Calendar) -> None:
        groups = [*calendar.groups, calendar.anywhere]
        self._groups = {group: n for n, group in enumerate(groups)}
        self._made: dict[tuple[int, int], Slots] = {}

    def slots(self, group: SiteCalendar, minutes: int) -> Slots:
        number = self._groups.get(group, len(self._groups))
        key = number, minutes
        if key not in self._made:
            fit = [
                (minute_of(window.start), minute_of(window.end) - minutes)
                for window in group.windows
                if window.minutes >= minutes
            ]
            self._made[key] = Slots(tuple(a for a, _ in fit), tuple(b for _, b in fit), number)
        return self._made[key]


def _redirections(
    topology: Topology, steps: Sequence[Step], tasks: Sequence[Task]
) -> tuple[Redirection, ...]:
    found = []
    opened: dict[Label, int] = {}
    for n, step in enumerate(steps):
        for protocol in step.protocols:
            label = Label(step.pool, protocol)
            if step.kind is StepKind.ENABLE_REDIRECTION:
                opened[label] = n
            elif step.kind is StepKind.RESTORE_PROXYING and label in opened:
                first = opened.pop(label)
                inner = _between(tasks, first, n)
                found.append(Redirection(first, n, topology.users_of(label), inner))
    return tuple(found)


def _between(tasks: Sequence[Task], first: int, last: int) -> tuple[int, ...]:
    """Tasks after the first and before the last, in plan order."""
    later = _closure(tasks, first, last, forward=True)
    return tuple(sorted(later & _closure(tasks, last, first, forward=False)))


def _closure(tasks: Sequence[Task], root: int, stop: int, *, forward: bool) -> set[int]:
    found: set[int] = set()
    waiting = [root]
    while waiting:
        task = tasks[waiting.pop()]
        for n in task.before if forward else task.after:
            if n not in found and (n < stop if forward else n > stop):
                found.add(n)
                waiting.append(n)
    return found
