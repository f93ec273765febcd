"""Ways of servers: the hops packages allow, and what a removal may show."""

from __future__ import annotations

import dataclasses

import pytest
from support.cases import FOLDER, load_case

from orchestrator.checker import check
from orchestrator.errors import NoPlanFound, NoSafePlan
from orchestrator.model.build import Build, BuildRange
from orchestrator.model.plan import StepKind, within_reach
from orchestrator.model.state import State
from orchestrator.model.topology import Package, PoolId, Server, Site, Topology
from orchestrator.planner import make_plan
from orchestrator.planner.stops import hops, shortest_ways
from orchestrator.shipped import catalogue


def _topology(*names: str, onto: dict[str, BuildRange] | None = None) -> Topology:
    packages = [catalogue().read(name) for name in names]
    bounds = {catalogue().read(name): row for name, row in (onto or {}).items()}
    return Topology(
        "hops", {}, {}, {}, (), {b: Package(b, "p", "0" * 64, onto=bounds.get(b)) for b in packages}
    )


def _hops(topology: Topology, old: str, new: str) -> list[str] | None:
    read, name = catalogue().read, catalogue().name
    found = hops(topology, read(old), read(new), catalogue())
    return found and [name(build) for build in found]


def test_the_fewest_packages_and_of_those_the_newest() -> None:
    topology = _topology("2010 SP2", "2010 SP3", "2010 SP2 RU1", "2010 SP3 RU1")
    assert _hops(topology, "2010 SP1 RU6", "2010 SP3 RU1") == [
        "2010 SP1 RU6",
        "2010 SP3",
        "2010 SP3 RU1",
    ]
    assert _hops(topology, "2010 SP2", "2010 SP2 RU1") == ["2010 SP2", "2010 SP2 RU1"]


def test_a_rollup_never_crosses_service_packs_and_no_way_leads_beyond_the_goal() -> None:
    assert _hops(_topology("2010 SP2 RU2"), "2010 SP1 RU6", "2010 SP2 RU2") is None
    assert _hops(_topology("2010 SP3", "2010 SP2 RU2"), "2010 SP1 RU6", "2010 SP2 RU2") is None
    assert _hops(_topology("2010 SP2", "2007 SP3"), "2007 SP2", "2010 SP2") is None


def test_onto_narrows_and_widens() -> None:
    sp2 = catalogue().read("2010 SP2")
    only_sp2 = {"2010 SP3": BuildRange(sp2)}
    topology = _topology("2010 SP2", "2010 SP3", onto=only_sp2)
    assert _hops(topology, "2010 SP1", "2010 SP3") == ["2010 SP1", "2010 SP2", "2010 SP3"]
    wide = _topology("2010 SP2 RU2", onto={"2010 SP2 RU2": BuildRange()})
    assert _hops(wide, "2010 SP1", "2010 SP2 RU2") == ["2010 SP1", "2010 SP2 RU2"]


@pytest.mark.parametrize(
    ("build", "base"),
    [
        ("8.3.264.0", "8.3.83.6"),
        ("14.2.298.4", "14.2.247.5"),
        ("14.2.247.5", "14.2.247.5"),
        ("15.0.1497.48", "15.0.1497.2"),
    ],
)
def test_what_is_left_when_all_that_can_be_removed_is(build: str, base: str) -> None:
    assert catalogue().base(Build.parse(build)) == Build.parse(base)


def test_a_removal_shows_the_service_pack_and_the_checker_looks_at_it() -> None:
    case = load_case(FOLDER / "94-removal-shows-the-service-pack.yml")
    plan = make_plan(case.topology, case.start, case.end, case.book, catalogue())
    (removal,) = (s for s in plan.steps if s.kind is StepKind.DOWNGRADE)
    assert removal.passes == (catalogue().read("2010 SP2"),)
    assert check(case.topology, plan, case.book).safe
    silent = dataclasses.replace(
        plan, steps=tuple(dataclasses.replace(s, passes=()) for s in plan.steps)
    )
    found = check(case.topology, silent, case.book).violations
    assert [v.message for v in found if removal.id in v.message and "does not say" in v.message]
    loose = dataclasses.replace(plan, steps=tuple(s for s in plan.steps if not s.kind.changes_urls))
    loose = dataclasses.replace(
        loose,
        steps=tuple(
            dataclasses.replace(s, after=tuple({*s.after} & {o.id for o in loose.steps}))
            for s in loose.steps
        ),
    )
    found = check(case.topology, loose, case.book).violations
    assert any("14.2.247.5" in v.message and v.showing == {"rome-2010-1": removal.passes[0]}
               for v in found)  # fmt: skip


