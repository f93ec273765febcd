"""Labels, order and times of a conflict core at once, with the calendar: by CP-SAT if it is there.

What the heuristics found is handed over as a hint. Limits are CP-SAT's deterministic time and one
worker, so the same question has the same answer everywhere; without the extra `solver`, and for
larger cores, the plan stands as it is, with the bound it has.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.model.plan import Plan, StepKind
from orchestrator.model.topology import Label, PoolId
from orchestrator.model.window import minute_of
from orchestrator.planner.alternatives import Labels
from orchestrator.planner.core_model import CoreModel
from orchestrator.planner.question import Core, Part, plain
from orchestrator.planner.way import Change

MOST_STEPS = 80
"""Batches and possible switches up to which a core goes to CP-SAT."""

EFFORT = 1.0
"""CP-SAT's deterministic seconds, about as long by the clock on one core of 2020."""

_SEED = 2012

EFFORT_OF_SET = 0.2
"""Of these for one set of labels at most."""

LEAST_EFFORT = 0.02
"""What any question takes beside that, for CP-SAT to read it."""

NEAR = 100
"""What part of its cost an answer may be above the bound without a search for a better one."""

FOUND = ("OPTIMAL", "FEASIBLE")
"""What CP-SAT says if it found something, the first if nothing is better."""

IMPOSSIBLE = "INFEASIBLE"
"""What it says if there is no answer."""


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


def solvable(core: Core) -> bool:
    """Whether CP-SAT is there and the core not too large for it."""
    return core.size <= MOST_STEPS and library() is not None


def near(cost: int, at_least: int) -> bool:
    """Whether a bound is so near that no search for anything better is worth its time."""
    return cost - at_least <= cost // NEAR


def solve(
    core: Core,
    known: Plan,
    sets: Iterable[tuple[int, Labels | None]],
    effort: float = EFFORT,
) -> Solved | None:
    """The cheapest labels and times found, and a bound.

    With its labels said a core is answered at once, so sets are asked for one by one until no
    other can be cheaper; only where that comes to no end, for the labels as well.

    Parameters
    ----------
    core : Core
    known : Plan
        A timed plan to begin with.
    sets : iterable of tuple of int and Labels or None
        As `Decisions.sets` gives them.
    effort : float
        CP-SAT's deterministic seconds for all of it.

    Returns
    -------
    Solved or None
        None without the library, for a core that is too large, or if nothing was found.
    """
    if not solvable(core):
        return None
    best: Solved | None = None
    bounds: list[int] = []
    left = effort
    for at_least, labels in sets:
        if labels is None or left <= effort / 2 or (best and at_least >= best.cost):
            bounds.append(at_least)
            break
        once = min(EFFORT_OF_SET, left)
        status, found, taken = _answer(core, at_least, once, labels=labels)
        left -= taken
        if status != IMPOSSIBLE:
            bounds.append(found.at_least if found else at_least)
        if found and (best is None or found.cost < best.cost):
            best = found
        if best and best.cost <= at_least:  # nor does any set to come cost less
            break
    at_least = min(bounds, default=0)
    if best and near(best.cost, at_least):
        return dataclasses.replace(best, at_least=at_least)
    starts = best.starts if best else starts_of(known)
    _, found, _ = _answer(core, at_least, left, starts=starts)
    if found is None or (best and best.cost <= found.cost):
        return best and dataclasses.replace(best, at_least=found.at_least if found else at_least)
    return found


def _answer(
    core: Core,
    at_least: int,
    effort: float,
    *,
    labels: Labels | None = None,
    starts: Mapping[Part, int] | None = None,
) -> tuple[str, Solved | None, float]:
    """What CP-SAT says, what it found and its effort: for some labels, or from some times on."""
    model = CoreModel(core, library(), at_least=at_least)
    if labels is not None:
        model.redirect(labels)
    if starts is not None:
        model.hint({plain(part): start for part, start in starts.items()})
    solver, status = answered(model, effort)
    taken = solver.response_proto.deterministic_time + LEAST_EFFORT
    if status not in FOUND:
        return status, None, taken
    on = tuple(sorted(label for label, on in model.on.items() if solver.value(on)))
    off = core.brackets.keys() - {*on}
    times = {
        part: solver.value(step.start) for part, step in model.steps.items() if part.what not in off
    }
    cost, bound = round(solver.objective_value), solver.best_objective_bound
    # A whole number bounded from below; the solver's own is a float.
    proven = cost if status == FOUND[0] else max(at_least, int(bound * (1 - 1e-9)))
    return status, Solved(on, times, cost, proven), taken


def library() -> Any:
    """CP-SAT; None without the extra `solver`."""
    try:
        from ortools.sat.python import cp_model
    except ImportError:
        return None
    return cp_model


def answered(model: CoreModel, effort: float, *, by_turns: bool = False) -> tuple[Any, str]:
    """CP-SAT's solver after its answer, and what that is: one worker, a fixed seed, and no clock.

    Parameters
    ----------
    model : CoreModel
    effort : float
        Deterministic seconds.
    by_turns : bool
        Whether its ways of searching take turns; else one has all of the effort.
    """
    solver = library().CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = _SEED
    solver.parameters.max_deterministic_time = effort
    solver.parameters.interleave_search = by_turns
    status = solver.solve(model.cp)
    return solver, solver.status_name(status)


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
    known = {plain(part): start for part, start in starts.items()}
    return {name: known[part] for part, name in parts_of(plan).items() if part in known}


def starts_of(plan: Plan) -> dict[Part, int]:
    """The times of a plan's steps by what they are in a core; none of a plan without times."""
    if plan.schedule is None:
        return {}
    begins = {timed.step: minute_of(timed.start) for timed in plan.schedule.steps}
    return {part: begins[name] for part, name in parts_of(plan).items()}
