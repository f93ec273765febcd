"""Organisations for the benchmarks: families of proxy graphs, drawn from a seed.

Written before the solver they measure. A family is a function from a size and a random source to
directed paths (source, target); sizes, densities and probabilities are fixed here, seeds are 1-5.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from orchestrator.model.build import Build, BuildRange
from orchestrator.model.schedule import Calendar, SiteCalendar, TimePolicy, Timing
from orchestrator.model.state import State
from orchestrator.model.topology import (
    Package,
    Pool,
    PoolId,
    Protocol,
    ProxyPath,
    Server,
    Site,
    Topology,
)
from orchestrator.model.window import Window
from orchestrator.rules.engine import RuleBook
from orchestrator.rules.rule import Confidence, Rule, Verdict
from orchestrator.shipped import rule_pack

SEEDS = (1, 2, 3, 4, 5)
OLD = Build(14, 2, 247, 5)
NEW = Build(14, 2, 283, 3)
LINE = "2010"
PATCH_CODE = "{00000000-0000-0000-0000-000000000000}"

Arcs = list[tuple[int, int]]


@dataclass(frozen=True)
class Farm:
    """A question for the planner."""

    name: str
    topology: Topology
    start: State
    end: State
    book: RuleBook


def hub_mesh(size: int, rng: random.Random) -> Arcs:
    """One site in a hundred is a hub, hubs proxy to one another; a leaf hangs on one hub.

    The hub proxies to the leaf; half of the leaves proxy to their hub as well.
    """
    hubs = max(3, size // 100)
    arcs = [(a, b) for a in range(hubs) for b in range(hubs) if a != b]
    for leaf in range(hubs, size):
        hub = rng.randrange(hubs)
        arcs.append((hub, leaf))
        if rng.random() < 0.5:
            arcs.append((leaf, hub))
    return arcs


def two_hub(size: int, rng: random.Random) -> Arcs:
    """Two hubs that proxy to each other; a leaf has a main hub and perhaps the second one."""
    arcs = [(0, 1), (1, 0)]
    for leaf in range(2, size):
        main = rng.randrange(2)
        arcs.append((main, leaf))
        if rng.random() < 0.5:
            arcs.append((1 - main, leaf))
        if rng.random() < 0.5:
            arcs.append((leaf, main))
    return arcs


def tree(size: int, rng: random.Random) -> Arcs:
    """A random recursive tree: parents proxy to children, six children in ten back."""
    arcs = []
    for child in range(1, size):
        parent = rng.randrange(child)
        arcs.append((parent, child))
        if rng.random() < 0.6:
            arcs.append((child, parent))
    return arcs


def ring(size: int, rng: random.Random) -> Arcs:
    """Every site proxies to the next."""
    del rng
    return [(at, (at + 1) % size) for at in range(size)]


def bi_ring(size: int, rng: random.Random) -> Arcs:
    """Every site proxies to both neighbours."""
    del rng
    return [arc for at in range(size) for arc in ((at, (at + 1) % size), ((at + 1) % size, at))]


def scale_free(size: int, rng: random.Random) -> Arcs:
    """Preferential attachment, 1.3 links per site; six links in ten are used both ways."""
    arcs = [(0, 1), (1, 0)]
    ends = [0, 1]
    for site in range(2, size):
        links = 2 if rng.random() < 0.3 else 1
        for hub in sorted({rng.choice(ends) for _ in range(links)}):
            arcs.append((hub, site))
            if rng.random() < 0.6:
                arcs.append((site, hub))
            ends += [hub, site]
    return arcs


FAMILIES: dict[str, Callable[[int, random.Random], Arcs]] = {
    "hub-mesh": hub_mesh,
    "two-hub": two_hub,
    "tree": tree,
    "ring": ring,
    "bi-ring": bi_ring,
    "scale-free": scale_free,
}


def family(name: str, size: int, seed: int) -> Farm:
    """OWA only, the shipped rules, every site capable, all from before RU1 to RU1.

    Parameters
    ----------
    name : str
        A key of `FAMILIES`.
    size : int
        Sites, each with one server.
    seed : int
    """
    rng = random.Random(f"{name} {size} {seed}")
    arcs = FAMILIES[name](size, rng)
    paths = [(a, b, Protocol.OWA, rng.randint(1, 500)) for a, b in arcs]
    return _farm(f"{name}-{size}-{seed}", [1] * size, paths, {}, RuleBook(rule_pack()))


def growing(servers: int, *, probed: bool, seed: int = 1) -> Farm:
    """Two hubs, 20 servers a site, half of them in service at any time: three steps a site.

    Parameters
    ----------
    servers : int
        A multiple of 20.
    probed : bool
        Whether every pool has a test mailbox, so that every path is probed through every source.
    """
    size = servers // 20
    rng = random.Random(f"growing {size} {seed}")
    paths = [(a, b, Protocol.OWA, rng.randint(1, 500)) for a, b in two_hub(size, rng)]
    counts = [20] * size
    book = RuleBook(rule_pack())
    return _farm(f"growing-{servers}", counts, paths, {}, book, minimum=10, probed=probed)


SMALL = range(1, 21)
"""Seeds of the small farms: 3 to 10 sites."""

_CALENDARS = (
    ((0, 20), 12, 7),  # Monday 20:00, twelve hours, every week
    ((5, 22), 10, 7),
    ((2, 21), 9, 14),
)


def small(seed: int) -> tuple[Farm, Timing]:
    """3 to 10 sites of one to three servers, each with one of three calendars, 26 weeks long.

    A switch replicates in an hour, so that it fits into any night with its way back.
    """
    size = 3 + seed % 8
    rng = random.Random(f"small {seed}")
    name = sorted(FAMILIES)[seed % len(FAMILIES)]
    arcs = [(a, b) for a, b in FAMILIES[name](size, rng) if a < size and b < size and a != b]
    paths = [(a, b, Protocol.OWA, rng.randint(1, 500)) for a, b in sorted(set(arcs))]
    counts = [rng.randint(1, 3) for _ in range(size)]
    farm = _farm(f"small-{seed}", counts, paths, {}, RuleBook(rule_pack()), minimum=0)
    servers = {
        name: dataclasses.replace(server, minutes=rng.choice([20, 30, 45, 60]))
        for name, server in farm.topology.servers.items()
    }
    topology = dataclasses.replace(farm.topology, servers=servers, replication_minutes=60)
    groups: dict[int, list[str]] = {}
    for site in sorted(topology.sites):
        groups.setdefault(rng.randrange(len(_CALENDARS)), []).append(site)
    calendar = Calendar(
        "UTC",
        tuple(
            SiteCalendar(tuple(sites), "UTC", _nights(*_CALENDARS[which]))
            for which, sites in sorted(groups.items())
        ),
    )
    return dataclasses.replace(farm, topology=topology), Timing(
        calendar, TimePolicy(3, None, 5, 60)
    )


def _nights(first: tuple[int, int], hours: int, days: int) -> tuple[Window, ...]:
    day, hour = first
    begin = datetime(2012, 4, 2, hour, tzinfo=UTC) + timedelta(days=day)
    return tuple(
        Window(start, start + timedelta(hours=hours))
        for n in range(26 * 7 // days)
        for start in [begin + timedelta(days=n * days)]
    )


LARGEST_SITES = 200
LARGEST_WINDOWS = """\
version: 1
zone: Europe/Paris
from: 2012-04-02
until: 2013-03-31
site_zones: {s00000: Europe/London, s00001: Europe/Helsinki}
windows:
  - {name: weekend, days: [sat], start: "20:00", duration: 10h}
  - {name: hubs, days: [sun], start: "20:00", duration: 8h, sites: [s00000, s00001]}
