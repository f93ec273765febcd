"""Planner and checker against a search over every state of small random organisations.

The search knows neither planner nor checker: it walks single actions (one server changes, one
label is redirected or restored) and remembers which pairs have worked, because none may stop.
"""

from __future__ import annotations

import heapq
import itertools
from dataclasses import dataclass

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.checker import check
from orchestrator.errors import NoSafePlan
from orchestrator.model.build import Build
from orchestrator.model.plan import StepKind
from orchestrator.model.state import State
from orchestrator.model.topology import (
    Label,
    Package,
    Pool,
    PoolId,
    Protocol,
    ProxyPath,
    Server,
    Site,
    Topology,
)
from orchestrator.planner import make_plan
from orchestrator.rules.engine import RuleBook
from orchestrator.rules.rule import BuildRange, Confidence, Policy, Rule, Verdict
from orchestrator.shipped import catalogue

BUILDS = [Build(14, 2, 247, 5), Build(14, 2, 283, 3), Build(14, 2, 298, 4)]
PROTOCOLS = [Protocol.OWA, Protocol.EWS]
URL = "https://mail.example/owa"


@dataclass(frozen=True)
class Case:
    topology: Topology
    start: State
    end: State
    book: RuleBook


def _rule(protocol: Protocol, source: Build, target: Build, verdict: Verdict) -> Rule:
    def only(build: Build) -> BuildRange:
        return BuildRange(build, build._replace(revision=build.revision + 1))

    return Rule(
        id=f"{protocol}-{source}-{target}",
        title="drawn by the test",
        protocols=frozenset({protocol}),
        source=only(source),
        target=only(target),
        verdict=verdict,
        confidence=Confidence.INFER,
        references=("test",),
    )


@st.composite
def cases(draw: st.DrawFn) -> Case:
    verdicts = st.sampled_from(
        [Verdict.OK, Verdict.OK, Verdict.OK, Verdict.ADVISORY, Verdict.BROKEN, Verdict.UNKNOWN]
    )
    rules = tuple(
        # The goal suits itself, as goals do; otherwise most cases end at the goal's own faults.
        _rule(
            protocol,
            source,
            target,
            Verdict.OK if source == target == BUILDS[2] else draw(verdicts),
        )
        for protocol, source, target in itertools.product(PROTOCOLS, BUILDS, BUILDS)
    )
    accepted = {r.id: "test" for r in rules if r.verdict is Verdict.UNKNOWN and draw(st.booleans())}
    sizes = draw(st.lists(st.integers(1, 2), min_size=2, max_size=3))
    servers: dict[str, Server] = {}
    pools: dict[PoolId, Pool] = {}
    start: dict[str, Build] = {}
    end: dict[str, Build] = {}
    urls: dict[tuple[str, Protocol], str] = {}
    for number, size in enumerate(sizes):
        pool = PoolId(f"site{number}", "2010")
        names = tuple(f"cas-{number}-{n}" for n in range(size))
        for name in names:
            servers[name] = Server(name, pool, 10)
            start[name] = draw(st.sampled_from(BUILDS))
            end[name] = draw(st.sampled_from([BUILDS[2]] * 6 + [start[name], *BUILDS]))
        redirected = draw(st.integers(0, 5)) == 0
        if redirected:
            urls |= {(name, Protocol.OWA): "https://old.example/owa" for name in names}
        pools[pool] = Pool(
            pool,
            names,
            minimum_in_service=0,
            redirect_url=URL if not redirected and draw(st.integers(0, 3)) else "",
            outage_consent=True,
        )
    ends = [(a, b, p) for a, b in itertools.permutations(pools, 2) for p in PROTOCOLS]
    chosen = draw(st.lists(st.sampled_from(ends), min_size=1, max_size=5, unique=True))
    paths = tuple(sorted(ProxyPath(a, b, p, draw(st.integers(0, 5))) for a, b, p in chosen))
    packages = {build: Package(build, "p", "0" * 64, "{P}") for build in BUILDS}
    sites = {pool.site: Site(pool.site) for pool in pools}
    topology = Topology("random", sites, servers, pools, paths, packages)
    before = State(start, urls)
    return Case(topology, before, before.with_builds(end), RuleBook(rules, Policy(accepted)))


