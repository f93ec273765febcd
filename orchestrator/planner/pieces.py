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
from orchestrator.planner.core import library, solve, starts_of
from orchestrator.planner.decisions import Decisions
from orchestrator.planner.floor import Piece
from orchestrator.planner.question import Core, Part

MOST_STEPS = 300
"""Batches and possible switches of a core up to which it is tried: of the largest farms parts that
can be proven say nothing of the whole."""

MOST_ASKED = 9
"""Parts looked at; a count, so that every machine looks at the same."""

ONCE = 0.4
"""CP-SAT's deterministic seconds for one of them."""

SIZES = (4, 8, 12, 16, 20)
"""Pools of a part as it grows."""


def pieces_of(core: Core, known: Plan, most: int = MOST_ASKED) -> list[Piece]:
    """Bounds for some sets of labels; none without the library.

    Parameters
    ----------
    core : Core
    known : Plan
        With its times: a place to begin from, and what tells which labels cost much.
    most : int
        Parts looked at.
    """
    if library() is None or core.size > MOST_STEPS:
        return []
    starts = starts_of(known)
    excess = {label: _cost(core, label, starts) - core.price(label) for label in core.brackets}
    found: list[Piece] = []
    seen: set[Label] = set()
    asked = 0
    while asked < most and (left := [label for label in excess if label not in seen]):
        label = max(sorted(left, reverse=True), key=lambda one: excess[one])
        pools = _around(core, label.pool, {one.pool for one in seen})
        for size in SIZES:
            part = core.of_pools(pools[:size])
            asked += 1
            solved = solve(part, known, Decisions(part).sets(), ONCE)
            found.append(Piece(tuple(part.brackets), solved.at_least if solved else 0))
            if not solved or solved.at_least < solved.cost or size >= len(pools) or asked == most:
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
