"""Layers of a directed graph and an order within them: sources left, targets right."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TypeVar

import networkx as nx

Node = TypeVar("Node", bound=Hashable)

_SWEEPS = 12


def layers_of(graph: nx.DiGraph[Node], roots: Iterable[Node]) -> dict[Node, int]:
    """A layer for every node, from 0.

    A strongly connected part begins at those of `roots` it holds, else at its nodes with the most
    outgoing links, and goes on by distance: hubs stand left of the spokes that proxy back to them.

    Notes
    -----
    Linear in nodes and links.
    """
    wanted = set(roots)
    parts: nx.DiGraph[int] = nx.condensation(graph)
    layer: dict[Node, int] = {}
    for part in nx.topological_sort(parts):
        members: set[Node] = parts.nodes[part]["members"]
        before = [layer[n] for m in members for n in graph.predecessors(m) if n not in members]
        base = 1 + max(before, default=-1)
        inside = graph.subgraph(members)
        first = members & wanted or _busiest(inside)
        for distance, nodes in enumerate(nx.bfs_layers(inside, sorted(first, key=str))):
            layer.update(dict.fromkeys(nodes, base + distance))
    return layer


def ordered(
    layers: Sequence[Sequence[Node]], links: Iterable[tuple[Node, Node]]
) -> list[list[Node]]:
    """The layers with few crossings between neighbours, by barycenters.

    Parameters
    ----------
    layers : sequence of sequence
        In an order that is kept where nothing speaks against it.
    links : iterable of pairs
        Between neighbouring layers, or within one.
    """
    neighbours: dict[Node, list[Node]] = {node: [] for layer in layers for node in layer}
    for source, target in links:
        neighbours[source].append(target)
        neighbours[target].append(source)
    where = {node: n for n, layer in enumerate(layers) for node in layer}
    best = now = [list(layer) for layer in layers]
    fewest = _crossings(now, neighbours, where)
    for sweep in range(_SWEEPS):
        forth = sweep % 2 == 0
        now = [list(layer) for layer in now]
        for n in range(1, len(now)) if forth else range(len(now) - 2, -1, -1):
            beside = n - 1 if forth else n + 1
            place = {node: float(p) for p, node in enumerate(now[beside])}
            now[n] = _by_barycenter(now[n], neighbours, place)
        found = _crossings(now, neighbours, where)
        if found < fewest:
            best, fewest = now, found
    return best


def _busiest(graph: nx.DiGraph[Node]) -> set[Node]:
    degrees = dict(graph.out_degree())
    most = max(degrees.values())
    return {node for node, degree in degrees.items() if degree == most}


def _by_barycenter(
    layer: Sequence[Node], neighbours: Mapping[Node, list[Node]], place: Mapping[Node, float]
) -> list[Node]:
    keys = {}
    for position, node in enumerate(layer):
        seen = [place[other] for other in neighbours[node] if other in place]
        scale = (len(place) or 1) / (len(layer) or 1)
        keys[node] = sum(seen) / len(seen) if seen else position * scale
    return sorted(layer, key=keys.__getitem__)


def _crossings(
    layers: Sequence[Sequence[Node]],
    neighbours: Mapping[Node, list[Node]],
    where: Mapping[Node, int],
) -> int:
    total = 0
    for n in range(len(layers) - 1):
        place = {node: p for p, node in enumerate(layers[n + 1])}
        ends: list[int] = []
        for node in layers[n]:
            ends += sorted(place[other] for other in neighbours[node] if where[other] == n + 1)
        total += _inversions(ends)
    return total


def _inversions(values: list[int]) -> int:
    """Pairs that stand the wrong way round, by a binary indexed tree."""
    if not values:
        return 0
    tree = [0] * (max(values) + 2)
    found = 0
    for seen, value in enumerate(values):
        below, index = 0, value + 1
        while index:
            below += tree[index]
            index -= index & -index
        found += seen - below
        index = value + 1
        while index < len(tree):
            tree[index] += 1
            index += index & -index
    return found
