"""What parts of a core cost at least, each solved by itself with the calendar.

A part of the pools, with the demands between them alone, costs no more than the same pools do in
the whole: so what CP-SAT proves of the part holds for the whole. Parts grow around the labels that
cost most beyond what they must in the plan at hand, as long as CP-SAT proves them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from orchestrator.model.plan import Plan
from orchestrator.model.topology import Label, PoolId
from orchestrator.planner.assemble import SWITCH_MINUTES
from orchestrator.planner.core import FOUND, answered, library, starts_of
from orchestrator.planner.core_model import CoreModel
from orchestrator.planner.floor import Piece
from orchestrator.planner.question import Core, Part

EFFORT = 1.5
"""CP-SAT's deterministic seconds for all parts together."""

ONCE = 0.4
"""For one part at most."""

SIZES = (4, 8, 12, 16, 20)
"""Pools of a part as it grows."""


def pieces_of(core: Core, known: Plan, effort: float = EFFORT) -> list[Piece]:
    """Bounds for some sets of labels; none without the library.

    Parameters
    ----------
    core : Core
    known : Plan
        With its times: a place to begin from, and what tells which labels cost much.
    effort : float
    """
    if library() is None:
        return []
    starts = starts_of(known)
    excess = {label: _cost(core, label, starts) - core.price(label) for label in core.brackets}
    found: list[Piece] = []
    seen: set[Label] = set()
    while effort > 0 and (left := [label for label in excess if label not in seen]):
        label = max(sorted(left, reverse=True), key=lambda one: excess[one])
        pools = _around(core, label.pool, {one.pool for one in seen})
        for size in SIZES:
            part = core.of_pools(pools[:size])
            model = CoreModel(part, library())
            model.hint(starts)
            solver, status = answered(model, min(ONCE, effort))
            effort -= float(solver.response_proto.deterministic_time) + ONCE / 20
            bound = int(solver.best_objective_bound * (1 - 1e-9)) if status in FOUND else 0
            found.append(Piece(tuple(part.brackets), bound))
            if status != FOUND[0] or size >= len(pools) or effort <= 0:
                break
        seen.update(core.of_pools(pools).brackets, [label])
    return [piece for piece in found if piece.cost]


def _cost(core: Core, label: Label, starts: Mapping[Part, int]) -> int:
    """Of a label in the plan at hand, without the look after its last switch."""
    opens, closes = (starts.get(Part(label, number)) for number in (0, 1))
    if opens is None or closes is None:
        return 0
    minutes = closes + SWITCH_MINUTES + core.topology.replication_minutes - opens
    return 2 * core.charge + core.topology.users_of(label) * minutes


def _around(core: Core, pool: PoolId, seen: Collection[PoolId]) -> list[PoolId]:
    """Pools near one, those with most ties to what is there already first."""
    found = [pool]
    ties: dict[PoolId, int] = {}
    while len(found) < SIZES[-1]:
        for near in core.near.get(found[-1], ()):
            if near not in found:
                ties[near] = ties.get(near, 0) + 1
        if not ties:
            break
        best = min(ties, key=lambda p: (-ties[p], p in seen, -len(core.near[p]), p))
        del ties[best]
        found.append(best)
    return found
