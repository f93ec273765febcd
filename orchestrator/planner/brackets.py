"""Where a redirection of a label has to begin and end, seen from each path into it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from orchestrator.model.topology import PoolId
from orchestrator.planner.constraints import Moment, PairFacts, PathFacts


@dataclass(frozen=True)
class Bracket:
    """Pools whose change must come after the label is redirected, and before it is proxied again.

    Parameters
    ----------
    opens_before, closes_after : frozenset of PoolId
    """

    opens_before: frozenset[PoolId]
    closes_after: frozenset[PoolId]


def bracket(facts: Iterable[PathFacts]) -> Bracket:
    """The bracket of one label from the facts of all paths into it.

    While the label is redirected its paths cannot break, so the bracket must hold every moment
    that blocks a pair; it is kept as short as the rules allow.
    """
    opens: set[PoolId] = set()
    closes: set[PoolId] = set()
    for fact in facts:
        ends = {"source": fact.path.source, "target": fact.path.target}
        for pair in fact.pairs:
            if fact.proxied_before:
                opens |= {ends[end] for end in _opens_before(pair)}
            if fact.proxied_after:
                closes |= {ends[end] for end in _closes_after(pair)}
    return Bracket(frozenset(opens), frozenset(closes))


def _opens_before(pair: PairFacts) -> set[str]:
    if pair.blocks(Moment.BEFORE):
        return {"source", "target"}
    ends = set()
    if pair.blocks(Moment.SOURCE_FIRST):
        ends.add("source")
    if pair.blocks(Moment.TARGET_FIRST):
        ends.add("target")
    return ends


def _closes_after(pair: PairFacts) -> set[str]:
    if not pair.blocks(Moment.BEFORE, Moment.SOURCE_FIRST, Moment.TARGET_FIRST):
        return set()
    for moment, end in ((Moment.TARGET_FIRST, "target"), (Moment.SOURCE_FIRST, "source")):
        if moment in pair.judgements and not pair.blocks(moment):
            return {end}
    return {"source", "target"}
