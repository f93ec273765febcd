"""Random organisations whose servers may go by stops, and a search over all of their ways.

Like `support.chance` it knows neither planner nor checker. Builds are of two service packs, so
some servers must make a stop; packages of builds in between are there or not, so others may.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator.model.build import Build, BuildRange
from orchestrator.model.plan import Plan, StepKind
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
from orchestrator.rules.engine import RuleBook
from orchestrator.rules.rule import Confidence, Policy, Rule, Verdict
from support.chance import PROTOCOLS, URL, Case, blocked_pairs

OLD = Build(14, 1, 218, 15)
BASE = Build(14, 2, 247, 5)
ROLLUPS = [Build(14, 2, 283, 3), Build(14, 2, 298, 4), Build(14, 2, 309, 2)]
EVERY = [OLD, BASE, *ROLLUPS]
POLICY = Policy(switch_user_hours=1_000_000)
"""A switch counts more than any hours, since the search knows no time."""


def organization(rng: random.Random) -> Case:
    """Two or three pools of one server, seldom two; rules by ranges or for pairs."""
    goal = rng.choice(ROLLUPS)
    known = [BASE, *(b for b in ROLLUPS if b == goal or rng.random() < 0.75)]
    rules = rng.choice([_ranges, _pairs, _opposite])(rng, goal)
    servers: dict[str, Server] = {}
    pools: dict[PoolId, Pool] = {}
    start: dict[str, Build] = {}
    end: dict[str, Build] = {}
    for number in range(rng.randint(2, 3)):
        pool = PoolId(f"site{number}", "2010")
        names = tuple(f"cas-{number}-{n}" for n in range(2 if rng.random() < 0.15 else 1))
        for name in names:
            servers[name] = Server(name, pool, 10)
            start[name] = rng.choice([OLD, OLD, BASE, BASE, *known])
            end[name] = goal if rng.random() < 0.93 else start[name]
        capable = URL if rng.random() < 0.25 else ""
        pools[pool] = Pool(pool, names, 0, capable, outage_consent=True)
    paths = [
        ProxyPath(source, target, protocol, rng.randint(0, 5))
        for source, target in itertools.permutations(pools, 2)
        for protocol in PROTOCOLS
        if rng.random() < (0.85 if protocol is Protocol.OWA else 0.15)
    ]
    topology = Topology(
        "random",
        {pool.site: Site(pool.site) for pool in pools},
        servers,
        pools,
        tuple(sorted(paths)),
        {build: Package(build, "p", "0" * 64, "{P}" * (build != BASE)) for build in known},
    )
    before = State(start, {})
    return Case(topology, before, before.with_builds(end), RuleBook(rules, POLICY))


def hops(case: Case, build: Build, goal: Build) -> list[Build]:
    """Where one action can bring a server, on its way to a goal; newest first."""
    known = sorted({*case.topology.packages, goal, BASE}, reverse=True)
    if goal < build:
        return [b for b in known if goal <= b < build]
    found = [b for b in known if build < b <= goal and b in case.topology.packages]
    return [b for b in found if b == BASE or build[:2] == b[:2]]


def shortest(case: Case, build: Build, goal: Build) -> list[Build]:
    """The builds after the first, as few as there can be; a service pack first if need be."""
    if build == goal:
        return []
    if goal in hops(case, build, goal) or goal < build:
        return [goal]
    return [BASE, goal]


@dataclass(frozen=True, order=True)
class Price:
    """Stops nobody asked for, then labels redirected."""

    stops: int
    labels: int


def cheapest(case: Case, *, detours: bool) -> Price | None:
    """The cheapest safe way from start to end, by the shortest ways or with stops beside them."""
    names = sorted(case.start.builds)
    goals = [case.end.builds[name] for name in names]
    fixed = {n: shortest(case, case.start.builds[n], case.end.builds[n]) for n in names}
    least = sum(map(len, fixed.values()))
    labels = [
        Label(pool.id, Protocol.OWA) for pool in case.topology.pools.values() if pool.redirect_url
    ]
    pairs = [
        (path, s, t)
        for path in case.topology.paths
        for s in case.topology.pools[path.source].servers
        for t in case.topology.pools[path.target].servers
    ]

    def broken(builds: tuple[Build, ...], turned: tuple[int, ...]) -> frozenset[int]:
        state = case.start.with_builds(dict(zip(names, builds, strict=True)))
        bad = blocked_pairs(case, state)
        hidden = {label for label, phase in zip(labels, turned, strict=True) if phase == 1}
        return frozenset(
            k for k, (p, s, t) in enumerate(pairs)
            if (s, t, p.protocol) in bad and p.label not in hidden
        )  # fmt: skip

    every = frozenset(range(len(pairs)))
    first = (tuple(case.start.builds[name] for name in names), (0,) * len(labels))
    tie = itertools.count()
    queue = [(0, 0, next(tie), first, every - broken(*first))]
    seen: set[object] = set()
    while queue:
        steps, spent, _, (builds, turned), worked = heapq.heappop(queue)
        if (builds, turned, worked) in seen:
            continue
        seen.add((builds, turned, worked))
        if list(builds) == goals and 1 not in turned:
            return Price(steps - least, spent)
        moves: list[tuple[int, int, list[tuple[Build, ...]], tuple[int, ...]]] = []
        for at, (name, build) in enumerate(zip(names, builds, strict=True)):
            if build == goals[at]:
                continue
            nexts = hops(case, build, goals[at]) if detours else _next(fixed[name], build)
            for then in nexts:
                shown = [BASE] if BASE < then < build else []
                way = [(*builds[:at], b, *builds[at + 1 :]) for b in (*shown, then)]
                moves.append((steps + 1, spent, way, turned))
        for at, phase in enumerate(turned):
            if phase < 2:
                price = 1 if phase == 0 else 0
                phases = (*turned[:at], phase + 1, *turned[at + 1 :])
                moves.append((steps, spent + price, [builds], phases))
        for now_steps, now_spent, way, phases in moves:
            if any(broken(now, phases) & worked for now in way):
                continue
            then_worked = worked | (every - broken(way[-1], phases))
            state = (way[-1], phases)
            heapq.heappush(queue, (now_steps, now_spent, next(tie), state, then_worked))
    return None


def price_of(case: Case, plan: Plan) -> Price:
    """What a plan costs, counted as the search does."""
    made = sum(len(step.servers) for step in plan.steps if step.kind.changes_build)
    ends = case.end.builds
    least = sum(len(shortest(case, b, ends[n])) for n, b in case.start.builds.items())
    turned = sum(step.kind is StepKind.ENABLE_REDIRECTION for step in plan.steps)
    return Price(made - least, turned)


def _next(way: list[Build], build: Build) -> list[Build]:
    return [way[way.index(build) + 1]] if build in way else way[:1]


def _ranges(rng: random.Random, goal: Build) -> tuple[Rule, ...]:
    """Up to four rules that forbid a range of sources in front of a range of targets."""
    marks = [*EVERY, Build(14, 9, 0, 0)]
    rules = [_rule("well", BuildRange(), BuildRange(), Verdict.OK)]
    for number in range(rng.randint(1, 4)):
        source, target = (BuildRange(*sorted(rng.sample(marks, 2))) for _ in range(2))
        if not (goal in source and goal in target):
            rules.append(_rule(f"range-{number}", source, target, Verdict.BROKEN))
    return tuple(rules)


def _opposite(rng: random.Random, goal: Build) -> tuple[Rule, ...]:
    """One rule for newer sources and one for older ones, at random marks; some range beside."""
    upper = BuildRange(goal)
    rules = [_rule("well", BuildRange(), BuildRange(), Verdict.OK)]
    for name, low in (("newer", rng.choice(EVERY[1:])), ("older", rng.choice(EVERY[1:]))):
        lower = BuildRange(None, min(low, goal))
        source, target = (upper, lower) if name == "newer" else (lower, upper)
        rules.append(_rule(name, source, target, Verdict.BROKEN))
    bad = rng.choice(EVERY)
    if bad != goal and rng.random() < 0.5:
        rules.append(_rule("range", _only(bad), BuildRange(rng.choice(EVERY)), Verdict.BROKEN))
    return tuple(rules)


def _pairs(rng: random.Random, goal: Build) -> tuple[Rule, ...]:
    chance = rng.choice([0.3, 0.45, 0.6])
    verdicts: Mapping[tuple[Build, Build], Verdict] = {
        (s, t): Verdict.BROKEN if s != t and rng.random() < chance else Verdict.OK
        for s, t in itertools.product(EVERY, EVERY)
    }
    rules = [_rule(f"{s}-{t}", _only(s), _only(t), v) for (s, t), v in verdicts.items()]
    return (*rules, _rule("well", BuildRange(), BuildRange(), Verdict.OK))


def _only(build: Build) -> BuildRange:
    return BuildRange(build, build._replace(revision=build.revision + 1))


def _rule(name: str, source: BuildRange, target: BuildRange, verdict: Verdict) -> Rule:
    protocols = frozenset(PROTOCOLS if verdict is Verdict.OK else PROTOCOLS[:1])
    return Rule(name, "drawn", protocols, source, target, verdict, Confidence.INFER, ("test",))
