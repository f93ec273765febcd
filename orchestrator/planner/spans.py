"""The least a redirection lasts by what it encloses, before there is a plan."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from orchestrator.model.plan import Step, StepKind
from orchestrator.model.schedule import Calendar, SiteCalendar, TimePolicy, Timing
from orchestrator.model.topology import PoolId, Topology
from orchestrator.model.window import Window
from orchestrator.planner.assemble import SWITCH_MINUTES
from orchestrator.planner.batches import Batch
from orchestrator.planner.pilot import PROBE_MINUTES
from orchestrator.planner.span import crowded, shortest
from orchestrator.planner.task import Redirection, Slots, Task
from orchestrator.planner.workload import Shelf

Enclosed = Sequence[tuple[PoolId, Sequence[Batch]]]


_ANY_MOMENT = Slots((0,), (10**9,), -1)


class Row(NamedTuple):
    """A change inside a stretch of time, batch after batch.

    Parameters
    ----------
    pool : PoolId
    minutes : tuple of int
        Of its batches.
    after : tuple of int
        Rows before it, by number, that must have ended.
    begun : bool
        Whether it need only have begun when the stretch ends.
    """

    pool: PoolId
    minutes: tuple[int, ...]
    after: tuple[int, ...]
    begun: bool = False


class Spans:
    """Least minutes of redirections in some calendar.

    Parameters
    ----------
    topology : Topology
    timing : Timing, optional
        Without it nothing waits for anything but what it comes after.
    """

    def __init__(self, topology: Topology, timing: Timing | None) -> None:
        self._topology = topology
        self._timing = timing or _always(topology)
        self._shelf = Shelf(self._timing.calendar)
        self._groups = {
            site: group for group in self._timing.calendar.groups for site in group.sites
        }
        self._known: dict[object, int] = {}

    def least(self, pool: PoolId, own: Sequence[Batch], before: Enclosed) -> int:
        """Minutes from the start of the first switch to the end of the second.

        Parameters
        ----------
        pool : PoolId
            That is redirected.
        own : sequence of Batch
            Of its changes, one after the other.
        before : sequence of (pool, batches)
            One after the other in between, before the pool's own.

        Notes
        -----
        A look is counted after every step that surely has one. A pilot's is a step of its own
        before all others, which takes no room in the window, and any batch may be the pilot.
        """
        rows = [*before, (pool, own)]
        key = tuple(
            (
                self._groups.get(where.site),
                self._topology.can_be_probed(where),
                tuple(batch.minutes for batch in made),
            )
            for where, made in rows
        )
        if key not in self._known:
            tasks = self._chain(pool, rows)
            chain = Redirection(0, len(tasks) - 1, 0, tuple(range(1, len(tasks) - 1)))
            self._known[key] = shortest(tasks, chain)
        return self._known[key]

    def cover(self, pools: Sequence[PoolId], rows: Sequence[Row]) -> int:
        """Minutes that redirections of some pools last together, one at least at every moment.

        Parameters
        ----------
        pools : sequence of PoolId
            That are redirected; the first to be is so before all rows, the last until after them.
            None if only the rows count.
        rows : sequence of Row
            All that is done meanwhile; none before those it comes after.
        """
        switches = [self.switch(pool) for pool in pools]
        alike = len({switch.slots for switch in switches}) == 1
        gate = dataclasses.replace(
            self.switch(rows[0].pool),
            need=min((switch.need for switch in switches), default=0),
            slots=switches[0].slots if alike else _ANY_MOMENT,
        )
        tasks: list[Task] = [gate]
        after: list[tuple[int, ...]] = [()]
        last: list[int] = []
        for row in rows:
            before = tuple(last[n] for n in row.after) or (0,)
            for minutes in row.minutes[:1] if row.begun else row.minutes:
                task = self._task(row.pool, minutes, 0)
                tasks.append(dataclasses.replace(task, need=1) if row.begun else task)
                after.append(before)
                before = (len(tasks) - 1,)
            last.append(len(tasks) - 1)
        tasks.append(gate)
        inner = {n for row in rows for n in row.after}
        after.append(tuple(end for n, end in enumerate(last) if n not in inner) or (0,))
        chain = Redirection(0, len(tasks) - 1, 0, tuple(range(1, len(tasks) - 1)))
        linked = _linked(tasks, after)
        least = shortest(linked, chain)
        return max(least, crowded(linked, chain, self._timing.policy.max_parallel) if alike else 0)

    def switch(self, pool: PoolId) -> Task:
        """A switch of a pool."""
        waiting = self._topology.replication_minutes
        return self._task(pool, SWITCH_MINUTES + waiting, waiting)

    def batch(self, pool: PoolId, batch: Batch) -> Task:
        """A batch of a pool, by itself."""
        return self._task(pool, batch.minutes, 0)

    def _chain(self, pool: PoolId, rows: Enclosed) -> list[Task]:
        inner = [self.batch(where, batch) for where, made in rows for batch in made]
        tasks = [self.switch(pool), *inner, self.switch(pool)]
        return _linked(tasks, [(n - 1,) if n else () for n in range(len(tasks))])

    def _task(self, pool: PoolId, minutes: int, waiting: int) -> Task:
        policy = self._timing.policy
        look = policy.verification_minutes if self._topology.can_be_probed(pool) else 0
        room, need = minutes + look, minutes + look
        if not waiting:
            room, need = minutes, minutes + min(look, PROBE_MINUTES)
        reserve = room - waiting if policy.reserve_minutes is None else policy.reserve_minutes
        group = self._groups.get(pool.site)
        return Task(
            step=_step(pool),
            need=need,
            reserve=reserve,
            slots=self._shelf.slots(group, room + reserve) if group else Slots((), (), -1),
            after=(),
            before=(),
            pool=0,
            out=frozenset(),
            touched=frozenset(),
            free=True,
        )


def _linked(tasks: Sequence[Task], after: Sequence[tuple[int, ...]]) -> list[Task]:
    before: list[list[int]] = [[] for _ in tasks]
    for n, earlier in enumerate(after):
        for k in earlier:
            before[k].append(n)
    return [
        dataclasses.replace(task, after=after[n], before=tuple(before[n]))
        for n, task in enumerate(tasks)
    ]


def _step(pool: PoolId) -> Step:
    return Step("", StepKind.VERIFY, pool, (), (), (), 0, "")


def _always(topology: Topology) -> Timing:
    window = Window(datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC))
    sites = SiteCalendar(tuple(sorted(topology.sites)), "UTC", (window,))
    return Timing(Calendar("UTC", (sites,)), TimePolicy(10**6, 0))
