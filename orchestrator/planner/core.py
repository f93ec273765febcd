"""Labels, order and times of a conflict core at once, with the calendar: by CP-SAT if it is there.

What the heuristics found is handed over as a hint. Limits are CP-SAT's deterministic time and one
worker, so the same question has the same answer everywhere; without the extra `solver`, and for
larger cores, the plan stands as it is, with the bound it has.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from orchestrator.model.plan import Plan, StepKind
from orchestrator.model.schedule import Timing
from orchestrator.model.topology import Label, PoolId, Topology
from orchestrator.model.window import minute_of
from orchestrator.planner.assemble import SWITCH_MINUTES
from orchestrator.planner.batches import Batch
from orchestrator.planner.brackets import Bracket, bracket
from orchestrator.planner.constraints import Arc, PathFacts
from orchestrator.planner.way import Change

MOST_STEPS = 80
"""Batches and possible switches up to which a core goes to CP-SAT."""

EFFORT = 1.0
"""CP-SAT's deterministic seconds, about as long by the clock on one core of 2020."""

_SEED = 2012
_LONGEST = 10**7


class Part(NamedTuple):
    """A step of the core: a batch of a change by its number, or a switch of a label."""

    what: Change | Label
    number: int


@dataclass(frozen=True)
class Core:
    """A conflict core as the solver needs it.

    Parameters
    ----------
    topology : Topology
    timing : Timing
    charge : int
        User-minutes a switch counts as.
    chains : mapping of PoolId to mapping of Change to sequence of Batch
        All changes of a pool, in their order.
    arcs : sequence of Arc
        Between these changes, of labels that may be cut and of others.
    sequence : collection of pairs of Change
    brackets : mapping of Label to Bracket
        Of every label that may be redirected.
    price : callable
        What redirecting a label costs at least, whatever else is done.
    """

    topology: Topology
    timing: Timing
    charge: int
    chains: Mapping[PoolId, Mapping[Change, Sequence[Batch]]]
    arcs: Sequence[Arc]
    sequence: Collection[tuple[Change, Change]]
    brackets: Mapping[Label, Bracket]
    price: Callable[[Label], int]

    @classmethod
    def of(
        cls,
        topology: Topology,
        timing: Timing,
        charge: int,
        chains: Mapping[PoolId, Mapping[Change, Sequence[Batch]]],
        arcs: Sequence[Arc],
        sequence: Collection[tuple[Change, Change]],
        facts: Sequence[PathFacts],
        free: Collection[Label],
        price: Callable[[Label], int],
    ) -> Core:
        """All changes, and all labels that lift a demand and may be redirected."""
        by_label: dict[Label, list[PathFacts]] = {arc.label: [] for arc in arcs}
        for fact in facts:
            if fact.path.label in by_label:
                by_label[fact.path.label].append(fact)
        brackets = {label: bracket(by_label[label]) for label in sorted(by_label) if label in free}
        changing = {pool: made for pool, made in chains.items() if made}
        return cls(topology, timing, charge, changing, arcs, sequence, brackets, price)

    def within(self, knotted: Sequence[Arc]) -> Core:
        """What of it lies on cycles; demands that other labels could lift are let go."""
        pools = {change.pool for arc in knotted for change in (arc.first, arc.then)}
        brackets = {arc.label for arc in knotted} & self.brackets.keys()
        return dataclasses.replace(
            self,
            chains={pool: made for pool, made in self.chains.items() if pool in pools},
            arcs=[
                arc
                for arc in self.arcs
                if {arc.first.pool, arc.then.pool} <= pools
                and (arc.label in brackets or arc.label not in self.brackets)
            ],
            sequence=[pair for pair in self.sequence if pair[0].pool in pools],
            brackets={label: self.brackets[label] for label in sorted(brackets)},
        )

    @property
    def size(self) -> int:
        """Batches and possible switches."""
        made = sum(len(chain) for own in self.chains.values() for chain in own.values())
        return made + 2 * len(self.brackets)


@dataclass(frozen=True)
class Solved:
    """What CP-SAT says of a core.

    Parameters
    ----------
    labels : tuple of Label
        To redirect; sorted.
    starts : mapping of Part to int
        Minutes.
    cost : int
        User-minutes, charges included.
    at_least : int
        No plan of this form costs less.
    """

    labels: tuple[Label, ...]
    starts: Mapping[Part, int]
    cost: int
    at_least: int


def solve(core: Core, known: Plan | None) -> Solved | None:
    """The cheapest labels and times found, and a bound.

    Parameters
    ----------
    core : Core
    known : Plan or None
        A timed plan to begin with.

    Returns
    -------
    Solved or None
        None without the library, for a core that is too large, or if nothing was found.
    """
    if core.size > MOST_STEPS:
        return None
    try:
        from ortools.sat.python import cp_model
    except ImportError:
        return None
    model = _Model(core, cp_model.CpModel())
    if known is not None:
        model.hint(known)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = _SEED
    solver.parameters.max_deterministic_time = EFFORT
    status = solver.solve(model.cp)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return None
    labels = tuple(sorted(label for label, on in model.on.items() if solver.value(on)))
    off = core.brackets.keys() - {*labels}
    starts = {
        part: solver.value(step.start) for part, step in model.steps.items() if part.what not in off
    }
    cost, bound = round(solver.objective_value), solver.best_objective_bound
    # A whole number bounded from below; the solver's own is a float.
    at_least = cost if status == cp_model.OPTIMAL else max(0, int(bound * (1 - 1e-9)))
    return Solved(labels, starts, cost, at_least)


