"""Graphs as SVG: what is in them, that names stay text, that large farms stay readable."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from benchmarks.families import FAMILIES, family
from support.cases import case_files, load_case
from support.pictures import (
    HOSTILE,
    SVG,
    assert_inert,
    case,
    hostile,
    parsed,
    picture,
    planned,
)

from orchestrator.drawing import (
    Detail,
    Selection,
    arrange,
    element_id,
    graph_svg,
    groups_of,
    scene_of,
)
from orchestrator.drawing.grouping import MOST_BOXES
from orchestrator.drawing.layers import ordered
from orchestrator.model.topology import PoolId, Protocol
from orchestrator.shipped import catalogue


def by_class(root, name):
    return [e for e in root.iter() if name in e.attrib.get("class", "").split()]


@pytest.mark.parametrize("path", case_files(), ids=lambda path: path.stem)
def test_every_case_shows_every_pool_server_and_path_with_its_verdict(path: Path) -> None:
    found = load_case(path)
    scene, layout = picture(found, selection=Selection(detail=Detail.FULL))
    root = parsed(graph_svg(scene, layout))
    assert_inert(root)
    pools = {name for e in by_class(root, "pool") for name in json.loads(e.attrib["data-pools"])}
    assert pools == {str(pool) for pool in found.topology.pools}
    drawn = {
        name: (e.attrib["data-verdict"], e.attrib["data-rule"], e.find(f"{SVG}title").text)
        for e in by_class(root, "path")
        if "data-paths" in e.attrib
        for name in json.loads(e.attrib["data-paths"])
    }
    judged = {
        str(one.path): one
        for one in found.book.judge_all(found.topology, found.start)
        if one.path.protocol is Protocol.OWA
    }
    assert drawn.keys() == judged.keys()
    for name, (verdict, rule, title) in drawn.items():
        worst = judged[name].worst
        assert (verdict, rule) == (worst.verdict.value, worst.rule.id)
        assert rule in title
        assert f"[{worst.rule.confidence}]" in title
        assert worst.rule.references[0] in title


def test_a_broken_path_differs_by_shape_and_a_redirected_one_by_its_line() -> None:
    found = case("02-seed-incident")
    scene, layout = picture(found)
    root = parsed(graph_svg(scene, layout))
    broken = [e for e in by_class(root, "mark") if "verdict-broken" in e.attrib["class"]]
    assert any(e.attrib.get("class") == "sign" for mark in broken for e in mark.iter())
    assert ".route-redirect .line{stroke-dasharray" in graph_svg(scene, layout)


def test_states_share_places_and_ids() -> None:
    found = case("03-pair-one-capable")
    plan = planned(found)
    drawn = groups_of(found.topology, [plan.start, plan.end], found.book, Protocol.OWA)
    layout = arrange(found.topology, drawn)
    seen = []
    for state in (plan.start, plan.end):
        scene = scene_of(found.topology, state, found.book, drawn, catalogue())
        root = parsed(graph_svg(scene, layout, prefix="x-"))
        seen.append({e.attrib["id"]: e.attrib["transform"] for e in by_class(root, "pool")})
    assert seen[0] == seen[1]
    assert set(seen[0]) == {"x-" + element_id("pool", str(pool)) for pool in found.topology.pools}


def test_marks_become_classes_of_servers() -> None:
    found = case()
    drawn = groups_of(found.topology, [found.start], found.book, Protocol.OWA)
    name = next(iter(found.topology.servers))
    scene = scene_of(found.topology, found.start, found.book, drawn, catalogue(), {name: "started"})
    root = parsed(graph_svg(scene, arrange(found.topology, drawn)))
    (server,) = [e for e in by_class(root, "server") if e.attrib["data-server"] == name]
    assert server.attrib["id"] == element_id("server", name)
    assert "status-started" in server.attrib["class"]


def test_hostile_names_stay_text() -> None:
    for stem in ("03-pair-one-capable", "11-held-and-redirected"):
        found = hostile(case(stem))
        scene, layout = picture(found, selection=Selection(detail=Detail.FULL))
        svg = graph_svg(scene, layout)
        assert_inert(parsed(svg))
        assert "<script" not in svg


def test_element_ids_are_injective_on_hostile_names() -> None:
    names = [*HOSTILE, "a_b", "a/b", "a_2f_b", "a__b", "A-b"]
    assert len({element_id("pool", name) for name in names}) == len(names)


@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_two_hundred_sites_stay_readable(name: str) -> None:
    farm = family(name, 200, 1)
    drawn = groups_of(farm.topology, [farm.start, farm.end], farm.book, Protocol.OWA)
    assert 1 <= len(drawn.groups) <= MOST_BOXES
    assert {pool for group in drawn.groups for pool in group.pools} == set(farm.topology.pools)
    scene = scene_of(farm.topology, farm.start, farm.book, drawn, catalogue())
    assert sum(len(link.paths) for link in scene.links) == len(farm.topology.paths)
    layout = arrange(farm.topology, drawn)
    places = list(layout.places.values())
    for one in places:
        for other in places:
            apart = (
                one is other
                or one.x + one.width <= other.x
                or other.x + other.width <= one.x
                or one.y + one.height <= other.y + 0.01
                or other.y + other.height <= one.y + 0.01
            )
            assert apart, (one, other)
        assert 0 <= one.x <= one.x + one.width <= layout.width
        assert 0 <= one.y <= one.y + one.height <= layout.height


def test_a_broken_path_is_never_hidden_in_a_box_that_looks_sound() -> None:
    farm = family("two-hub", 200, 1)
    drawn = groups_of(farm.topology, [farm.start, farm.end], farm.book, Protocol.OWA)
    half = farm.start.with_builds(
        {name: farm.end.builds[name] for n, name in enumerate(farm.topology.servers) if n % 2}
    )
    scene = scene_of(farm.topology, half, farm.book, drawn, catalogue())
    broken = {str(path) for path in farm.book.broken_paths(farm.topology, half)}
    shown = {str(one.path) for link in scene.links if link.judgement.blocks for one in link.paths}
    assert broken
    assert broken <= shown
    assert sum(link.bad for link in scene.links) == len(broken)


def test_selection_keeps_what_was_asked_for_and_its_neighbours() -> None:
    farm = family("two-hub", 50, 1)
    site = "s00007"

    def shown(selection: Selection) -> set[PoolId]:
        drawn = groups_of(farm.topology, [farm.start], farm.book, Protocol.OWA, selection)
        assert drawn.left_out == len(farm.topology.pools) - len(drawn.of)
        return set(drawn.of)

    near = {
        pool
        for path in farm.topology.paths
        if site in {path.source.site, path.target.site}
        for pool in (path.source, path.target)
    }
    assert shown(Selection(sites=frozenset({site}))) == near
    assert shown(Selection(pools=frozenset({PoolId(site, "2010")}))) == near
    assert len(near) < 50
    broken = farm.book.broken_paths(farm.topology, farm.start)
    ends = {pool for path in broken for pool in (path.source, path.target)}
    assert shown(Selection(broken_only=True)) == ends


def test_the_order_within_layers_has_few_crossings() -> None:
    rng = random.Random(5)
    left, right = list(range(12)), list(range(100, 112))
    shuffled = rng.sample(right, len(right))
    links = [(n, 100 + n) for n in left]
    found = ordered([left, shuffled], links)
    assert [n + 100 for n in found[0]] == found[1]


def test_the_same_input_gives_the_same_bytes() -> None:
    found = case("02-seed-incident")
    assert graph_svg(*picture(found)) == graph_svg(*picture(found))
