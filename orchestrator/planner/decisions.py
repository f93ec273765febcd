"""Sets of labels by what they cost with all they enclose: branch and bound over the demands.

The price of a label by itself says little where windows are apart: what is dear is the night
after next, and that hangs on the order of the changes. So each demand in turn is kept or not
(`covered` bounds both), those first that lie on a cycle, and those that make a bound larger.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from orchestrator.planner.alternatives import Labels
from orchestrator.planner.covered import Covered
from orchestrator.planner.cycles import cycle_among
from orchestrator.planner.orders import Numbers, Order
from orchestrator.planner.question import Core

MOST_DECIDED = 3_000
"""Bounds asked for; a count, so that every machine asks for the same."""


class _Branch(NamedTuple):
    """Every plan that keeps some demands and does not keep others; small costs first."""

    least: int
    open_demands: int
    number: int
    kept: Numbers
    lifted: Numbers
    inside: Mapping[int, Numbers]


class Decisions:
    """The sets of labels of a core.

    Parameters
    ----------
    core : Core

    Attributes
    ----------
    given_up : bool
        Whether the search has ended at its limit.
    """

    def __init__(self, core: Core) -> None:
        self.given_up = False
        self._covered = Covered(core)
        self._prices = [core.price(label) for label in self._covered.labels]
        self._every = frozenset(range(len(self._covered.demands)))
        self._heap: list[_Branch] = []
        self._asked = 0

    def sets(self) -> Iterator[tuple[int, Labels | None]]:
        """Sets of labels, by what plans that redirect them cost at least.

        Yields
        ------
        tuple of int and tuple of Label or None
            No plan of the form the planner makes costs less that needs a set yet to come, or one
            that never does; labels a plan redirects without need only add to its cost. None in
            place of labels ends the search: what is left was not looked at. There is at least one
            set.
        """
        told: set[Labels] = set()
        self._heap += self._part(frozenset(), frozenset(), 0)
        while self._heap:
            branch = heapq.heappop(self._heap)
            self.given_up = self._asked >= MOST_DECIDED
            if self.given_up:
                if not told:
                    yield branch.least, self._straight(branch)
                yield branch.least, None
                return
            demand = self._undecided(branch)
            if demand is not None:
                self._split(branch, [demand])
                continue
            labels = self._labels(branch)
            if labels not in told:
                told.add(labels)
                yield branch.least, labels
            # Other plans of this branch do not keep some demand or other that need not be lifted.
            self._split(branch, sorted(self._every - branch.kept - branch.lifted), last=False)

    def _straight(self, branch: _Branch) -> Labels:
        """Labels that may be far from the cheapest: the cheaper part of a branch, and so on."""
        while (demand := self._undecided(branch)) is not None:
            branch = min(self._parts(branch, [demand]))
        return self._labels(branch)

    def _labels(self, branch: _Branch) -> Labels:
        return tuple(self._covered.labels[n] for n in self._covered.redirected(branch.lifted))

    def _split(self, branch: _Branch, demands: list[int], *, last: bool = True) -> None:
        for part in self._parts(branch, demands, last=last):
            heapq.heappush(self._heap, part)

    def _parts(
        self, branch: _Branch, demands: list[int], *, last: bool = True
    ) -> Iterator[_Branch]:
        """The first of some demands not kept, the second not, and so on; last all kept."""
        kept = branch.kept
        for demand in demands:
            yield from self._part(kept, branch.lifted | {demand}, branch.least)
            kept |= {demand}
        if last:
            yield from self._part(kept, branch.lifted, branch.least)

    def _part(self, kept: Numbers, lifted: Numbers, least: int) -> Iterator[_Branch]:
        """A branch, unless its demands contradict each other."""
        self._asked += 1
        order = self._covered.order(kept)
        if not order.cyclic:
            bound = self._covered.least(order, lifted)
            left = len(self._every) - len(kept) - len(lifted)
            least = max(least, bound.cost)
            yield _Branch(least, left, self._asked, kept, lifted, bound.inside)

    def _undecided(self, branch: _Branch) -> int | None:
        """A demand that matters; None if all that is undecided can be kept at no cost."""
        kept = self._every - branch.lifted
        order = self._covered.order(kept)
        if order.cyclic:
            return self._on_cycle(branch, order)
        full = self._covered.least(order, branch.lifted)
        if full.cost <= branch.least:
            return None
        grown = max(
            sorted(full.inside),
            key=lambda label: len(full.inside[label]) - len(branch.inside[label]),
        )
        inside = full.inside[grown]
        left = sorted(kept - branch.kept)
        within = [n for n in left if inside.issuperset(self._covered.demands[n])]
        return self._cheapest(within or left)

    def _on_cycle(self, branch: _Branch, order: Order) -> int:
        cycle = cycle_among(order.successors)
        number = {self._covered.demands[n]: n for n in self._every - branch.kept - branch.lifted}
        return self._cheapest([number[pair] for pair in cycle if pair in number])

    def _cheapest(self, demands: list[int]) -> int:
        """The one whose labels cost least by themselves."""
        lifters = self._covered.lifters
        return min(demands, key=lambda n: (sum(self._prices[k] for k in lifters[n]), n))
