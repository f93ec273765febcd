"""Which labels to redirect: the plan whose redirections cost least, and a bound on any other's.

What a label costs depends on how long it is on, and that on the whole plan and its windows. So
sets of labels are tried from the one that is cheapest by itself, until no other can be cheaper.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from orchestrator.errors import NoSafePlan
from orchestrator.model.plan import Plan
from orchestrator.model.schedule import Timing
from orchestrator.model.topology import Topology
from orchestrator.planner.alternatives import Labels
from orchestrator.planner.core import Solved, hints, solve
from orchestrator.planner.improve import improve
from orchestrator.planner.packing import MOST_PLACEMENTS
from orchestrator.planner.price import Cost
from orchestrator.planner.question import Core
from orchestrator.planner.schedule import schedule
from orchestrator.planner.unhindered import unhindered

MOST_PLANS = 12
"""Plans made and timed before the gap is reported instead."""

FIRST_LOOK = 3_000
"""Effort of a timetable while sets of labels are compared; the chosen one gets all of it."""


@dataclass(frozen=True)
class Sets:
    """Sets of labels to try.

    Parameters
    ----------
    tried : iterable of tuple of int and Labels or None
        As `cuts_in_order` gives them; at least one set.
    others : int
        What any set costs at least that is not among them, though all are asked for.
    core : Core or None
        To be solved as a whole, with the calendar, where there is one.
    large : Core or None
        With all changes, to be improved piece by piece where it is too large for that.
    floor : callable or None
        What any set costs at least; asked only where nothing better is known.
    """

    tried: Iterable[tuple[int, Labels | None]]
    others: int
    core: Core | None = None
    large: Core | None = None
    floor: Callable[[], int] | None = None


@dataclass(frozen=True)
class _Judged:
    """A plan as made and with its times, what it costs and at least costs, and times to try."""

    bare: Plan
    plan: Plan
    cost: Cost
    least: int
    hints: Mapping[str, int]


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
    best: _Judged | None = None
    misfit: NoSafePlan | None = None
    bounds = [sets.others]
    for tried, (at_least, labels) in enumerate(sets.tried):
        if labels is None or tried == MOST_PLANS or (best and at_least >= best.cost.total):
            bounds.append(at_least)
            break
        cost = Cost(2 * len(labels), 0, charge)
        try:
            found = _judged(topology, build(labels), cost, timing, FIRST_LOOK)
        except NoSafePlan as error:
            misfit = misfit or error
            continue
        bounds.append(found.least)
        if best is None or found.cost.total < best.cost.total:
            best = found
    if best is None:
        raise misfit or ValueError("no set of labels to try")
    at_least = min(bounds)
    if timing is not None:
        whole = solve(sets.core, best.plan) if sets.core and best.cost.switches else None
        at_least = max(at_least, whole.at_least if whole else 0)
        best = _with(topology, whole, build, best, timing, FIRST_LOOK)
        full = _judged(topology, best.bare, best.cost, timing, MOST_PLACEMENTS, best.hints)
        best = full if full.cost.total <= best.cost.total else best
        if sets.large is not None and best.cost.switches:
            better = improve(sets.large, best.plan)
            best = _with(topology, better, build, best, timing, MOST_PLACEMENTS)
    if not best.cost.switches:
        return best.plan
    if sets.floor is not None and at_least < best.cost.total:
        at_least = max(at_least, sets.floor())
    words = best.cost.words(at_least, "if no step waits" if timing is None else "by timetable")
    return dataclasses.replace(best.plan, remarks=(words, *best.plan.remarks))


def _with(
    topology: Topology,
    found: Solved | None,
    build: Callable[[Labels], Plan],
    best: _Judged,
    timing: Timing,
    effort: int,
) -> _Judged:
    """The better of a plan and what a solver found for its core."""
    if found is None or found.cost >= best.cost.total:
        return best
    cost = Cost(2 * len(found.labels), 0, best.cost.charge)
    try:
        plan = build(found.labels)
        times = hints(plan, found.starts)
        other = _judged(topology, plan, cost, timing, effort, times)
    except NoSafePlan:  # the core alone fits the windows, all steps together do not
        return best
    return min(best, other, key=lambda judged: judged.cost.total)


def _judged(
    topology: Topology,
    plan: Plan,
    cost: Cost,
    timing: Timing | None,
    effort: int,
    times: Mapping[str, int] | None = None,
) -> _Judged:
    timed, taken, least = plan, 0, 0
    if timing is not None:
        timed = schedule(topology, plan, *timing, effort=effort, hints=times)
        if timed.schedule is not None:
            taken, least = timed.schedule.user_minutes, timed.schedule.bound.user_minutes
    elif cost.switches:
        taken, least = unhindered(topology, plan)
    cost = dataclasses.replace(cost, user_minutes=taken)
    return _Judged(plan, timed, cost, least + cost.switches * cost.charge, times or {})
