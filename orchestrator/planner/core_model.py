"""A conflict core as constraints for CP-SAT: all of it, or some pools with the others fixed."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from orchestrator.model.topology import Label, PoolId
from orchestrator.model.window import minute_of
from orchestrator.planner.assemble import SWITCH_MINUTES
from orchestrator.planner.batches import Batch
from orchestrator.planner.pilot import PROBE_MINUTES
from orchestrator.planner.question import Core, Part, plain
from orchestrator.planner.way import Change

_LONGEST = 10**7
_ALWAYS = (0, 10**9)


# CP-SAT's own types overload every operator for numpy as well: Any says no less to a reader.
class _Step(NamedTuple):
    start: Any
    minutes: int

    @property
    def end(self) -> Any:
        return self.start + self.minutes

    @property
    def settled(self) -> bool:
        return isinstance(self.start, int)


class CoreModel:
    """The core as constraints.

    Parameters
    ----------
    core : Core
    library : module
        CP-SAT's; this module does not import it.
    known : mapping of Part to int, optional
        Times of a whole plan.
    free : collection of PoolId, optional
        Pools whose labels and times are asked for; all others keep what is known.
    between : (int, int)
        What is asked for lies there; steps known to start earlier keep their times.
    at_least : int
        What no plan of all of it costs less than, as far as is known.

    Attributes
    ----------
    cp : CpModel
    on : mapping of Label to variable
    steps : mapping of Part to step
    """

    def __init__(
        self,
        core: Core,
        library: Any,
        known: Mapping[Part, int] | None = None,
        free: Collection[PoolId] | None = None,
        between: tuple[int, int] = _ALWAYS,
        at_least: int = 0,
    ) -> None:
        self.cp = library.CpModel()
        self._library = library
        self.on: dict[Label, Any] = {}
        self.steps: dict[Part, _Step] = {}
        self._core = core
        self._known = known or {}
        self._free = free
        self._between = between
        self._intervals: list[Any] = []
        self._taken: list[tuple[int, int]] = []
        self._ends: dict[Change, tuple[_Step, _Step]] = {}
        self._domains: dict[tuple[str, int], Any] = {}
        for own in core.chains.values():
            self._changes(own)
        costs = [self._redirection(label) for label in core.brackets]
        self._demands()
        self._room()
        if at_least:
            self.cp.add(sum(costs) >= at_least)
        self.cp.minimize(sum(costs))

    def hint(self, starts: Mapping[Part, int]) -> None:
        """Begin with the times of a plan."""
        for part, step in self.steps.items():
            if not step.settled and plain(part) in starts:
                self.cp.add_hint(step.start, starts[plain(part)])
        for label, on in self.on.items():
            self.cp.add_hint(on, Part(label, 0) in starts)

    def redirect(self, labels: Collection[Label]) -> None:
        """Redirect these labels and no others."""
        for label, on in self.on.items():
            self.cp.add(on == (label in labels))

    def _changes(self, own: Mapping[Change, Sequence[Batch]]) -> None:
        """One batch of a pool after the other; servers of other ways come before or after."""
        for change, chain in own.items():
            made: list[_Step] = []
            for number, batch in enumerate(chain):
                part = Part(change, number)
                step = self._step(part, change.pool, batch.minutes, 0, pilot=not number)
                self.steps[part] = step
                made.append(step)
            for one, other in itertools.pairwise(made):
                self._order(one, other)
            self._ends[change] = made[0], made[-1]
        for first, then in itertools.combinations(own, 2):
            if not first.way or first.way != then.way:  # else `sequence` tells
                comes_first = self.cp.new_bool_var("")
                self._before(first, then, comes_first)
                self._before(then, first, comes_first.negated())

    def _redirection(self, label: Label) -> Any:
        core, span = self._core, self._core.brackets[label]
        inside = core.chains.get(label.pool, {}).keys()
        on = None
        if self._is_free(label.pool):
            on = self.on[label] = self.cp.new_bool_var("")
        elif Part(label, 0) not in self._known:
            return 0
        opens, closes = self._switch(label, 0, on), self._switch(label, 1, on)
        for change in sorted((span.opens_before & self._ends.keys()) | inside):
            self._order(opens, self._ends[change][0], on)
        for change in sorted((span.closes_after & self._ends.keys()) | inside):
            self._order(self._ends[change][1], closes, on)
        self._order(opens, closes, on)
        users = core.topology.users_of(label)
        if on is None:
            return 2 * core.charge + users * (closes.end - opens.start)
        length = self.cp.new_int_var(0, _LONGEST, "")
        self.cp.add(length >= closes.end - opens.start).only_enforce_if(on)
        cost = 2 * core.charge * on + users * length
        self.cp.add(cost >= core.price(label) * on)  # implied, and a bound from the first moment on
        return cost

    def _switch(self, label: Label, number: int, on: Any) -> _Step:
        waiting = self._core.topology.replication_minutes
        part = Part(label, number)
        self.steps[part] = self._step(part, label.pool, SWITCH_MINUTES + waiting, waiting, on)
        return self.steps[part]

    def _demands(self) -> None:
        for arc in self._core.arcs:
            on = self.on.get(arc.label)
            if on is not None:
                self._before(arc.first, arc.then, on.negated())
            elif arc.label not in self._core.brackets or Part(arc.label, 0) not in self._known:
                self._before(arc.first, arc.then)
        for first, then in sorted(self._core.sequence):
            self._before(first, then)

    def _before(self, first: Change, then: Change, when: Any = None) -> None:
        self._order(self._ends[first][1], self._ends[then][0], when)

    def _order(self, one: _Step, other: _Step, when: Any = None) -> None:
        """One step after the other, if something is so."""
        if one.settled and other.settled:
            if when is not None and one.end > other.start:
                self.cp.add(when == 0)
            return
        order = self.cp.add(one.end <= other.start)
        if when is not None:
            order.only_enforce_if(when)

    def _room(self) -> None:
        """Steps at once, those that keep their times as what they take of the room."""
        demands = [1] * len(self._intervals)
        ends: dict[int, int] = {}
        for start, end in self._taken:
            ends[start] = ends.get(start, 0) + 1
            ends[end] = ends.get(end, 0) - 1
        used = 0
        for begin, then in itertools.pairwise(sorted(ends)):
            used += ends[begin]
            if used and then > self._between[0]:
                self._intervals.append(self.cp.new_fixed_size_interval_var(begin, then - begin, ""))
                demands.append(used)
        self.cp.add_cumulative(self._intervals, demands, self._core.timing.policy.max_parallel)

    def _is_free(self, pool: PoolId) -> bool:
        return self._free is None or pool in self._free

    def _step(
        self,
        part: Part,
        pool: PoolId,
        minutes: int,
        waiting: int,
        on: Any = None,
        *,
        pilot: bool = False,
    ) -> _Step:
        """A step in the windows of its site, with the look that follows it.

        After a pilot the look is a step of its own before all others: it takes as long, but need
        not be kept room for in the window.
        """
        policy = self._core.timing.policy
        look = policy.verification_minutes if self._core.topology.can_be_probed(pool) else 0
        start = self._known.get(plain(part))
        if start is not None and (not self._is_free(pool) or start < self._between[0]):
            self._taken.append((start, start + minutes + look))
            return _Step(start, minutes + look)
        room = minutes if pilot else minutes + look
        look = min(look, PROBE_MINUTES) if pilot else look
        reserve = room - waiting if policy.reserve_minutes is None else policy.reserve_minutes
        begin = self.cp.new_int_var_from_domain(self._domain(pool.site, room + reserve), "")
        made = (
            self.cp.new_fixed_size_interval_var(begin, minutes + look, "")
            if on is None
            else self.cp.new_optional_fixed_size_interval_var(begin, minutes + look, on, "")
        )
        self._intervals.append(made)
        return _Step(begin, minutes + look)

    def _domain(self, site: str, room: int) -> Any:
        """When a step may start that needs some minutes of a window."""
        if (site, room) not in self._domains:
            calendar = self._core.timing.calendar
            group = next(group for group in calendar.groups if site in group.sites)
            first, last = self._between
            slots = [
                [max(minute_of(window.start), first), min(minute_of(window.end) - room, last)]
                for window in group.windows
            ]
            fit = [slot for slot in slots if slot[0] <= slot[1]]
            self._domains[site, room] = self._library.Domain.from_intervals(fit)
        return self._domains[site, room]
