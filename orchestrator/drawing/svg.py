"""A scene as SVG."""

from __future__ import annotations

import functools
import json
from importlib.resources import files
from typing import Any

import jinja2

from orchestrator.drawing.curves import Curve, curves_of
from orchestrator.drawing.layout import HEAD, MOST_SERVERS, ROW, Layout
from orchestrator.drawing.names import clean, element_id, shortened
from orchestrator.drawing.scene import Box, Link, Scene
from orchestrator.drawing.words import box_title, link_title, mode_line, sites_line
from orchestrator.model.state import AccessMode
from orchestrator.model.words import counted
from orchestrator.rules.rule import Verdict

TEMPLATES = jinja2.Environment(
    loader=jinja2.PackageLoader("orchestrator.drawing"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
TEMPLATES.filters["clean"] = clean

MARKS = {
    Verdict.OK: "",
    Verdict.ADVISORY: "triangle",
    Verdict.UNKNOWN: "diamond",
    Verdict.BROKEN: "cross",
}
"""The shape on a link, so that nothing depends on its colour."""


@functools.cache
def style() -> str:
    """The style sheet of all drawings, for a page that holds several."""
    return (files("orchestrator.drawing") / "templates" / "drawing.css").read_text("utf-8")


def graph_svg(
    scene: Scene, layout: Layout, *, title: str = "", prefix: str = "", standalone: bool = True
) -> str:
    """The proxy graph of one state.

    Parameters
    ----------
    scene : Scene
    layout : Layout
        Of the same groups.
    title : str
        What a screen reader says of the whole.
    prefix : str
        Put before every id, where a page holds several drawings.
    standalone : bool
        Whether the picture brings its style sheet and legend.

    Returns
    -------
    str
        Well-formed XML whatever the names hold; the same input gives the same bytes.
    """
    inner = {link.source: link for link in scene.links if link.source == link.target}
    curves = curves_of(layout, scene.links)
    drawn = [_link(*one, prefix) for one in zip(scene.links, curves, strict=True)]
    # The worst last: they lie on top.
    drawn.sort(key=lambda one: one["rank"])
    return TEMPLATES.get_template("graph.svg.j2").render(
        title=clean(title or f"Proxy graph of {scene.organization}, {scene.protocol}"),
        protocol=str(scene.protocol),
        prefix=prefix,
        standalone=standalone,
        style=style() if standalone else "",
        width=layout.width,
        height=layout.height + (44 if standalone else 0),
        legend_y=layout.height + 14,
        links=drawn,
        boxes=[_box(box, layout, inner.get(box.group), prefix) for box in scene.boxes],
        left_out=scene.left_out,
    )


def legend_svg() -> str:
    """What the lines and marks of a graph mean, as a picture of its own for a page."""
    return TEMPLATES.get_template("legend.svg.j2").render()


def _link(link: Link, curve: Curve, prefix: str) -> dict[str, Any]:
    one = link.worst
    calm = one.judgement.verdict is Verdict.OK
    accepted = " accepted" if one.judgement.accepted else ""
    label = f"{link.users}" if link.users else ""
    if len(link.paths) > 1:
        count = f"{link.bad} of {len(link.paths)}" if link.bad else f"{len(link.paths)}"
        label = f"{count} paths · {link.users}"
    return {
        "id": prefix + element_id("path", link.source.key, link.target.key, one.path.protocol),
        "verdict": one.judgement.verdict.value,
        "arrow": "redirect" if calm and link.redirected else one.judgement.verdict.value,
        "classes": f"verdict-{one.judgement.verdict}{accepted} route-{one.decision.route}",
        "paths": json.dumps([str(p.path) for p in link.paths]),
        "rule": one.judgement.rule.id,
        "title": clean(link_title(link)),
        "d": curve.path,
        "x": curve.mark[0],
        "y": curve.mark[1],
        "mark": MARKS[one.judgement.verdict],
        "label": label,
        "rank": (one.rank, link.users),
    }


def _box(box: Box, layout: Layout, inner: Link | None, prefix: str) -> dict[str, Any]:
    place = layout.places[box.group]
    room = place.width - 20
    pool = box.group.pools[0]
    many = len(box.group.pools) > 1
    rows = _server_rows(box, room, prefix) if box.servers else []
    if not box.servers or len(box.servers) > MOST_SERVERS:
        rows = _build_rows(box, room)
    foot = mode_line(box)
    if inner is not None:
        foot = f"{counted(len(inner.paths), 'path')} among them" + (
            f", {inner.bad} bad" if inner.bad else ""
        )
    name = counted(len(box.group.pools), "pool") if many else pool.site
    kind = pool.product_line
    redirected = box.modes.get(AccessMode.PROXY, 0) < len(box.group.pools)
    return {
        "id": prefix + element_id("pool", box.group.key),
        "pools": json.dumps([str(p) for p in box.group.pools]),
        "classes": " ".join(
            ["group" if many else "single"]
            + (["internet-facing"] if box.internet_facing else [])
            + (["redirected"] if redirected else [])
            + sorted({f"status-{mark}" for mark in box.marks.values()})
        ),
        "title": clean(box_title(box)),
        "x": place.x,
        "y": place.y,
        "width": place.width,
        "height": place.height,
        "name": shortened(name, 13, room - 44),
        "kind": kind,
        "facing": box.internet_facing,
        "many": many,
        "rows": rows,
        "foot": shortened(foot, 11, room),
        "foot_y": HEAD + ROW * len(rows),
        "sites": shortened(sites_line(box), 11, room) if many else "",
    }


def _server_rows(box: Box, room: float, prefix: str) -> list[dict[str, Any]]:
    line = box.group.pools[0].product_line + " "
    rows = []
    for number, (name, release) in enumerate(box.servers):
        short = release.removeprefix(line)
        rows.append(
            {
                "y": HEAD + ROW * number,
                "id": prefix + element_id("server", name),
                "server": name,
                "left": shortened(name, 11.5, room - 74),
                "right": shortened(short, 11.5, 74),
                "status": box.marks.get(name, ""),
            }
        )
    return rows


def _build_rows(box: Box, room: float) -> list[dict[str, Any]]:
    shown = box.builds if len(box.builds) <= 3 else (*box.builds[:2], ("other builds", 0))
    rest = sum(count for _, count in box.builds[2:])
    return [
        {
            "y": HEAD + ROW * number,
            "id": "",
            "server": "",
            "left": shortened(release, 11.5, room - 40),
            "right": f"× {count or rest}",
            "status": "",
        }
        for number, (release, count) in enumerate(shown)
    ]
