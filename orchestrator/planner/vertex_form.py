"""Weighted feedback vertex set made smaller without losing the optimum.

In vertex form every label is all outgoing (or all incoming) arcs of one node and no others, so
cutting a label is the same as deleting its node. Then more can be said than of labels in general:

* a node with no way in or no way out is on no cycle;
* a node whose predecessors (or successors) together weigh no more than it need not be deleted,
  and a node that is not deleted can be bypassed (Levy and Low, weighted);
* an arc between components of the graph without its two-cycles lies on no cycle that is not
  already cut through a two-cycle (PIE of Lin and Jou);
* a node with two-cycles only behaves as in vertex cover: simplicial nodes (CORE of Lin and Jou,
  weighted), dominance, and the folding of a node between two others.

Weights are exact integers. Each rule says why it is valid beside its code.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from orchestrator.planner.knots import components

_WIDE = 40
"""Nodes with more neighbours are not tried for the rules that compare neighbourhoods."""


@dataclass
class VertexForm:
    """A digraph whose nodes are to be deleted at the least weight until no cycle is left.

    Parameters
    ----------
    successors, predecessors : list of set of int
    weights : list of int or None
        None for a node that must stay.

    Attributes
    ----------
    chosen : set of int
        Nodes found to be deleted.
    spent : int
        Weight of that, and of what the foldings have put aside.
    """

    successors: list[set[int]]
    predecessors: list[set[int]]
    weights: list[int | None]
    chosen: set[int] = field(default_factory=set)
    spent: int = 0
    _alive: set[int] = field(default_factory=set)
    _folds: list[tuple[int, tuple[int, ...], int]] = field(default_factory=list)
    _dirty: set[int] = field(default_factory=set)

    def reduce(self) -> set[int]:
        """Apply every rule until none applies; the nodes left over, each on some cycle."""
        self._alive = set(range(len(self.successors)))
        self._dirty = set(self._alive)
        while self._dirty:
            while self._dirty:
                for node in sorted(self._dirty):
                    self._dirty.discard(node)
                    if node in self._alive:
                        self._reduce_node(node)
            self._drop_arcs()
        return self._alive

    def expand(self, also: Collection[int]) -> set[int]:
        """Nodes to delete in the whole graph, given those chosen among what was left over."""
        cut = self.chosen | set(also)
        for node, others, folded in reversed(self._folds):
            if folded < 0:
                if not cut.issuperset(others):
                    cut.add(node)
            elif folded in cut:
                cut.discard(folded)
                cut.update(others)
            else:
                cut.add(node)
        return cut

    def _reduce_node(self, node: int) -> None:
        before, after = self.predecessors[node], self.successors[node]
        if not before or not after:
            self._remove(node)
        elif node in after:
            self._take(node)
        elif self.weights[node] is None:
            self._keep(node)
        elif self._outweighs(node, before) or self._outweighs(node, after):
            # Deleting all ways in (or out) instead costs no more and cuts every cycle here.
            self.weights[node] = None
            self._keep(node)
        elif before == after and len(after) <= _WIDE:
            self._cover(node)

    def _outweighs(self, node: int, others: Collection[int]) -> bool:
        total = 0
        mine = self._weight(node)
        for other in others:
            weight = self.weights[other]
            if weight is None:
                return False
            total += weight
            if total > mine:
                return False
        # Of two equal nodes the smaller is cut, so that the choice hangs on nothing else.
        return total < mine or max(others) < node or len(others) > 1

    def _keep(self, node: int) -> None:
        """Bypass a node that stays: every way through it becomes an arc."""
        before, after = self.predecessors[node], self.successors[node]
        forced = sorted(before & after)
        for other in forced:
            self._take(other)
        if forced:
            return
        if len(before) > 1 and len(after) > 1 and len(before) * len(after) > 4:
            return
        ways = [(b, a) for b in before for a in after]
        self._remove(node)
        for b, a in ways:
            self.successors[b].add(a)
            self.predecessors[a].add(b)

    def _cover(self, node: int) -> None:
        """Rules of vertex cover for a node with two-cycles only.

        Any cycle through it runs along a two-cycle and is cut with it.
        """
        near = self.successors[node]
        weights = {other: self._weight(other) for other in near if self.weights[other] is not None}
        if len(weights) < len(near):
            return  # a neighbour that stays deletes this node when its turn comes
        mine = self._weight(node)
        clique = True
        for other in sorted(near):
            mutual = self.successors[other] & self.predecessors[other]
            if near - {other} <= mutual:
                # Dominance: whoever keeps `other` keeps none of the rest of `near`, so keeping
                # `node` in its place is allowed.
                if (weights[other], other) <= (mine, node):
                    self._take(other)
                    return
            else:
                clique = False
        if clique:
            # Of the clique all but one are deleted at least; `node` is the one kept only if all
            # others are deleted. Its weight once per neighbour is due either way.
            for other in near:
                self.weights[other] = weights[other] - mine
            self._put_aside(node, tuple(sorted(near)), -1, len(near))
        elif len(near) == 2 and mine >= max(weights.values()):
            one, two = sorted(near)
            if all(self.successors[n] == self.predecessors[n] for n in near):
                self._fold(node, one, two, sum(weights.values()) - mine)

    def _fold(self, node: int, one: int, two: int, weight: int) -> None:
        """Either the middle one is kept, or both outer ones are: two outcomes, one node."""
        near = (self.successors[one] | self.successors[two]) - {node, one, two}
        folded = len(self.weights)
        self.weights.append(weight)
        self.successors.append(set(near))
        self.predecessors.append(set(near))
        self._put_aside(node, (one, two), folded, 1)
        self._remove(one)
        self._remove(two)
        for other in near:
            self.successors[other].add(folded)
            self.predecessors[other].add(folded)
        self._alive.add(folded)
        self._dirty.add(folded)

    def _put_aside(self, node: int, others: tuple[int, ...], folded: int, times: int) -> None:
        self.spent += self._weight(node) * times
        self._folds.append((node, others, folded))
        self._remove(node)

    def _take(self, node: int) -> None:
        self.spent += self._weight(node)
        self.chosen.add(node)
        self._remove(node)

    def _weight(self, node: int) -> int:
        weight = self.weights[node]
        if weight is None:
            raise ValueError(f"node {node} must stay and lies on a cycle of such nodes")
        return weight

    def _remove(self, node: int) -> None:
        self._alive.discard(node)
        for other in self.predecessors[node]:
            self.successors[other].discard(node)
        for other in self.successors[node]:
            self.predecessors[other].discard(node)
        self._dirty |= self.predecessors[node] | self.successors[node]
        self.predecessors[node] = set()
        self.successors[node] = set()

    def _drop_arcs(self) -> None:
        """Arcs on no cycle, and arcs PIE shows to be superfluous."""
        one_way = [
            then - self.predecessors[node] if node in self._alive else set()
            for node, then in enumerate(self.successors)
        ]
        home: dict[int, int] = {}
        for number, part in enumerate(components(one_way, self._alive)):
            home.update(dict.fromkeys(part, number))
        for node in self._alive:
            for then in one_way[node]:
                if home[node] != home[then]:
                    self.successors[node].discard(then)
                    self.predecessors[then].discard(node)
                    self._dirty |= {node, then}
