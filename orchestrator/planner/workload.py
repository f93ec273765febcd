"""The scheduling problem as numbers: minutes since 1970, tasks by position in the plan."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from orchestrator.model.plan import Plan, Step, StepKind
from orchestrator.model.schedule import Calendar, SiteCalendar, TimePolicy
from orchestrator.model.topology import Label, PoolId, Topology
from orchestrator.model.window import minute_of
from orchestrator.planner.span import crowded, shortest
from orchestrator.planner.task import Redirection, Slots, Task


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
    nights : tuple of int
        Starts of the stretches of time with a window somewhere.
    """

    tasks: tuple[Task, ...]
    pools: tuple[PoolRoom, ...]
    redirections: tuple[Redirection, ...]
    max_parallel: int
    begin: int
    nights: tuple[int, ...]

    def night(self, moment: int) -> int:
        """Which stretch of window time, over all sites, a moment belongs to."""
        return bisect_right(self.nights, moment)

    def shortest(self, redirection: Redirection) -> int:
        """The least minutes a redirection can last."""
        return self._shortest[redirection]

    @cached_property
    def grain(self) -> int:
        """User-minutes of redirection that count as one: 2 % of the least there can be."""
        return max(sum(r.users * self.shortest(r) for r in self.redirections) // 50, 1)

    @cached_property
    def _shortest(self) -> Mapping[Redirection, int]:
        return {
            r: max(shortest(self.tasks, r), crowded(self.tasks, r, self.max_parallel))
            for r in self.redirections
        }


def workload(topology: Topology, plan: Plan, calendar: Calendar, policy: TimePolicy) -> Workload:
    """The numbers of a plan under a calendar."""
    number = {step.id: n for n, step in enumerate(plan.steps)}
    before: list[list[int]] = [[] for _ in plan.steps]
    for step in plan.steps:
        for name in step.after:
            before[number[name]].append(number[step.id])
    free = _free(topology, plan.steps)
    pools = {pool: n for n, pool in enumerate(dict.fromkeys(step.pool for step in plan.steps))}
    shelf = Shelf(calendar)
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
            free=step.pool in free,
        )
        for n, step in enumerate(plan.steps)
    )
    rooms = []
    for pool in pools:
        entry = topology.pools[pool]
        least = entry.kept[0].minimum_in_service
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


def _free(topology: Topology, steps: Sequence[Step]) -> set[PoolId]:
    """Pools whose steps come one after the other by their own order, alone in emptying a site."""
    last: dict[PoolId, Step] = {}
    bound: set[PoolId] = set()
    emptied: dict[str, set[PoolId]] = {}
    for step in steps:
        if not step.servers:
            continue
        if step.pool in last and last[step.pool].id not in step.after:
            bound.add(step.pool)
        last[step.pool] = step
        if step.kind.changes_build and len(step.servers) == len(topology.pools[step.pool].servers):
            emptied.setdefault(step.pool.site, set()).add(step.pool)
    crowded = {pool for pools in emptied.values() if len(pools) > 1 for pool in pools}
    return set(last) - bound - crowded


class Shelf:
    """Slots are the same for the same windows and minutes: made once."""

    def __init__(self, calendar: Calendar) -> None:
        groups = [*sorted(calendar.groups, key=lambda group: group.sites), calendar.anywhere]
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
                if n not in _closure(tasks, first, n + 1, forward=True):
                    continue  # nothing says which comes first: there is no stretch in between
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
