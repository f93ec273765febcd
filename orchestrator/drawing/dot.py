"""A scene as DOT, the language of Graphviz."""

from __future__ import annotations

from orchestrator.drawing.names import clean
from orchestrator.drawing.scene import Box, Link, Scene
from orchestrator.drawing.words import box_title, link_title, mode_line
from orchestrator.model.words import counted
from orchestrator.rules.rule import Verdict

_LINE = {
    Verdict.OK: ("#33765f", "solid", "normal"),
    Verdict.ADVISORY: ("#9a6700", "solid", "vee"),
    Verdict.UNKNOWN: ("#7442b8", "dotted", "diamond"),
    Verdict.BROKEN: ("#c0262d", "bold", "box"),
}


def dot_text(scene: Scene) -> str:
    """The graph in DOT; any text is quoted."""
    names = {box.group: f"n{number}" for number, box in enumerate(scene.boxes)}
    lines = [
        f"digraph {_quoted(f'{scene.organization} {scene.protocol}')} {{",
        "  rankdir=LR;",
        '  node [shape=box, style=rounded, fontname="sans-serif", fontsize=11];',
        '  edge [fontname="sans-serif", fontsize=10];',
    ]
    lines += [
        f"  {names[box.group]} [label={_quoted(_label(box))}, tooltip={_quoted(box_title(box))}];"
        for box in scene.boxes
    ]
    lines += [
        f"  {names[link.source]} -> {names[link.target]} [{_edge(link)}];" for link in scene.links
    ]
    return "\n".join([*lines, "}"]) + "\n"


def _label(box: Box) -> str:
    lines = [box.group.key + (" (Internet-facing)" if box.internet_facing else "")]
    lines += [f"{count} x {release}" for release, count in box.builds]
    return "\n".join([*lines, *filter(None, [mode_line(box)])])


def _edge(link: Link) -> str:
    colour, line, arrow = _LINE[link.judgement.verdict]
    if link.redirected:
        line = "dashed"
    label = f"{link.judgement.verdict}\n{counted(link.users, 'user')}"
    return (
        f'color="{colour}", fontcolor="{colour}", style={line}, arrowhead={arrow}, '
        f"label={_quoted(label)}, tooltip={_quoted(link_title(link))}"
    )


def _quoted(text: str) -> str:
    escaped = clean(text).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
