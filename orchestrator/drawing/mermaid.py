"""A scene as Mermaid, for wikis and change systems that draw it themselves."""

from __future__ import annotations

import re

from orchestrator.drawing.names import clean
from orchestrator.drawing.scene import Box, Link, Scene
from orchestrator.drawing.words import mode_line
from orchestrator.model.words import counted
from orchestrator.rules.rule import Verdict

_COLOURS = {
    Verdict.OK: "#33765f",
    Verdict.ADVISORY: "#9a6700",
    Verdict.UNKNOWN: "#7442b8",
    Verdict.BROKEN: "#c0262d",
}
_ARROWS = {
    Verdict.OK: "-->",
    Verdict.ADVISORY: "-->",
    Verdict.UNKNOWN: "--o",
    Verdict.BROKEN: "--x",
}
# Mermaid reads HTML and its own quotes in labels; anything not harmless becomes an entity.
_NOT_PLAIN = re.compile(r"[^\w\s.,:/()+×-]", re.ASCII)


def mermaid_text(scene: Scene) -> str:
    """The graph in Mermaid; any text is escaped."""
    names = {box.group: f"n{number}" for number, box in enumerate(scene.boxes)}
    lines = ["graph LR"]
    lines += [f'  {names[box.group]}["{_label(box)}"]' for box in scene.boxes]
    for number, link in enumerate(scene.links):
        arrow = "-.->" if link.redirected else _ARROWS[link.judgement.verdict]
        lines.append(f'  {names[link.source]} {arrow}|"{_said(link)}"| {names[link.target]}')
        lines.append(f"  linkStyle {number} stroke:{_COLOURS[link.judgement.verdict]}")
    return "\n".join(lines) + "\n"


def _label(box: Box) -> str:
    lines = [box.group.key, *(f"{count} x {release}" for release, count in box.builds)]
    return "<br/>".join(_escaped(line) for line in [*lines, *filter(None, [mode_line(box)])])


def _said(link: Link) -> str:
    rule = link.judgement.rule
    lines = [
        f"{link.judgement.verdict}: {rule.id} ({rule.confidence})",
        counted(link.users, "user"),
    ]
    return "<br/>".join(_escaped(line) for line in lines)


def _escaped(text: str) -> str:
    return _NOT_PLAIN.sub(lambda found: f"#{ord(found[0])};", clean(text).replace("\n", " "))
