"""Where a redirection of a label has to begin and end, seen from each path into it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from orchestrator.planner.constraints import Change, Moment, PairFacts, PathFacts


@dataclass(frozen=True)
class Bracket:
    """Changes that must come after the label is redirected, and before it is proxied again.

    Parameters
    ----------
    opens_before, closes_after : frozenset of Change
    """

    opens_before: frozenset[Change]
    closes_after: frozenset[Change]


def bracket(facts: Iterable[PathFacts]) -> Bracket:
    """The bracket of one label from the facts of all paths into it.

    While the label is redirected its paths cannot break, so the bracket must hold every moment
    that blocks a pair; it is kept as short as the rules allow.
    """
    opens: set[Change] = set()
    closes: set[Change] = set()
    for fact in facts:
        for pair in fact.pairs:
            if fact.proxied_before:
                opens |= _opens_before(pair)
            if fact.proxied_after:
                closes |= _closes_after(pair)
    return Bracket(frozenset(opens), frozenset(closes))


def _opens_before(pair: PairFacts) -> set[Change]:
    if pair.blocks(Moment.BEFORE):
        return {pair.source, pair.target}
    ends = set()
    if pair.blocks(Moment.SOURCE_FIRST):
        ends.add(pair.source)
    if pair.blocks(Moment.TARGET_FIRST):
        ends.add(pair.target)
    return ends


def _closes_after(pair: PairFacts) -> set[Change]:
    if not pair.blocks(Moment.BEFORE, Moment.SOURCE_FIRST, Moment.TARGET_FIRST):
        return set()
    for moment, end in (
        (Moment.TARGET_FIRST, pair.target),
        (Moment.SOURCE_FIRST, pair.source),
    ):
        if moment in pair.judgements and not pair.blocks(moment):
            return {end}
    return {pair.source, pair.target}
