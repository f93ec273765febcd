"""Where a redirection of a label has to begin and end, seen from each path into it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from orchestrator.model.topology import Label
from orchestrator.planner.constraints import PathFacts
from orchestrator.planner.grid import PairFacts
from orchestrator.planner.way import Change


@dataclass(frozen=True)
class Bracket:
    """Changes that must come after the label is redirected, and before it is proxied again.

    Parameters
    ----------
    opens_before, closes_after : frozenset of Change
    """

    opens_before: frozenset[Change]
    closes_after: frozenset[Change]


def brackets_of(facts: Iterable[PathFacts], labels: Collection[Label]) -> dict[Label, Bracket]:
    """The brackets of some labels, sorted, from the facts of all paths."""
    by_label: dict[Label, list[PathFacts]] = {label: [] for label in sorted(labels)}
    for fact in facts:
        if fact.path.label in by_label:
            by_label[fact.path.label].append(fact)
    return {label: bracket(own) for label, own in by_label.items()}


def bracket(facts: Iterable[PathFacts]) -> Bracket:
    """The bracket of one label from the facts of all paths into it.

    While the label is redirected its paths cannot break, so the bracket must hold every moment
    that blocks a pair; it is kept as short as the rules allow. The pool's own changes always lie
    inside.
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
    """The source's change that first leads to a bad state before the target has changed at all.

    A pool's own changes come after its redirection has begun, so nothing else can be seen by then.
    """
    rows = pair.grid.source
    bad = [row.enters for number, row in enumerate(rows) if pair.grid.blocks((number, 0))]
    return {pair.source.changes[max(1, min(bad)) - 1]} if bad and pair.source.changes else set()


def _closes_after(pair: PairFacts) -> set[Change]:
    """The source's change that leads out of the last bad state after all the target's changes."""
    rows, (_, column) = pair.grid.source, pair.grid.end
    bad = [row.leaves for number, row in enumerate(rows) if pair.grid.blocks((number, column))]
    changes = pair.source.changes
    return {changes[min(max(bad), len(changes)) - 1]} if bad and changes else set()