def test_a_removal_no_order_hides_is_refused_with_its_reason() -> None:
    case = load_case(FOLDER / "95-removal-not-hidden.yml")
    with pytest.raises(NoSafePlan) as refused:
        make_plan(case.topology, case.start, case.end, case.book, catalogue())
    assert "may show another build for minutes" in refused.value.message


def test_a_search_that_ended_by_its_limits_is_not_called_a_proof(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    case = load_case(FOLDER / "142-more-stops-than-are-looked-at.yml")
    asked = (case.topology, case.start, case.end, case.book, catalogue())
    with pytest.raises(NoPlanFound):
        make_plan(*asked)
    monkeypatch.setattr("orchestrator.planner.detours.MOST_WAYS", 100)
    plan = make_plan(*asked)
    assert check(case.topology, plan, case.book).safe


def test_a_search_that_takes_too_long_is_not_called_a_proof(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    case = load_case(FOLDER / "99-opposite-rules-without-a-stop.yml")
    with pytest.raises(NoSafePlan) as whole:
        make_plan(case.topology, case.start, case.end, case.book, catalogue())
    assert type(whole.value) is NoSafePlan
    case = load_case(FOLDER / "142-more-stops-than-are-looked-at.yml")
    monkeypatch.setattr("orchestrator.planner.detours.EFFORT", 0)
    with pytest.raises(NoPlanFound, match="more ways than were tried"):
        make_plan(case.topology, case.start, case.end, case.book, catalogue())


def test_pools_left_out_of_the_search_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """c could stop, too, and lies on no contradiction."""
    case = load_case(FOLDER / "142-more-stops-than-are-looked-at.yml")
    pools = {
        PoolId(site, "2010"): dataclasses.replace(
            case.topology.pools[PoolId("a", "2010")],
            id=PoolId(site, "2010"),
            servers=(f"{site}-2010-1",),
        )
        for site in "abc"
    }
    servers = {f"{s}-2010-1": Server(f"{s}-2010-1", PoolId(s, "2010"), 30) for s in "abc"}
    sites = {site: Site(site) for site in "abc"}
    topology = dataclasses.replace(case.topology, pools=pools, servers=servers, sites=sites)
    builds = dict.fromkeys(servers, case.start.builds["a-2010-1"])
    ends = dict.fromkeys(servers, case.end.builds["a-2010-1"])
    asked = (topology, State(builds, {}), State(ends, {}), case.book, catalogue())
    with pytest.raises(NoPlanFound) as refused:
        make_plan(*asked)
    assert "contradict" not in refused.value.message
    monkeypatch.setattr("orchestrator.planner.answer.FEW_KINDS", 2)
    with pytest.raises(NoPlanFound, match="own demands do not contradict"):
        make_plan(*asked)


def test_a_way_back_ends_on_the_service_pack() -> None:
    case = load_case(FOLDER / "89-service-pack-chain.yml")
    plan = make_plan(case.topology, case.start, case.end, case.book, catalogue())
    back = within_reach(plan.start, plan.steps, plan.start, plan.end)
    assert {*back.builds.values()} == {catalogue().read("2010 SP2")}
    assert within_reach(plan.start, plan.steps, plan.start, plan.start) == plan.start
    half = plan.start
    for step in plan.steps:
        half = step.apply(half)
        if step.kind.changes_build:
            break
    (name,) = step.servers
    reached = within_reach(plan.start, plan.steps, plan.start, half)
    assert reached == plan.start.with_builds({name: catalogue().read("2010 SP2")})


def test_rollups_that_lie_beneath_come_to_light_one_after_the_other() -> None:
    case = load_case(FOLDER / "98-opposite-rules-with-a-stop.yml")
    read = catalogue().read
    names = ("2010 SP2", "2010 SP2 RU1", "2010 SP2 RU2", "2010 SP2 RU3")
    base, ru1, ru2, ru3 = map(read, names)
    servers = dict.fromkeys(case.start.builds, ru3)
    back = case.start.with_builds(dict.fromkeys(servers, base))
    now = case.start.with_builds(servers)

    def ways(*beneath: Build) -> set[tuple[object, ...]]:
        under = dict.fromkeys(servers, beneath)
        found = shortest_ways(case.topology, now, back, catalogue(), under)
        return {(way.builds, way.passing) for way in found.values()}

    assert ways() == {((ru3, base), ())}
    assert ways(ru1, base) == {((ru3, base), ((ru1,),))}
    assert ways(ru1, ru2) == {((ru3, ru2, ru1, base), ((base,), (base,), ()))}
