"""DOT and Mermaid: nothing a name holds ends a quoted text or becomes markup."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support.cases import case_files, load_case
from support.pictures import case, hostile, picture

from orchestrator.drawing import Detail, Selection, dot_text, mermaid_text

FULL = Selection(detail=Detail.FULL)
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')


@pytest.mark.parametrize("path", case_files(), ids=lambda path: path.stem)
def test_every_pool_and_path_is_there(path: Path) -> None:
    found = load_case(path)
    scene, _ = picture(found, selection=FULL)
    dot, mermaid = dot_text(scene), mermaid_text(scene)
    assert dot.count("tooltip=") == len(scene.boxes) + len(scene.links)
    assert dot.count(" -> n") == len(scene.links)
    assert mermaid.count("linkStyle") == len(scene.links)
    for link in scene.links:
        assert link.judgement.rule.id in dot
        assert link.judgement.rule.id in mermaid


def test_redirected_paths_are_dashed_in_both() -> None:
    found = case("24-same-site-2007")
    scene, _ = picture(found, selection=FULL)
    redirected = sum(link.redirected for link in scene.links)
    assert redirected
    assert dot_text(scene).count("style=dashed") == redirected
    assert mermaid_text(scene).count("-.->") == redirected


def test_hostile_names_end_no_quotation() -> None:
    scene, _ = picture(hostile(case()), selection=FULL)
    rest = _QUOTED.sub("", dot_text(scene))
    assert not set(rest) - set("digraph{}[]=,;->\n node shapebxfotlyuidkcrvmwqz_RLABCDEF0123456789")
    assert "script" not in rest
    for line in mermaid_text(scene).splitlines():
        assert line.count('"') in {0, 2}
        assert "<script" not in line
        assert "<img" not in line
