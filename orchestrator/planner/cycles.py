"""Which labels to redirect so that an order exists: the cheapest set, exactly."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

import networkx as nx

from orchestrator.model.topology import Label
from orchestrator.planner.constraints import Arc, Change


@dataclass(frozen=True)
class Cut:
    """Labels to redirect, and the users who will see it."""

    labels: tuple[Label, ...]
    users: int


def cheapest_cut(
    arcs: Sequence[Arc], free: Collection[Label], users: Callable[[Label], int]
) -> Cut | None:
    """The labels with the fewest users whose redirection leaves no cycle.

    Parameters
    ----------
    arcs : sequence of Arc
    free : collection of Label
        Labels that may be redirected.
    users : callable
        Users coming in by a label.

    Returns
    -------
    Cut or None
        None if cycles remain even with every free label redirected.

    Notes
    -----
    Exact by branching on the arcs of a shortest remaining cycle, cheapest first, with the best
    cut so far as bound. Exponential in the number of labels cut, which is small for real farms.
    """
    if find_cycle([arc for arc in arcs if arc.label not in free]) is not None:
        return None
    best: Cut | None = None

    def branch(chosen: frozenset[Label], cost: int) -> None:
        nonlocal best
        key = (cost, len(chosen), tuple(sorted(chosen)))
        if best is not None and key >= (best.users, len(best.labels), best.labels):
            return
        cycle = find_cycle([arc for arc in arcs if arc.label not in chosen])
        if cycle is None:
            best = Cut(tuple(sorted(chosen)), cost)
            return
        options = set()
        for first, then in cycle:
            labels = {
                arc.label
                for arc in arcs
                if (arc.first, arc.then) == (first, then) and arc.label not in chosen
            }
            if labels <= set(free):
                options.add(frozenset(labels))
        for option in sorted(options, key=lambda o: (sum(map(users, o)), tuple(sorted(o)))):
            branch(chosen | option, cost + sum(map(users, option)))

    branch(frozenset(), 0)
    return best


def find_cycle(arcs: Iterable[Arc]) -> list[tuple[Change, Change]] | None:
    """A shortest cycle among the arcs as pairs of changes, or None; the same for the same arcs.

    Linear to see that there is none; a breadth-first search per node of the smallest strongly
    connected component otherwise.
    """
    graph: nx.DiGraph[Change] = nx.DiGraph()
    graph.add_edges_from(sorted({(arc.first, arc.then) for arc in arcs}))
    knots = [c for c in nx.strongly_connected_components(graph) if len(c) > 1]
    if not knots:
        return None
    knot = min(knots, key=lambda c: (len(c), min(c)))
    inner = graph.subgraph(knot)
    best: list[Change] | None = None
    for node in sorted(knot):
        for successor in sorted(inner.successors(node)):
            way = nx.shortest_path(inner, successor, node)
            if best is None or len(way) < len(best):
                best = way
    if best is None:
        return None
    return list(zip(best, [*best[1:], best[0]], strict=True))
