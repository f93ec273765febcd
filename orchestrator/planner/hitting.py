"""Fewest users whose redirection cuts every cycle, by integer programming with lazy cycle cuts."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from orchestrator.planner.knots import knots, shortest_cycle

Edges = Mapping[tuple[int, int], frozenset[int]]
"""Labels by arc; an arc is gone once all its labels are cut."""

ROUNDS = 60
"""Times the program is solved with more cycles before the gap is reported instead."""

NODES = 2_000
"""Branching nodes per round; a limit by the clock would give another plan on another day."""


@dataclass(frozen=True)
class HittingSet:
    """Labels that together lie on every cycle.

    Parameters
    ----------
    labels : frozenset of int
    weight : int
        Of the labels.
    bound : int
        No such set weighs less.
    """

    labels: frozenset[int]
    weight: int
    bound: int


class Surcharge(NamedTuple):
    """What a label weighs more if it is cut and another is not; of several the largest counts."""

    label: int
    other: int
    weight: int


def cheapest_hitting_set(
    edges: Edges, weights: Sequence[int | None], surcharges: Sequence[Surcharge] = ()
) -> HittingSet:
    """The labels of least weight without whose arcs no cycle is left.

    Parameters
    ----------
    edges : mapping of (int, int) to frozenset of int
    weights : sequence of int or None
        By label; None for one that cannot be cut. Arcs of such labels must hold no cycle.
    surcharges : sequence of Surcharge
        Counted in the bound; the labels are a good choice then, and their weight is without them.

    Notes
    -----
    Only cycles that some solution left open become constraints; each solution of such a part of
    the problem is a bound for the whole, and one that leaves no cycle is the optimum.
    """
    graph = _Labelled(edges, weights)
    constraints = dict.fromkeys(graph.short_cycles())
    best = graph.repaired(frozenset())
    bound = 0
    for _ in range(ROUNDS):
        chosen, proven = _solve(list(constraints), weights, surcharges)
        bound = max(bound, proven)
        found = dict.fromkeys(graph.open_cycles(chosen))
        candidate = graph.repaired(chosen) if found else chosen
        best = min((best, candidate), key=lambda c: (graph.weight(c), sorted(c)))
        enough = not surcharges and bound >= graph.weight(best)
        if enough or not found.keys() - constraints.keys():
            break
        constraints |= found
    least = bound if surcharges else min(bound, graph.weight(best))
    return HittingSet(best, graph.weight(best), least)


class _Labelled:
    """A digraph under its labels."""

    def __init__(self, edges: Edges, weights: Sequence[int | None]) -> None:
        nodes = sorted({node for arc in edges for node in arc})
        number = {node: at for at, node in enumerate(nodes)}
        self._arcs = {(number[a], number[b]): labels for (a, b), labels in sorted(edges.items())}
        self._weights = weights
        self._successors: list[set[int]] = [set() for _ in nodes]
        self._of_label: dict[int, list[tuple[int, int]]] = {}
        for (first, then), labels in self._arcs.items():
            self._successors[first].add(then)
            for label in labels:
                self._of_label.setdefault(label, []).append((first, then))
        self._everything = range(len(nodes))

    def weight(self, labels: Collection[int]) -> int:
        return sum(self._weights[label] or 0 for label in labels)

    def short_cycles(self) -> list[frozenset[int]]:
        """Every cycle of two arcs, and a shortest one through each node."""
        found = []
        none: frozenset[int] = frozenset()
        for first, then in self._arcs:
            if first < then and (then, first) in self._arcs:
                found.append(self._constraint([first, then], none))
        return found + self._through_every_node(self._successors, none)

    def open_cycles(self, chosen: frozenset[int]) -> list[frozenset[int]]:
        """Short cycles a choice leaves open, some through every node that lies on one."""
        return self._through_every_node(self._without(chosen), chosen)

    def repaired(self, chosen: frozenset[int]) -> frozenset[int]:
        """A choice with labels added until no cycle is left, and then without the needless."""
        labels = set(chosen)
        successors = self._without(labels)
        while parts := knots(successors, self._everything):
            for part in parts:
                label = self._cheapest_on_a_cycle(successors, part, labels)
                if label is not None:
                    self._cut(successors, labels, label)
        for label in sorted(labels, key=lambda one: (-(self._weights[one] or 0), one)):
            if not self._closes_a_cycle(successors, labels, label):
                labels.discard(label)
                for first, then in self._of_label[label]:
                    successors[first].add(then)
        return frozenset(labels)

    def _without(self, chosen: Collection[int]) -> list[set[int]]:
        successors = [set(then) for then in self._successors]
        for label in chosen:
            for first, then in self._of_label[label]:
                if self._arcs[first, then].issubset(chosen):
                    successors[first].discard(then)
        return successors

    def _cut(self, successors: list[set[int]], labels: set[int], label: int) -> None:
        labels.add(label)
        for first, then in self._of_label[label]:
            if self._arcs[first, then] <= labels:
                successors[first].discard(then)

    def _cheapest_on_a_cycle(
        self, successors: list[set[int]], part: list[int], labels: set[int]
    ) -> int | None:
        """None if a label cut for another part has opened the cycles here."""
        hub = max(part, key=lambda node: (len(successors[node]), -node))
        cycle = shortest_cycle(successors, hub, set(part))
        if not cycle:
            return None
        options = self._constraint(cycle, labels)
        return min(
            options, key=lambda one: ((self._weights[one] or 0) / len(self._of_label[one]), one)
        )

    def _closes_a_cycle(self, successors: list[set[int]], labels: set[int], label: int) -> bool:
        """Whether some arc of a label would lie on a cycle if the label were given back."""
        back = [arc for arc in self._of_label[label] if self._arcs[arc] & labels]
        extra: dict[int, set[int]] = {}
        for first, then in back:
            extra.setdefault(first, set()).add(then)
        for first in sorted(extra):
            seen = set(extra[first])
            stack = list(seen)
            while stack:
                node = stack.pop()
                if node == first:
                    return True
                for then in successors[node] | extra.get(node, set()):
                    if then not in seen:
                        seen.add(then)
                        stack.append(then)
        return False

    def _through_every_node(
        self, successors: list[set[int]], chosen: Collection[int]
    ) -> list[frozenset[int]]:
        found = []
        for part in knots(successors, self._everything):
            inside = set(part)
            covered: set[int] = set()
            for node in part:
                if node in covered:
                    continue
                cycle = shortest_cycle(successors, node, inside)
                covered.update(cycle)
                found.append(self._constraint(cycle, chosen))
        return found

    def _constraint(self, cycle: Sequence[int], chosen: Collection[int]) -> frozenset[int]:
        """Labels one of which must be cut: for each arc one that still holds it, if any can go."""
        labels: set[int] = set()
        for first, then in zip(cycle, [*cycle[1:], cycle[0]], strict=True):
            holding = self._arcs[first, then]
            if any(self._weights[label] is None for label in holding):
                continue
            left = holding.difference(chosen)
            if not left & labels:
                labels.add(min(left))
        return frozenset(labels)


def _solve(
    constraints: Sequence[frozenset[int]],
    weights: Sequence[int | None],
    surcharges: Sequence[Surcharge],
) -> tuple[frozenset[int], int]:
    """A cheapest choice that meets the constraints, and a proven bound on any."""
    # Heavy and needed only where cycles are left over: most plans never get here.
    import numpy as np
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import csr_array

    labels = sorted(frozenset().union(*constraints))
    column = {label: at for at, label in enumerate(labels)}
    # A column more for what a label weighs beyond its own. A label that no cycle asks for yet may
    # be cut all the same: nothing is due because of it.
    dues = [one for one in surcharges if one.label in column and one.other in column]
    more = {one: len(labels) + at for at, one in enumerate(sorted({one.label for one in dues}))}
    rows = [{column[label]: 1.0 for label in row} for row in constraints]
    lower = [1.0] * len(rows) + [0.0] * len(dues)
    for label, other, weight in dues:
        rows.append({more[label]: 1, column[label]: -float(weight), column[other]: float(weight)})
    columns = [at for row in rows for at in sorted(row)]
    starts = np.cumsum([0, *map(len, rows)])
    values = np.array([row[at] for row in rows for at in sorted(row)])
    width = len(labels) + len(more)
    matrix = csr_array((values, np.array(columns), starts), shape=(len(rows), width))
    costs = [weights[label] or 0 for label in labels]
    result = milp(
        np.array([*costs, *([1] * len(more))], dtype=float),
        integrality=np.array([1] * len(labels) + [0] * len(more)),
        bounds=Bounds(0, [1] * len(labels) + [np.inf] * len(more)),
        constraints=LinearConstraint(matrix, lb=lower),
        options={"mip_rel_gap": 0.0, "node_limit": NODES},
    )
    if result.x is None:
        return frozenset(labels), 0
    chosen = frozenset(label for label, value in zip(labels, result.x, strict=False) if value > 0.5)
    if result.status == 0 and not more:
        return chosen, sum(weights[label] or 0 for label in chosen)
    # The least is a whole number, and what bounds it a float.
    return chosen, max(0, math.ceil(result.mip_dual_bound * (1 - 1e-9) - 1e-6))
