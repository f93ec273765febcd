"""Sets of labels that leave no cycle, cheapest first: what to try beside the cheapest one."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Iterator, Sequence

import networkx as nx

from orchestrator.model.topology import Label
from orchestrator.planner.constraints import Arc
from orchestrator.planner.cycles import Sequences, find_cycle

MOST_LOOKED_AT = 400
"""Sets of labels looked at; a count, so that every machine looks at the same."""

MOST_LABELS = 24
"""Labels on cycles up to which other sets than the cheapest by itself are looked at."""

Labels = tuple[Label, ...]


def on_cycles(arcs: Sequence[Arc], sequence: Sequences = ()) -> list[Arc]:
    """The arcs that lie on some cycle, in their order."""
    graph = nx.DiGraph((arc.first, arc.then) for arc in arcs)
    graph.add_edges_from(sequence)
    parts = nx.strongly_connected_components(graph)
    home = {change: number for number, part in enumerate(parts) for change in part}
    return [arc for arc in arcs if home[arc.first] == home[arc.then]]


def apart(arcs: Sequence[Arc]) -> list[list[Arc]]:
    """The arcs in groups that have no pool in common, in their order."""
    graph = nx.Graph((arc.first.pool, arc.then.pool) for arc in arcs)
    home = {pool: n for n, part in enumerate(nx.connected_components(graph)) for pool in part}
    groups: dict[int, list[Arc]] = {}
    for arc in arcs:
        groups.setdefault(home[arc.first.pool], []).append(arc)
    return [*groups.values()]


def cuts_in_order(
    arcs: Sequence[Arc],
    free: Collection[Label],
    price: Callable[[Label], int],
    sequence: Sequences = (),
) -> Iterator[tuple[int, Labels | None]]:
    """Sets of labels whose redirection leaves no cycle, by what they cost at least.

    Parameters
    ----------
    arcs : sequence of Arc
    free : collection of Label
        Labels that may be redirected.
    price : callable
        What redirecting a label costs at least; never negative.
    sequence : collection of pairs of Change
        Arcs that nothing takes away.

    Yields
    ------
    tuple of int and tuple of Label or None
        No set that is yet to come costs less. None in place of labels ends the search: what is
        left was not looked at. Sets that hold a former one are left out.

    Notes
    -----
    Best first: of a cheapest set that leaves a cycle every arc of the cycle is cut in turn.
    """
    free = frozenset(free)
    fixed = frozenset(sequence)
    heap: list[tuple[int, Labels]] = [(0, ())]
    seen: set[Labels] = {()}
    found: list[frozenset[Label]] = []
    for _ in range(MOST_LOOKED_AT):
        if not heap:
            return
        cost, labels = heapq.heappop(heap)
        chosen = frozenset(labels)
        if any(chosen >= former for former in found):
            continue
        left = [arc for arc in arcs if arc.label not in chosen]
        cycle = find_cycle(left, sequence)
        if cycle is None:
            found.append(chosen)
            yield cost, labels
            continue
        for pair in cycle:
            if pair in fixed:
                continue
            held = {arc.label for arc in left if (arc.first, arc.then) == pair}
            more = tuple(sorted(chosen | held))
            if held <= free and more not in seen:
                seen.add(more)
                heapq.heappush(heap, (cost + sum(map(price, held)), more))
    if heap:
        yield heap[0][0], None
