"""Labels, order and times of a conflict core at once, with the calendar: by CP-SAT if it is there.

What the heuristics found is handed over as a hint. Limits are CP-SAT's deterministic time and one
worker, so the same question has the same answer everywhere; without the extra `solver`, and for
larger cores, the plan stands as it is, with the bound it has.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.model.plan import Plan, StepKind
from orchestrator.model.topology import Label, PoolId
from orchestrator.model.window import minute_of
from orchestrator.planner.core_model import CoreModel
from orchestrator.planner.question import Core, Part, plain
from orchestrator.planner.way import Change

MOST_STEPS = 80
"""Batches and possible switches up to which a core goes to CP-SAT."""

EFFORT = 1.0
"""CP-SAT's deterministic seconds, about as long by the clock on one core of 2020."""

_SEED = 2012

FOUND = ("OPTIMAL", "FEASIBLE")
"""What CP-SAT says if it found something, the first if nothing is better."""


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
    if (cp_model := library()) is None:
        return None
    model = CoreModel(core, cp_model)
    if known is not None:
        model.hint(starts_of(known))
    solver, status = answered(model, EFFORT)
    if status not in FOUND:
        return None
    labels = tuple(sorted(label for label, on in model.on.items() if solver.value(on)))
    off = core.brackets.keys() - {*labels}
    starts = {
        part: solver.value(step.start) for part, step in model.steps.items() if part.what not in off
    }
    cost, bound = round(solver.objective_value), solver.best_objective_bound
    # A whole number bounded from below; the solver's own is a float.
    at_least = cost if status == FOUND[0] else max(0, int(bound * (1 - 1e-9)))
    return Solved(labels, starts, cost, at_least)


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
