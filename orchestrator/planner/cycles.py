"""Which labels to redirect so that an order exists: the cheapest set, exactly."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import networkx as nx

from orchestrator.model.topology import Label
from orchestrator.planner.collector import collector_paused
from orchestrator.planner.constraints import Arc
from orchestrator.planner.hitting import cheapest_hitting_set
from orchestrator.planner.knots import adjacency, inner, knots, shortest_cycle
from orchestrator.planner.vertex_form import VertexForm
from orchestrator.planner.way import Change

Edges = Mapping[tuple[int, int], frozenset[int]]
Sequences = Collection[tuple[Change, Change]]
"""Changes of the same servers, the first before the second whatever is redirected."""


@dataclass(frozen=True)
class Cut:
    """Labels to redirect, and what they cost.

    Parameters
    ----------
    labels : tuple of Label
        Sorted.
    cost : int
        The sum of their prices.
    at_least : int
        Proven: no set of labels that leaves no cycle costs less.
    """

    labels: tuple[Label, ...]
    cost: int
    at_least: int

    @property
    def proven(self) -> bool:
        """Whether there is certainly nothing cheaper."""
        return self.at_least >= self.cost


@collector_paused()
def cheapest_cut(
    arcs: Sequence[Arc],
    free: Collection[Label],
    price: Callable[[Label], int],
    sequence: Sequences = (),
) -> Cut | None:
    """The labels that cost least whose redirection leaves no cycle.

    Parameters
    ----------
    arcs : sequence of Arc
    free : collection of Label
        Labels that may be redirected.
    price : callable
        What a label costs, for instance the users coming in by it.
    sequence : collection of pairs of Change

    Returns
    -------
    Cut or None
        None if cycles remain even with every free label redirected. Among cuts of equal
        cost one with the fewest labels; the same for the same arcs in any order.

    Notes
    -----
    Strongly connected components one by one, those that share a label together. Where cutting a
    label is the same as deleting one node (`vertex_form`) reductions come first; what they leave,
    and every other component, goes to an integer program with cycles added as they are found
    (`hitting`).
    """
    changes, edges_by_label = numbered(arcs, sequence)
    labels = sorted(edges_by_label)
    # Cost first, then the number of labels, as one whole number.
    scale = len(labels) + 1
    prices = [price(label) if label in free else None for label in labels]
    # Small numbers are exact in the solver's floating point for longer.
    unit = math.gcd(*(cost for cost in prices if cost)) or 1
    weights = [None if cost is None else cost // unit * scale + 1 for cost in prices]
    edges = labels_by_arc(edges_by_label, labels)
    number = {change: at for at, change in enumerate(changes)} if sequence else {}
    for first, then in sorted(sequence):
        # A label of its own that nothing cuts: components that share one are solved together.
        arc = number[first], number[then]
        edges[arc] = edges.get(arc, frozenset()) | {len(weights)}
        weights.append(None)
    stuck = {label for label, weight in enumerate(weights) if weight is None}
    fixed = [arc for arc, held in edges.items() if held & stuck] if stuck else []
    nodes = range(len(changes))
    if fixed and knots(adjacency(len(changes), fixed), nodes):
        return None
    chosen: set[int] = set()
    bound = 0
    ring = 0 < len(edges) == len(changes) and _is_ring(edges)  # told at a glance, all of it
    parts = inner(edges, knots(adjacency(len(changes), edges), nodes)) if not ring else []
    for part in [edges] if ring else _sharing_labels(parts):
        cut, at_least = _cut_ring(part, weights) if ring else _cut_knot(part, weights)
        chosen |= cut
        bound += at_least
    found = tuple(labels[number] for number in sorted(chosen))
    at_least = -(-(bound - len(labels)) // scale) * unit if bound else 0
    return Cut(found, sum(map(price, found)), at_least)


def find_cycle(arcs: Iterable[Arc], sequence: Sequences = ()) -> list[tuple[Change, Change]] | None:
    """A shortest cycle among the arcs as pairs of changes, or None; the same for the same arcs.

    Linear to see that there is none; a breadth-first search per node of the smallest strongly
    connected component otherwise.
    """
    pairs = {(arc.first, arc.then) for arc in arcs} | {*sequence}
    changes = sorted({change for pair in pairs for change in pair})
    number = {change: at for at, change in enumerate(changes)}
    cycle = cycle_among(adjacency(len(changes), ((number[a], number[b]) for a, b in pairs)))
    return [(changes[first], changes[then]) for first, then in cycle] or None


def cycle_among(successors: Sequence[set[int]]) -> list[tuple[int, int]]:
    """A shortest cycle in the smallest knot of a graph of numbers, as its arcs; empty if none."""
    parts = knots(successors, range(len(successors)))
    if not parts:
        return []
    knot = min(parts, key=lambda part: (len(part), part))
    inside = set(knot)
    best: list[int] = []
    for node in knot:
        best = shortest_cycle(successors, node, inside, len(best) or None) or best
    way = [*best[1:], best[0]]
    return list(zip(way, [*way[1:], way[0]], strict=True))


def tangled(arcs: Iterable[Arc], sequence: Sequences = ()) -> set[Change]:
    """Every change that lies on some cycle."""
    pairs = {(arc.first, arc.then) for arc in arcs} | {*sequence}
    changes = sorted({change for pair in pairs for change in pair})
    number = {change: at for at, change in enumerate(changes)}
    successors = adjacency(len(changes), ((number[a], number[b]) for a, b in pairs))
    return {changes[n] for part in knots(successors, range(len(changes))) for n in part}


def numbered(
    arcs: Sequence[Arc], sequence: Sequences
) -> tuple[list[Change], dict[Label, set[tuple[int, int]]]]:
    """The changes in order, and by label the arcs between their numbers."""
    # In the order of the arcs, which mostly is that of the changes: less to sort than of a set.
    involved = dict.fromkeys([arc.first for arc in arcs]) | dict.fromkeys(arc.then for arc in arcs)
    changes = sorted(involved | dict.fromkeys(itertools.chain(*sequence)))
    number = {change: at for at, change in enumerate(changes)}
    by_label: dict[Label, set[tuple[int, int]]] = {}
    for arc in arcs:
        by_label.setdefault(arc.label, set()).add((number[arc.first], number[arc.then]))
    return changes, by_label


def labels_by_arc(
    by_label: Mapping[Label, Iterable[tuple[int, int]]], labels: Iterable[Label]
) -> dict[tuple[int, int], frozenset[int]]:
    """The numbers of the labels of every arc; labels are numbered as they come."""
    held: dict[tuple[int, int], list[int]] = {}
    for number, label in enumerate(labels):
        for arc in by_label[label]:
            held.setdefault(arc, []).append(number)
    return {arc: frozenset(numbers) for arc, numbers in held.items()}


def _sharing_labels(parts: Iterable[Edges]) -> list[Edges]:
    """Components whose labels are disjoint: to cut a label here and there is to cut it once."""
    groups: nx.utils.UnionFind[int] = nx.utils.UnionFind()
    named = [(part, sorted(frozenset[int]().union(*part.values()))) for part in parts]
    for _, labels in named:
        groups.union(*labels)
    merged: dict[int, dict[tuple[int, int], frozenset[int]]] = {}
    for part, labels in named:
        merged.setdefault(groups[labels[0]], {}).update(part)
    return list(merged.values())


def _cut_knot(edges: Edges, weights: Sequence[int | None]) -> tuple[set[int], int]:
    """The labels to cut in one component, and a proven bound on their weight."""
    if _is_ring(edges):
        return _cut_ring(edges, weights)
    owner = _label_of_node(edges)
    if owner is None:
        found = cheapest_hitting_set(edges, weights)
        return set(found.labels), found.bound
    nodes = sorted(owner)
    number = {node: at for at, node in enumerate(nodes)}
    form = VertexForm(
        adjacency(len(nodes), ((number[a], number[b]) for a, b in edges)),
        adjacency(len(nodes), ((number[b], number[a]) for a, b in edges)),
        [weights[owner[node]] for node in nodes],
    )
    left = form.reduce()
    cut: frozenset[int] = frozenset()
    bound = form.spent
    rest = {(node, then): frozenset({node}) for node in left for then in form.successors[node]}
    for part in inner(rest, knots(form.successors, left)):
        found = cheapest_hitting_set(part, form.weights)
        cut |= found.labels
        bound += found.bound
    return {owner[nodes[node]] for node in form.expand(cut)}, bound


def _cut_ring(edges: Edges, weights: Sequence[int | None]) -> tuple[set[int], int]:
    labels = frozenset().union(*edges.values())
    weight, cheapest = min((w, label) for label in labels if (w := weights[label]) is not None)
    return {cheapest}, weight


def _is_ring(edges: Edges) -> bool:
    """One cycle and nothing else, with one label on every arc: whichever is cheapest will do."""
    then = dict(iter(edges))
    if len(then) != len(edges) or any(len(held) > 1 for held in edges.values()):
        return False
    start = at = next(iter(then))
    for steps in range(1, len(edges) + 1):
        at = then.get(at, -1)
        if at == start:
            return steps == len(edges)
    return False


def _label_of_node(edges: Edges) -> dict[int, int] | None:
    """The label of each node if this is vertex form, else None.

    Vertex form: every arc has one label, and either all ways out of a node carry one label that no
    other node's do, or all ways in. Then no cycle is left without the label exactly if none is
    left without the node.
    """
    for end in (0, 1):
        owner: dict[int, int] = {}
        if all(
            len(held) == 1 and owner.setdefault(arc[end], min(held)) in held
            for arc, held in edges.items()
        ) and len({*owner.values()}) == len(owner):
            return owner
    return None
