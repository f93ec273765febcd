"""Where boxes stand and how links run: the same for every state that is drawn with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import networkx as nx

from orchestrator.drawing.grouping import Drawn, Group
from orchestrator.drawing.layers import layers_of, ordered
from orchestrator.drawing.names import text_width
from orchestrator.model.topology import Topology

MOST_SERVERS = 6
"""Servers named in a box; more are counted by build."""

HEAD, ROW, FOOT = 30, 17, 8
NARROWEST, WIDEST = 172, 250
GAP_X, GAP_Y, MARGIN = 104, 18, 16
WIDTH = 900
"""A picture with few layers is made as wide as this, one with many grows."""

_WIDEST_GAP = 230
_LOOP = 64
_LEGEND = 700
_BEND_HEIGHT = 12
_ROUNDS = 10


@dataclass(frozen=True)
class Place:
    """A rectangle; the origin is the top left corner."""

    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        """Vertical middle."""
        return self.y + self.height / 2


@dataclass(frozen=True)
class Layout:
    """Places of groups, and the points by which long links pass the layers between.

    Parameters
    ----------
    places : dict of Group to Place
    bends : dict of (Group, Group) to tuple of (x, y)
        For links over more than one layer, left to right.
    layer : dict of Group to int
    gap : float
        Between two layers.
    width, height : float
    """

    places: dict[Group, Place]
    bends: dict[tuple[Group, Group], tuple[tuple[float, float], ...]]
    layer: dict[Group, int]
    gap: float
    width: float
    height: float


@dataclass(frozen=True)
class _Bend:
    """A link passes a layer."""

    source: Group
    target: Group
    layer: int


_Item = Group | _Bend


def rows_of(topology: Topology, drawn: Drawn, group: Group) -> int:
    """Lines below the head of a box."""
    if len(group.pools) > 1:
        return 4 + (group in drawn.footed)
    count = len(topology.pools[group.pools[0]].servers)
    return min(count, MOST_SERVERS if count <= MOST_SERVERS else 3) + (group in drawn.footed)


def arrange(topology: Topology, drawn: Drawn) -> Layout:
    """Place the groups in layers, with as few crossings as barycenters find."""
    graph: nx.DiGraph[Group] = nx.DiGraph()
    graph.add_nodes_from(drawn.groups)
    for path in topology.paths:
        source, target = drawn.of.get(path.source), drawn.of.get(path.target)
        if path.protocol is drawn.protocol and source and target and source != target:
            graph.add_edge(source, target)
    facing = [g for g in drawn.groups if topology.sites[g.pools[0].site].internet_facing]
    layer = layers_of(graph, facing)
    columns, links = _with_bends(graph, drawn.groups, layer)
    columns = ordered(columns, links)
    return _placed(topology, drawn, columns, links, layer)


def _with_bends(
    graph: nx.DiGraph[Group], groups: Sequence[Group], layer: dict[Group, int]
) -> tuple[list[list[_Item]], list[tuple[_Item, _Item]]]:
    columns: list[list[_Item]] = [[] for _ in range(1 + max(layer.values(), default=0))]
    lonely = [group for group in groups if graph.degree(group) == 0]
    for group in [g for g in groups if graph.degree(g)] + lonely:
        columns[layer[group]].append(group)
    links: list[tuple[_Item, _Item]] = []
    for source, target in graph.edges:
        low, high = sorted((source, target), key=layer.__getitem__)
        chain: list[_Item] = [low]
        for number in range(layer[low] + 1, layer[high]):
            bend = _Bend(source, target, number)
            columns[number].append(bend)
            chain.append(bend)
        links += zip(chain, [*chain[1:], high], strict=True)
    return columns, links


def _placed(
    topology: Topology,
    drawn: Drawn,
    columns: list[list[_Item]],
    links: list[tuple[_Item, _Item]],
    layer: dict[Group, int],
) -> Layout:
    heights = {item: _height(topology, drawn, item) for column in columns for item in column}
    tops = _tops(columns, links, heights)
    places: dict[Group, Place] = {}
    points: dict[tuple[Group, Group], list[tuple[float, float]]] = {}
    widths = [
        max((_width(topology, i) for i in column if isinstance(i, Group)), default=0.0)
        for column in columns
    ]
    spare = (WIDTH - sum(widths) - 2 * _LOOP) / max(len(columns) - 1, 1)
    gap = min(max(spare, GAP_X), _WIDEST_GAP)
    x = float(_LOOP)
    for column, width in zip(columns, widths, strict=True):
        for item in column:
            if isinstance(item, Group):
                places[item] = Place(x, tops[item], width, heights[item])
            else:
                y = tops[item] + _BEND_HEIGHT / 2
                points.setdefault((item.source, item.target), []).append((x, y))
                points[item.source, item.target].append((x + width, y))
        x += width + gap
    bottom = max((p.y + p.height for p in places.values()), default=0.0)
    lowest = max((y for line in points.values() for _, y in line), default=0.0)
    bends = {ends: tuple(line) for ends, line in points.items()}
    right = max(x - gap + _LOOP, _LEGEND)
    return Layout(places, bends, layer, gap, right, max(bottom, lowest) + MARGIN)


def _height(topology: Topology, drawn: Drawn, item: _Item) -> float:
    if isinstance(item, _Bend):
        return _BEND_HEIGHT
    return HEAD + ROW * rows_of(topology, drawn, item) + FOOT


def _width(topology: Topology, group: Group) -> float:
    names = [str(group.pools[0])]
    if len(group.pools) == 1:
        names += [f"{name} SP2 RU10 v8" for name in topology.pools[group.pools[0]].servers]
    needed = max(text_width(name, 12.5) for name in names) + 46
    return min(max(needed, NARROWEST), WIDEST)


def _tops(
    columns: list[list[_Item]], links: list[tuple[_Item, _Item]], heights: dict[_Item, float]
) -> dict[_Item, float]:
    """Tops of boxes: near their neighbours, in their order, never one over the other."""
    near: dict[_Item, list[_Item]] = {item: [] for item in heights}
    for source, target in links:
        near[source].append(target)
        near[target].append(source)
    tops: dict[_Item, float] = {}
    for column in columns:
        tops.update(_stacked(column, heights, {}))
    tallest = max((sum(heights[i] + GAP_Y for i in column) for column in columns), default=0.0)
    for column in columns:
        spare = (tallest - sum(heights[i] + GAP_Y for i in column)) / 2
        tops.update({item: tops[item] + spare for item in column})
    for turn in range(_ROUNDS):
        for column in columns if turn % 2 else reversed(columns):
            wish = {}
            for item in column:
                seen = [tops[n] + heights[n] / 2 for n in near[item]]
                if seen:
                    wish[item] = sum(seen) / len(seen) - heights[item] / 2
                else:
                    wish[item] = tops[item]
            tops.update(_stacked(column, heights, wish))
    highest = min(tops.values(), default=0.0)
    return {item: top - highest + MARGIN for item, top in tops.items()}


def _stacked(
    column: list[_Item], heights: dict[_Item, float], wish: dict[_Item, float]
) -> dict[_Item, float]:
    """Tops as near to the wishes as the order allows: the mean of pushing down and pushing up."""
    down: dict[_Item, float] = {}
    edge = float("-inf")
    for item in column:
        top = wish.get(item, edge if edge != float("-inf") else 0.0)
        down[item] = max(top, edge)
        edge = down[item] + heights[item] + GAP_Y
    up: dict[_Item, float] = {}
    edge = float("inf")
    for item in reversed(column):
        up[item] = min(wish.get(item, down[item]), edge - heights[item] - GAP_Y)
        edge = up[item]
    return {item: (down[item] + up[item]) / 2 for item in column}
