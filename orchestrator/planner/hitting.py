"""Fewest users whose redirection cuts every cycle, by integer programming with lazy cycle cuts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from orchestrator.planner.knots import knots, shortest_cycle
from orchestrator.planner.program import Program

Edges = Mapping[tuple[int, int], frozenset[int]]
"""Labels by arc; an arc is gone once all its labels are cut."""

Cycle = tuple[int, ...]
"""Its nodes in order."""

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


def cheapest_hitting_set(edges: Edges, weights: Sequence[int | None]) -> HittingSet:
    """The labels of least weight without whose arcs no cycle is left.

    Parameters
    ----------
    edges : mapping of (int, int) to frozenset of int
    weights : sequence of int or None
        By label; None for one that cannot be cut. Arcs of such labels must hold no cycle.

    Notes
    -----
    Only cycles that some solution left open become constraints; each solution of such a part of
    the problem is a bound for the whole, and one that leaves no cycle is the optimum.
    """
    graph = Labelled(edges, weights)
    constraints = dict.fromkeys(graph.to_cut(cycle) for cycle in graph.short_cycles())
    best = graph.repaired(frozenset())
    bound = 0
    for _ in range(ROUNDS):
        chosen, proven = _solve(list(constraints), weights)
        bound = max(bound, proven)
        found = dict.fromkeys(graph.to_cut(cycle, chosen) for cycle in graph.open_cycles(chosen))
        candidate = graph.repaired(chosen) if found else chosen
        best = min((best, candidate), key=lambda c: (graph.weight(c), sorted(c)))
        if bound >= graph.weight(best) or not found.keys() - constraints.keys():
            break
        constraints |= found
    return HittingSet(best, graph.weight(best), min(bound, graph.weight(best)))


class Labelled:
    """A digraph under its labels; nodes keep their numbers in what is told."""

    def __init__(self, edges: Edges, weights: Sequence[int | None]) -> None:
        self._edges = edges
        self._nodes = sorted({node for arc in edges for node in arc})
        number = {node: at for at, node in enumerate(self._nodes)}
        self._arcs = {(number[a], number[b]): labels for (a, b), labels in sorted(edges.items())}
        self._weights = weights
        self._successors: list[set[int]] = [set() for _ in self._nodes]
        self._of_label: dict[int, list[tuple[int, int]]] = {}
        for (first, then), labels in self._arcs.items():
            self._successors[first].add(then)
            for label in labels:
                self._of_label.setdefault(label, []).append((first, then))
        self._everything = range(len(self._nodes))

    def weight(self, labels: Collection[int]) -> int:
        return sum(self._weights[label] or 0 for label in labels)

    def short_cycles(self) -> list[Cycle]:
        """Every cycle of two arcs, and a shortest one through each node."""
        pairs = [arc for arc in self._arcs if arc[0] < arc[1] and arc[::-1] in self._arcs]
        return self._named(pairs) + self._through_every_node(self._successors)

    def open_cycles(self, chosen: frozenset[int]) -> list[Cycle]:
        """Short cycles a choice leaves open, some through every node that lies on one."""
        return self._through_every_node(self._without(chosen))

    def to_cut(self, cycle: Cycle, chosen: Collection[int] = ()) -> frozenset[int]:
        """Labels one of which must be cut: for each arc one that still holds it, if any can go."""
        labels: set[int] = set()
        for arc in zip(cycle, [*cycle[1:], cycle[0]], strict=True):
            holding = self._edges[arc]
            if any(self._weights[label] is None for label in holding):
                continue
            left = holding.difference(chosen)
            if not left & labels:
                labels.add(min(left))
        return frozenset(labels)

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
        options = self.to_cut(self._named([cycle])[0], labels)
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

    def _through_every_node(self, successors: list[set[int]]) -> list[Cycle]:
        found = []
        for part in knots(successors, self._everything):
            inside = set(part)
            covered: set[int] = set()
            for node in part:
                if node in covered:
                    continue
                cycle = shortest_cycle(successors, node, inside)
                covered.update(cycle)
                found.append(cycle)
        return self._named(found)

    def _named(self, cycles: Iterable[Sequence[int]]) -> list[Cycle]:
        return [tuple(self._nodes[node] for node in cycle) for cycle in cycles]


def _solve(
    constraints: Iterable[frozenset[int]], weights: Sequence[int | None]
) -> tuple[frozenset[int], int]:
    """A cheapest choice that meets the constraints, and a proven bound on any."""
    program = Program()
    column = {
        label: program.column(weights[label] or 0)
        for label in sorted(frozenset[int]().union(*constraints))
    }
    for labels in constraints:
        program.row({column[label]: 1 for label in labels}, 1)
    answer = program.solve(NODES)
    if not answer.values:
        return frozenset(column), 0
    chosen = frozenset(label for label, at in column.items() if answer.values[at] > 0.5)
    if answer.proven:
        return chosen, sum(weights[label] or 0 for label in chosen)
    return chosen, answer.bound
