"""The curve of every link, and the point in its middle where its mark stands."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass

from orchestrator.drawing.layout import MARGIN, Layout, Place
from orchestrator.drawing.scene import Link

Point = tuple[float, float]

_FEW = 9
_TURNS = (0.5, 0.3, 0.68)
_BOW = 46
"""How far a link within a layer swings out; its curve goes three quarters of that."""


@dataclass(frozen=True)
class Curve:
    """A path in SVG's words, and a point on it."""

    path: str
    mark: Point


def curves_of(layout: Layout, links: Iterable[Link]) -> list[Curve]:
    """A curve for every link, in their order; ends spread over the sides of the boxes."""
    links = list(links)
    sides: dict[tuple[Place, str], list[tuple[float, int, str]]] = {}
    ways = [_way(layout, link) for link in links]
    for number, (link, way) in enumerate(zip(links, ways, strict=True)):
        source, target = layout.places[link.source], layout.places[link.target]
        out, into = _SIDES[way]
        sides.setdefault((source, out), []).append((target.middle, number, "a"))
        sides.setdefault((target, into), []).append((source.middle, number, "z"))
    ends: dict[tuple[int, str], Point] = {}
    for (place, side), found in sides.items():
        for position, (_, number, end) in enumerate(sorted(found), 1):
            y = place.y + place.height * position / (len(found) + 1)
            ends[number, end] = (place.x + (place.width if side == "right" else 0), y)
    turns = _turns(ends, len(links))
    return [
        _curve(
            way,
            ends[n, "a"],
            ends[n, "z"],
            layout.bends.get((link.source, link.target), ()),
            turns[n],
        )
        for n, (link, way) in enumerate(zip(links, ways, strict=True))
    ]


def _turns(ends: dict[tuple[int, str], Point], count: int) -> list[float]:
    """How far along its curve each mark stands: neighbours differ, so that marks do not meet."""
    middles = [(ends[n, "a"][1] + ends[n, "z"][1], n) for n in range(count)]
    turns = [0.5] * count
    if count > _FEW:
        for position, (_, number) in enumerate(sorted(middles)):
            turns[number] = _TURNS[position % len(_TURNS)]
    return turns


_SIDES = {
    "forward": ("right", "left"),
    "back": ("left", "right"),
    "down": ("right", "right"),
    "up": ("left", "left"),
    "self": ("right", "right"),
}


def _way(layout: Layout, link: Link) -> str:
    if link.source == link.target:
        return "self"
    here, there = layout.layer[link.source], layout.layer[link.target]
    if here != there:
        return "forward" if here < there else "back"
    source, target = layout.places[link.source], layout.places[link.target]
    return "down" if source.y < target.y else "up"


def _curve(way: str, start: Point, end: Point, bends: tuple[Point, ...], turn: float) -> Curve:
    if way in {"forward", "back"}:
        points = [start, *(bends if way == "forward" else reversed(bends)), end]
        return _through(points, turn)
    out = min(_BOW + abs(end[1] - start[1]) * 0.06, _BOW + MARGIN)
    x = start[0] + out if way != "up" else start[0] - out
    path = f"M{_p(start)} C{_p((x, start[1]))} {_p((x, end[1]))} {_p(end)}"
    middle = (start[0] * 0.25 + x * 0.75, (start[1] + end[1]) / 2)
    return Curve(path, middle)


def _through(points: list[Point], turn: float) -> Curve:
    parts = [f"M{_p(points[0])}"]
    for here, there in itertools.pairwise(points):
        half = (here[0] + there[0]) / 2
        parts.append(f"C{_p((half, here[1]))} {_p((half, there[1]))} {_p(there)}")
    number = (len(points) - 1) // 2
    here, there = points[number], points[number + 1]
    half = (here[0] + there[0]) / 2
    return Curve(" ".join(parts), _at(turn, here, (half, here[1]), (half, there[1]), there))


def _at(t: float, *points: Point) -> Point:
    """The point of a cubic curve at `t`, from 0 to 1."""
    weights = ((1 - t) ** 3, 3 * (1 - t) ** 2 * t, 3 * (1 - t) * t**2, t**3)
    return (
        sum(w * p[0] for w, p in zip(weights, points, strict=True)),
        sum(w * p[1] for w, p in zip(weights, points, strict=True)),
    )


def _p(point: Point) -> str:
    return f"{point[0]:.1f},{point[1]:.1f}"