def blocked_pairs(case: Case, state: State) -> frozenset[tuple[str, str, Protocol]]:
    """Every (source server, target server, protocol) that does not work, by the rules."""
    found = set()
    for path in case.topology.paths:
        target = case.topology.pools[path.target]
        redirected = path.protocol is Protocol.OWA and all(
            (name, path.protocol) in state.external_urls for name in target.servers
        )
        if redirected:
            continue
        for s, t in itertools.product(case.topology.pools[path.source].servers, target.servers):
            if case.book.judge(path.protocol, state.builds[s], state.builds[t]).blocks:
                found.add((s, t, path.protocol))
    return frozenset(found)


def cheapest(case: Case) -> int | None:
    """Fewest users redirected over all safe ways from start to end; None if there is none."""
    changing = [n for n in case.start.builds if case.start.builds[n] != case.end.builds[n]]
    labels = [
        Label(pool.id, Protocol.OWA) for pool in case.topology.pools.values() if pool.redirect_url
    ]
    every = frozenset(
        (s, t, path.protocol)
        for path in case.topology.paths
        for s in case.topology.pools[path.source].servers
        for t in case.topology.pools[path.target].servers
    )

    def state_of(done: frozenset[str], turned: tuple[int, ...]) -> State:
        state = case.start.with_builds({n: case.end.builds[n] for n in done})
        for label, phase in zip(labels, turned, strict=True):
            if phase == 1:
                names = case.topology.pools[label.pool].servers
                state = state.with_urls({(n, label.protocol): URL for n in names})
        return state

    first = (frozenset[str](), (0,) * len(labels))
    queue = [(0, 0, first, every - blocked_pairs(case, case.start))]
    seen: set[object] = set()
    tie = itertools.count(1)
    while queue:
        cost, _, (done, turned), worked = heapq.heappop(queue)
        if (done, turned, worked) in seen:
            continue
        seen.add((done, turned, worked))
        if len(done) == len(changing) and 1 not in turned:
            return cost
        options: list[tuple[int, frozenset[str], tuple[int, ...]]] = [
            (cost, done | {name}, turned) for name in changing if name not in done
        ]
        for at, phase in enumerate(turned):
            if phase < 2:
                then = (*turned[:at], phase + 1, *turned[at + 1 :])
                extra = case.topology.users_of(labels[at]) if phase == 0 else 0
                options.append((cost + extra, done, then))
        for price, now, phases in options:
            bad = blocked_pairs(case, state_of(now, phases))
            if not bad & worked:
                heapq.heappush(queue, (price, next(tie), (now, phases), worked | (every - bad)))
    return None


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cases())
def test_plan_exists_exactly_when_the_search_finds_a_way_and_costs_the_same(case: Case) -> None:
    best = cheapest(case)
    try:
        plan = make_plan(case.topology, case.start, case.end, case.book, catalogue())
    except NoSafePlan:
        assert best is None
        return
    assert check(case.topology, plan, case.book).violations == ()
    redirected = sum(
        case.topology.users_of(Label(step.pool, Protocol.OWA))
        for step in plan.steps
        if step.kind is StepKind.ENABLE_REDIRECTION
    )
    assert redirected == best


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cases(), st.randoms(use_true_random=False))
def test_any_order_that_respects_after_breaks_nothing(case: Case, random) -> None:  # type: ignore[no-untyped-def]
    try:
        plan = make_plan(case.topology, case.start, case.end, case.book, catalogue())
    except NoSafePlan:
        return
    state, worked = case.start, None
    left, done = list(plan.steps), set()
    while True:
        bad = blocked_pairs(case, state)
        every = {
            (s, t, path.protocol)
            for path in case.topology.paths
            for s in case.topology.pools[path.source].servers
            for t in case.topology.pools[path.target].servers
        }
        worked = (worked or set()) | (every - bad)
        assert not bad & worked, f"after {sorted(done)}"
        ready = [step for step in left if done >= {*step.after}]
        if not ready:
            break
        step = random.choice(ready)
        left.remove(step)
        done.add(step.id)
        state = step.apply(state)
    assert not left
    assert state == case.end