blackouts:
  - {name: end of year, first_day: 2012-12-15, last_day: 2013-01-06}
policy: {max_parallel: 10}
"""


def largest(seed: int = 1) -> Farm:
    """500 servers in 200 sites, two hubs, every pool probed: two or three servers a site.

    To be planned with `LARGEST_WINDOWS`.
    """
    rng = random.Random(f"largest {seed}")
    paths = [(a, b, Protocol.OWA, rng.randint(1, 500)) for a, b in two_hub(LARGEST_SITES, rng)]
    counts = [2 + site % 2 for site in range(LARGEST_SITES)]
    book = RuleBook(rule_pack())
    return _farm(f"largest-{seed}", counts, paths, {}, book, minimum=1, probed=True)


KINDS = 3


def mixed(size: int, seed: int) -> Farm:
    """Rules in both directions, two protocols, three kinds of sites; labels, not sites, decide.

    Every kind goes from a build of its own to another. For OWA each ordered pair of kinds is, by
    the seed, free, needs the target first, the source first, or suffers neither. EWS, which
    cannot be redirected, needs the target first on paths from smaller to larger numbers only, so
    that an order exists once enough of OWA is redirected.
    """
    rng = random.Random(f"mixed {size} {seed}")
    kinds = {site: rng.randrange(KINDS) for site in range(size)}
    owa = scale_free(size, rng)
    ews = [(a, b) for a, b in scale_free(size, rng) if a < b and rng.random() < 0.3]
    paths = [(a, b, Protocol.OWA, rng.randint(1, 500)) for a, b in owa]
    paths += [(a, b, Protocol.EWS, rng.randint(1, 500)) for a, b in ews]
    rules = [_rule("all-well", frozenset(Protocol), BuildRange(), BuildRange(), Verdict.OK)]
    for source in range(KINDS):
        for target in range(KINDS):
            drawn = rng.choices(["free", "target", "source", "both"], [3, 4, 4, 1])[0]
            if drawn in {"target", "both"}:
                rules.append(_broken(Protocol.OWA, new(source), old(target)))
            if drawn in {"source", "both"}:
                rules.append(_broken(Protocol.OWA, old(source), new(target)))
            if source <= target:
                rules.append(_broken(Protocol.EWS, new(source), old(target)))
    return _farm(f"mixed-{size}-{seed}", [1] * size, paths, kinds, RuleBook(tuple(rules)))


def old(kind: int) -> Build:
    """The build a kind of site starts from."""
    return Build(14, 2, 100 + kind, 0)


def new(kind: int) -> Build:
    """The build a kind of site goes to."""
    return Build(14, 2, 200 + kind, 0)


def _farm(
    name: str,
    servers_by_site: list[int],
    paths: list[tuple[int, int, Protocol, int]],
    kinds: dict[int, int],
    book: RuleBook,
    *,
    minimum: int = 0,
    probed: bool = False,
) -> Farm:
    ids = [PoolId(f"s{site:05}", LINE) for site in range(len(servers_by_site))]
    servers: dict[str, Server] = {}
    pools: dict[PoolId, Pool] = {}
    start: dict[str, Build] = {}
    end: dict[str, Build] = {}
    for site, pool in enumerate(ids):
        names = tuple(f"cas-{site:05}-{n:02}" for n in range(servers_by_site[site]))
        for server in names:
            servers[server] = Server(server, pool, 30, f"https://{server}.example/owa")
            start[server] = old(kinds[site]) if kinds else OLD
            end[server] = new(kinds[site]) if kinds else NEW
        pools[pool] = Pool(
            pool,
            names,
            minimum_in_service=minimum,
            redirect_url=f"https://{pool.site}.example/owa",
            outage_consent=True,
            test_mailbox=f"probe@{pool.site}.example" if probed else "",
            mailboxes=1000,
        )
    topology = Topology(
        organization=name,
        sites={pool.site: Site(pool.site) for pool in ids},
        servers=servers,
        pools=pools,
        paths=tuple(sorted(ProxyPath(ids[a], ids[b], p, users) for a, b, p, users in paths)),
        packages={
            # a service pack has no patch code: nothing removes it
            build: Package(build, rf"C:\{build}.msp", "0" * 64, "" if build == OLD else PATCH_CODE)
            for build in sorted({*start.values(), *end.values()})
        },
    )
    return Farm(name, topology, State(start, {}), State(end, {}), book)


def _broken(protocol: Protocol, source: Build, target: Build) -> Rule:
    return _rule(
        f"{protocol}-{source}-{target}",
        frozenset({protocol}),
        BuildRange(source, source._replace(revision=1)),
        BuildRange(target, target._replace(revision=1)),
        Verdict.BROKEN,
    )


def _rule(
    name: str,
    protocols: frozenset[Protocol],
    source: BuildRange,
    target: BuildRange,
    verdict: Verdict,
) -> Rule:
    return Rule(name, name, protocols, source, target, verdict, Confidence.INFER, ("drawn",))
