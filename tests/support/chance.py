"""Small random organisations, and the cheapest safe way through each by looking at every state.

Neither knows planner or checker. Drawn by `random.Random`, or by Hypothesis in its place.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, replace

from orchestrator.model.build import Build, BuildRange
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
from orchestrator.rules.rule import Confidence, Policy, Remedy, Rule, Verdict
from orchestrator.shipped import catalogue

BUILDS = [Build(14, 2, 247, 5), Build(14, 2, 283, 3), Build(14, 2, 298, 4)]
GOAL = BUILDS[2]
PROTOCOLS = [Protocol.OWA, Protocol.EWS]
URL = "https://mail.example/owa"


@dataclass(frozen=True)
class Case:
    """A question for the planner."""

    topology: Topology
    start: State
    end: State
    book: RuleBook


def organization(rng: random.Random) -> Case:
    """Two to four pools; rules for every pair of builds; servers upgraded already, or not at all.

    Most organisations have rules that forbid most mixed pairs for OWA, so that orders
    close into cycles and something has to be redirected; the others have any rules at all.
    """
    tight = rng.random() < 0.7
    rules = tuple(
        _rule(protocol, source, target, _verdict(rng, protocol, source, target, tight=tight))
        for protocol, source, target in itertools.product(PROTOCOLS, BUILDS, BUILDS)
    )
    accepted = {
        rule.id: "test"
        for rule in rules
        if rule.verdict is Verdict.UNKNOWN and rng.choice([True, False])
    }
    servers: dict[str, Server] = {}
    pools: dict[PoolId, Pool] = {}
    start: dict[str, Build] = {}
    end: dict[str, Build] = {}
    urls: dict[tuple[str, Protocol], str] = {}
    count = rng.randint(2, 4)
    for number in range(count):
        pool = PoolId(f"site{number}", "2010")
        names = tuple(f"cas-{number}-{n}" for n in range(rng.randint(1, 2 if count < 4 else 1)))
        begin = rng.choice(BUILDS[:2])
        for name in names:
            servers[name] = Server(name, pool, 10)
            start[name] = begin if tight and rng.random() < 0.9 else rng.choice(BUILDS)
            end[name] = GOAL if rng.random() < 0.93 else rng.choice([start[name], *BUILDS])
        redirected = rng.random() < 0.1
        if redirected:
            urls |= {(name, Protocol.OWA): "https://old.example/owa" for name in names}
        pools[pool] = Pool(
            pool,
            names,
            minimum_in_service=0,
            redirect_url=URL if not redirected and rng.random() < 0.8 else "",
            outage_consent=True,
        )
    paths = []
    for source, target in itertools.permutations(pools, 2):
        for protocol in PROTOCOLS:
            if rng.random() < (0.7 if protocol is Protocol.OWA else 0.15):
                paths.append(ProxyPath(source, target, protocol, rng.randint(0, 5)))
    topology = Topology(
        "random",
        {pool.site: Site(pool.site) for pool in pools},
        servers,
        pools,
        tuple(sorted(paths)),
        {build: Package(build, "p", "0" * 64, "{P}" * (build != BUILDS[0])) for build in BUILDS},
    )
    before = State(start, urls)
    if rng.random() < 0.3:
        rules = tuple(_mended(rng, rule) for rule in rules)
    return Case(topology, before, before.with_builds(end), RuleBook(rules, Policy(accepted)))


def _mended(rng: random.Random, rule: Rule) -> Rule:
    """Some rules let a version folder mend what they find broken."""
    bad = rule.verdict in {Verdict.BROKEN, Verdict.UNKNOWN}
    remedy = Remedy.VERSION_FOLDER if bad and rng.random() < 0.4 else None
    return replace(rule, remedy=remedy)


def every_folder(case: Case) -> frozenset[tuple[str, Build]]:
    """Any server has the folder of any build: to copy one costs nothing and takes nothing away."""
    seen = {*case.start.builds.values(), *case.end.builds.values()}
    seen |= {build for name in case.start.builds for build, _ in points(case, name)}
    return frozenset(itertools.product(case.start.builds, seen))


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
            folder = (s, state.builds[t]) in state.version_folders
            builds = state.builds[s], state.builds[t]
            if case.book.judge(path.protocol, *builds, folder=folder).blocks:
                found.add((s, t, path.protocol))
    return frozenset(found)


def points(case: Case, name: str) -> list[tuple[Build, bool]]:
    """Builds a server goes through, and whether it may stay there.

    A removal may leave the service pack alone for minutes, before the rollup to go back to is
    there again.
    """
    start, end = case.start.builds[name], case.end.builds[name]
    way = [(start, True)]
    base = catalogue().base(start)
    if end < start and base < end:
        way.append((base, False))
    return [*way, (end, True)] if start != end else way


def cheapest(case: Case, price: Callable[[Label], int] | None = None) -> int | None:
    """Least sum of prices redirected over all safe ways from start to end; None if there is none.

    The price of a label is its users if nothing else is said.

    Walks single actions (one server changes, one label is redirected or restored) and remembers
    which pairs have worked, because none may stop. Pairs and labels are bits. What a version folder
    mends works from the start, since it is copied before all else.
    """
    start = case.start.with_folders(every_folder(case))
    ways = {name: points(case, name) for name in case.start.builds}
    changing = [name for name, way in ways.items() if len(way) > 1]
    labels = [
        Label(pool.id, Protocol.OWA) for pool in case.topology.pools.values() if pool.redirect_url
    ]
    prices = [(price or case.topology.users_of)(label) for label in labels]
    pairs = [
        (path, s, t)
        for path in case.topology.paths
        for s in case.topology.pools[path.source].servers
        for t in case.topology.pools[path.target].servers
    ]
    every = (1 << len(pairs)) - 1
    under = [
        sum(1 << at for at, (path, _, _) in enumerate(pairs) if path.label == label)
        for label in labels
    ]
    blocked: dict[tuple[int, ...], int] = {}

    def broken(places: tuple[int, ...], turned: tuple[int, ...]) -> int:
        if places not in blocked:
            names = {n: ways[n][k][0] for n, k in zip(changing, places, strict=True)}
            bad = blocked_pairs(case, start.with_builds(names))
            blocked[places] = sum(
                1 << k for k, (p, s, t) in enumerate(pairs) if (s, t, p.protocol) in bad
            )
        mask = blocked[places]
        for phase, hidden in zip(turned, under, strict=True):
            if phase == 1:
                mask &= ~hidden
        return mask

    last = tuple(len(ways[name]) - 1 for name in changing)
    first = (tuple(0 for _ in changing), (0,) * len(labels))
    queue = [(0, 0, first, every & ~broken(*first))]
    seen: set[object] = set()
    tie = itertools.count(1)
    while queue:
        cost, _, (places, turned), worked = heapq.heappop(queue)
        if (places, turned, worked) in seen:
            continue
        seen.add((places, turned, worked))
        if places == last and 1 not in turned:
            return cost
        # What is seen on the way of an action, one after the other; its end is the last.
        options: list[tuple[int, list[tuple[int, ...]], tuple[int, ...]]] = []
        for at, place in enumerate(places):
            way = []
            for then in range(place + 1, last[at] + 1):
                way.append((*places[:at], then, *places[at + 1 :]))
                if ways[changing[at]][then][1]:
                    options.append((cost, way, turned))
                    break
        for at, phase in enumerate(turned):
            if phase < 2:
                phases = (*turned[:at], phase + 1, *turned[at + 1 :])
                options.append((cost + (prices[at] if phase == 0 else 0), [places], phases))
        for price, way, phases in options:
            if any(broken(now, phases) & worked for now in way):
                continue
            state = (way[-1], phases)
            worked_then = worked | (every & ~broken(*state))
            heapq.heappush(queue, (price, next(tie), state, worked_then))
    return None


def _verdict(
    rng: random.Random, protocol: Protocol, source: Build, target: Build, *, tight: bool
) -> Verdict:
    # The goal suits itself, as goals do; otherwise most cases end at the goal's own faults.
    if source == target == GOAL:
        return Verdict.OK
    if tight and source != target and protocol is Protocol.OWA:
        return rng.choice([Verdict.OK, Verdict.BROKEN, Verdict.BROKEN])
    if tight:
        return Verdict.OK
    return rng.choice(
        [Verdict.OK, Verdict.OK, Verdict.OK, Verdict.ADVISORY, Verdict.BROKEN, Verdict.UNKNOWN]
    )


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
