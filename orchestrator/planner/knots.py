"""Strongly connected components and short cycles of small integer graphs."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence, Set

Successors = Sequence[Set[int]]
"""Successors by node; nodes are 0 to n - 1."""


def components(successors: Successors, nodes: Iterable[int]) -> list[list[int]]:
    """The strongly connected components among some nodes, by Tarjan's algorithm, linear.

    Parameters
    ----------
    successors : sequence of set of int
    nodes : iterable of int
        Arcs to other nodes are not followed.
    """
    inside = set(nodes)
    index: dict[int, int] = {}
    low: dict[int, int] = {}
    stack: list[int] = []
    on_stack: set[int] = set()
    found: list[list[int]] = []
    for root in sorted(inside):
        if root in index:
            continue
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        work = [(root, iter(successors[root]))]
        while work:
            node, left = work[-1]
            for then in left:
                if then not in inside:
                    continue
                if then not in index:
                    index[then] = low[then] = len(index)
                    stack.append(then)
                    on_stack.add(then)
                    work.append((then, iter(successors[then])))
                    break
                if then in on_stack and index[then] < low[node]:
                    low[node] = index[then]
            else:
                work.pop()
                if work and low[node] < low[work[-1][0]]:
                    low[work[-1][0]] = low[node]
                if low[node] == index[node]:
                    member = -1
                    component = []
                    while member != node:
                        member = stack.pop()
                        on_stack.discard(member)
                        component.append(member)
                    found.append(component)
    return found


def knots(successors: Successors, nodes: Iterable[int]) -> list[list[int]]:
    """Components that hold a cycle, each sorted, in the order of their smallest node."""
    return sorted(
        sorted(part)
        for part in components(successors, nodes)
        if len(part) > 1 or part[0] in successors[part[0]]
    )


def shortest_cycle(
    successors: Successors, node: int, inside: Set[int], limit: int | None = None
) -> list[int]:
    """A shortest cycle through a node as the nodes on it, starting there; empty if none.

    Parameters
    ----------
    inside : set of int
        Nodes that may be used.
    limit : int, optional
        Only cycles of fewer nodes are looked for.
    """
    came: dict[int, int] = {}
    depth = {node: 0}
    queue = deque([node])
    while queue:
        at = queue.popleft()
        if limit is not None and depth[at] + 1 >= limit:
            return []
        for then in sorted(successors[at]):
            if then == node:
                way = [at]
                while way[-1] != node:
                    way.append(came[way[-1]])
                return way[::-1]
            if then in inside and then not in depth:
                depth[then] = depth[at] + 1
                came[then] = at
                queue.append(then)
    return []


def adjacency(count: int, arcs: Iterable[tuple[int, int]]) -> list[set[int]]:
    """Successors by node."""
    successors: list[set[int]] = [set() for _ in range(count)]
    for first, then in arcs:
        successors[first].add(then)
    return successors


def inner(
    edges: Mapping[tuple[int, int], frozenset[int]], parts: Iterable[Iterable[int]]
) -> list[dict[tuple[int, int], frozenset[int]]]:
    """The edges inside each part."""
    home = {node: number for number, part in enumerate(parts) for node in part}
    split: list[dict[tuple[int, int], frozenset[int]]] = [{} for _ in set(home.values())]
    for (first, then), labels in edges.items():
        if first in home and home[first] == home.get(then):
            split[home[first]][first, then] = labels
    return split
