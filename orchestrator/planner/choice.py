"""Which labels to redirect: the plan whose redirections cost least, and a bound on any other's.

What a label costs depends on how long it is on, and that on the whole plan and its windows. So
sets of labels are tried from the one that is cheapest by itself, until no other can be cheaper.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from orchestrator.errors import NoSafePlan
from orchestrator.model.plan import Plan
from orchestrator.model.schedule import Timing
from orchestrator.model.topology import Topology
from orchestrator.planner.alternatives import Labels
from orchestrator.planner.core import Solved, hints, near, solvable, solve
from orchestrator.planner.floor import Piece
from orchestrator.planner.improve import improve
from orchestrator.planner.packing import MOST_PLACEMENTS
from orchestrator.planner.pieces import pieces_of
from orchestrator.planner.price import Cost
from orchestrator.planner.question import Core
from orchestrator.planner.schedule import schedule
from orchestrator.planner.unhindered import unhindered

MOST_PLANS = 12
"""Plans made and timed before the gap is reported instead."""

FIRST_LOOK = 3_000
"""Effort of a timetable while sets of labels are compared; the chosen one gets all of it."""

PLACEMENTS_OF_STEP = 400
"""All of it per step: on farms of up to 250 steps more was found to gain nothing."""


@dataclass(frozen=True)
class Sets:
    """Sets of labels to try.

    Parameters
    ----------
    tried : iterable of tuple of int and Labels or None
        As `cuts_in_order` gives them; at least one set.
    others : int or None
        What any set costs at least that is not among them, though all are asked for; None if
        there is no such set.
    at_least : int
        What any set costs at least.
    core : Core or None
        To be solved as a whole, with the calendar, where there is one.
    large : Core or None
        With all changes, to be improved piece by piece where it is too large for that.
    floor : callable or None
        What any set costs at least; asked only where nothing better is known.
    """

    tried: Iterable[tuple[int, Labels | None]]
    others: int | None
    at_least: int = 0
    core: Core | None = None
    large: Core | None = None
    floor: Callable[[Sequence[Piece]], int] | None = None


@dataclass(frozen=True)
class _Judged:
    """A plan as made and with its times, what it costs and at least costs, and times to try."""

    labels: Labels
    bare: Plan
    plan: Plan
    cost: Cost
    least: int
    hints: Mapping[str, int]

    @property
    def met(self) -> bool:
        """Whether no timetable of this order is better."""
        timed = self.plan.schedule
        if timed is None:
            return True
        return timed.user_minutes == timed.bound.user_minutes and not timed.gap


def cheapest_plan(
    topology: Topology,
    sets: Sets,
    build: Callable[[Labels], Plan],
    charge: int,
    timing: Timing | None,
) -> Plan:
    """The plan of the set of labels that costs least, with a remark on what that is worth.

    Parameters
    ----------
    sets : Sets
    build : callable
        From labels to a plan.
    charge : int
        User-minutes a switch counts as.
    timing : Timing or None

    Raises
    ------
    NoSafePlan
        If no plan tried fits the windows: the reason of the first.
    """
    choice = _Choice(topology, sets, build, charge, timing)
    best, at_least = choice.compared()
    if timing is not None:
        best, at_least = choice.timed(best, at_least)
    if not best.cost.switches:
        return best.plan
    if sets.floor is not None and at_least < best.cost.total:
        pieces = pieces_of(sets.core, best.plan) if sets.core and sets.large else []
        floor = sets.floor(pieces)
        # Above a plan that is there it would be a fault of the solver: then nothing is said.
        at_least = max(at_least, floor) if floor <= best.cost.total else at_least
    words = best.cost.words(at_least, "if no step waits" if timing is None else "by timetable")
    return dataclasses.replace(best.plan, remarks=(words, *best.plan.remarks))


class _Choice:
    def __init__(
        self,
        topology: Topology,
        sets: Sets,
        build: Callable[[Labels], Plan],
        charge: int,
        timing: Timing | None,
    ) -> None:
        self._topology = topology
        self._sets = sets
        self._build = build
        self._charge = charge
        self._timing = timing
        self._core = sets.core if sets.core and solvable(sets.core) else None
        self._all = sets.others is None
        self._tried, self._again = itertools.tee(sets.tried)

    def compared(self) -> tuple[_Judged, int]:
        """The best of some sets at a first look, and what any set costs at least."""
        best: _Judged | None = None
        misfit: NoSafePlan | None = None
        bounds = [] if self._sets.others is None else [self._sets.others]
        for number, (at_least, labels) in enumerate(self._tried):
            # Where CP-SAT answers for one set after the other, one plan is enough to begin with.
            most = 1 if self._all and self._core and best else MOST_PLANS
            if labels is None or number >= most or (best and at_least >= best.cost.total):
                bounds.append(at_least)
                break
            try:
                found = self._judged(labels, self._build(labels), FIRST_LOOK)
            except NoSafePlan as error:
                misfit = misfit or error
                if self._timing is not None:  # another timetable of it might fit
                    bounds.append(at_least)
                continue
            bounds.append(max(found.least, at_least))
            if best is None or found.cost.total < best.cost.total:
                best = found
            if best.cost.total <= at_least:  # nor does any set to come cost less
                break
        if best is None:
            raise misfit or ValueError("no set of labels to try")
        return best, max(self._sets.at_least, min(bounds))

    def timed(self, best: _Judged, at_least: int) -> tuple[_Judged, int]:
        """What more effort makes of it with its windows, and of the bound."""
        if self._core and at_least < best.cost.total:
            sets = self._again if self._all else [(at_least, best.labels), (at_least, None)]
            whole = solve(self._core, best.plan, sets)
            at_least = max(at_least, whole.at_least if whole else 0)
            best = self._with(whole, best, FIRST_LOOK)
        if not best.met:
            effort = min(MOST_PLACEMENTS, PLACEMENTS_OF_STEP * len(best.bare.steps))
            full = self._judged(best.labels, best.bare, effort, best.hints)
            best = full if full.cost.total <= best.cost.total else best
        large = self._sets.large
        if large is not None and best.cost.switches and not near(best.cost.total, at_least):
            best = self._with(improve(large, best.plan), best, MOST_PLACEMENTS)
        return best, at_least

    def _with(self, found: Solved | None, best: _Judged, effort: int) -> _Judged:
        """The better of a plan and what a solver found for its core."""
        if found is None or found.cost >= best.cost.total:
            return best
        try:
            plan = self._build(found.labels)
            other = self._judged(found.labels, plan, effort, hints(plan, found.starts))
        except NoSafePlan:  # the core alone fits the windows, all steps together do not
            return best
        return min(best, other, key=lambda judged: judged.cost.total)

    def _judged(
        self, labels: Labels, plan: Plan, effort: int, times: Mapping[str, int] | None = None
    ) -> _Judged:
        timed, taken, least = plan, 0, 0
        if self._timing is not None:
            timed = schedule(self._topology, plan, *self._timing, effort=effort, hints=times)
            if timed.schedule is not None:
                taken, least = timed.schedule.user_minutes, timed.schedule.bound.user_minutes
        elif labels:
            taken, least = unhindered(self._topology, plan)
        cost = Cost(2 * len(labels), taken, self._charge)
        return _Judged(labels, plan, timed, cost, least + cost.switches * cost.charge, times or {})