def parts_of(plan: Plan) -> dict[Part, str]:
    """The steps of a plan by what they are in a core."""
    found: dict[Part, str] = {}
    counts: dict[tuple[PoolId, object, object], int] = {}
    for step in plan.steps:
        if step.kind.changes_build and step.from_build and step.to_build:
            key = step.pool, step.from_build, step.to_build
            number = counts[key] = counts.get(key, -1) + 1
            found[Part(Change(*key), number)] = step.id
        if step.kind.changes_urls:
            last = step.kind is StepKind.RESTORE_PROXYING
            for protocol in step.protocols:
                found[Part(Label(step.pool, protocol), int(last))] = step.id
    return found


def hints(plan: Plan, starts: Mapping[Part, int]) -> dict[str, int]:
    """The times of a core by the steps of a plan."""
    known = {_plain(part): start for part, start in starts.items()}
    return {name: known[part] for part, name in parts_of(plan).items() if part in known}


def _plain(part: Part) -> Part:
    """A change without the way it is a part of, which steps do not tell."""
    what = part.what
    if isinstance(what, Change):
        return Part(Change(what.pool, what.old, what.new), part.number)
    return part


# CP-SAT's own types overload every operator for numpy as well: Any says no less to a reader.
class _Step(NamedTuple):
    start: Any
    minutes: int

    @property
    def end(self) -> Any:
        return self.start + self.minutes


class _Model:
    """The core as constraints."""

    def __init__(self, core: Core, cp: Any) -> None:
        self.cp = cp
        self.on: dict[Label, Any] = {}
        self.steps: dict[Part, _Step] = {}
        self._core = core
        self._intervals: list[Any] = []
        self._ends: dict[Change, tuple[_Step, _Step]] = {}
        of_pool = {pool: self._changes(own) for pool, own in core.chains.items()}
        costs = [self._redirection(label, of_pool.get(label.pool, [])) for label in core.brackets]
        self._demands()
        most = core.timing.policy.max_parallel
        cp.add_cumulative(self._intervals, [1] * len(self._intervals), most)
        cp.minimize(sum(costs))

    def hint(self, plan: Plan) -> None:
        """Begin with a timed plan."""
        if plan.schedule is None:
            return
        begins = {timed.step: minute_of(timed.start) for timed in plan.schedule.steps}
        known = parts_of(plan)
        for part, step in self.steps.items():
            if (name := known.get(_plain(part))) in begins:
                self.cp.add_hint(step.start, begins[name])
        for label, on in self.on.items():
            self.cp.add_hint(on, Part(label, 0) in known)

    def _changes(self, own: Mapping[Change, Sequence[Batch]]) -> list[_Step]:
        made: list[_Step] = []
        for change, chain in own.items():
            for number, batch in enumerate(chain):
                step = self._step(change.pool.site, batch.minutes, batch.minutes)
                self.steps[Part(change, number)] = step
                made.append(step)
            self._ends[change] = made[-len(chain)], made[-1]
        for one, other in itertools.pairwise(made):
            self.cp.add(one.end <= other.start)
        return made

    def _redirection(self, label: Label, inside: Sequence[_Step]) -> Any:
        core, span = self._core, self._core.brackets[label]
        minutes = SWITCH_MINUTES + core.topology.replication_minutes
        on = self.on[label] = self.cp.new_bool_var("")
        opens, closes = (self._step(label.pool.site, minutes, SWITCH_MINUTES, on) for _ in range(2))
        self.steps[Part(label, 0)], self.steps[Part(label, 1)] = opens, closes
        first = [self._ends[change][0] for change in sorted(span.opens_before & {*self._ends})]
        last = [self._ends[change][1] for change in sorted(span.closes_after & {*self._ends})]
        for step in (*first, *inside[:1], closes):
            self.cp.add(opens.end <= step.start).only_enforce_if(on)
        for step in (*last, *inside[-1:]):
            self.cp.add(step.end <= closes.start).only_enforce_if(on)
        length = self.cp.new_int_var(0, _LONGEST, "")
        self.cp.add(length >= closes.end - opens.start).only_enforce_if(on)
        cost = 2 * core.charge * on + core.topology.users_of(label) * length
        self.cp.add(cost >= core.price(label) * on)  # implied, and a bound from the first moment on
        return cost

    def _demands(self) -> None:
        for arc in self._core.arcs:
            demand = self._before(arc.first, arc.then)
            if arc.label in self.on:
                demand.only_enforce_if(self.on[arc.label].negated())
        for first, then in sorted(self._core.sequence):
            self._before(first, then)

    def _before(self, first: Change, then: Change) -> Any:
        return self.cp.add(self._ends[first][1].end <= self._ends[then][0].start)

    def _step(self, site: str, minutes: int, undo: int, on: Any = None) -> _Step:
        """A step in the windows of its site; its verification is left out, which is no less."""
        calendar, policy = self._core.timing
        reserve = undo if policy.reserve_minutes is None else policy.reserve_minutes
        group = next(group for group in calendar.groups if site in group.sites)
        slots = [
            [minute_of(window.start), minute_of(window.end) - minutes - reserve]
            for window in group.windows
            if window.minutes >= minutes + reserve
        ]
        start = self.cp.new_int_var_from_domain(_domain(slots), "")
        made = (
            self.cp.new_fixed_size_interval_var(start, minutes, "")
            if on is None
            else self.cp.new_optional_fixed_size_interval_var(start, minutes, on, "")
        )
        self._intervals.append(made)
        return _Step(start, minutes)


def _domain(slots: list[list[int]]) -> Any:
    from ortools.sat.python import cp_model

    return cp_model.Domain.from_intervals(slots)
