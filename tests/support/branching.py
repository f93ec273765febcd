"""The cheapest cut by plain branching: slow, short, and nothing in common with the planner's."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import networkx as nx

Multigraph = Mapping[tuple[int, int], frozenset[int]]
"""Labels by arc; an arc is gone once all its labels are cut."""


def cheapest(
    arcs: Multigraph, free: Collection[int], weights: Mapping[int, int]
) -> tuple[int, int] | None:
    """Least weight, and the fewest labels with that weight; None if cycles remain anyway.

    Branches on the arcs of some remaining cycle: one of them has to go, with all its labels.
    """
    best: tuple[int, int] | None = None
    seen: set[frozenset[int]] = set()

    def branch(chosen: frozenset[int]) -> None:
        nonlocal best
        cost = (sum(weights[label] for label in chosen), len(chosen))
        if chosen in seen or (best is not None and cost >= best):
            return
        seen.add(chosen)
        graph = nx.DiGraph([arc for arc, labels in arcs.items() if not labels <= chosen])
        try:
            cycle = nx.find_cycle(graph)
        except nx.NetworkXNoCycle:
            best = cost
            return
        for first, then in cycle:
            if arcs[first, then] <= set(free):
                branch(chosen | arcs[first, then])

    branch(frozenset())
    return best
