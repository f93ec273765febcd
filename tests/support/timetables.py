"""Farms with steps and windows, drawn at random: what the scheduler and its tests work on."""

from __future__ import annotations

import dataclasses
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from orchestrator.model.build import Build
from orchestrator.model.plan import Outcome, Plan, Probe, Step, StepKind
from orchestrator.model.schedule import Calendar, SiteCalendar, TimePolicy
from orchestrator.model.state import State
from orchestrator.model.topology import (
    Pool,
    PoolId,
    Protocol,
    ProxyPath,
    Server,
    Site,
    Topology,
)
from orchestrator.model.window import Window, without

OLD, NEW = Build(14, 2, 247, 5), Build(14, 2, 298, 4)
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
URL = "https://mail.example/owa"


@dataclass(frozen=True)
class Farm:
    """Everything `schedule` takes."""

    topology: Topology
    plan: Plan
    calendar: Calendar
    policy: TimePolicy


@dataclass(frozen=True)
class Draw:
    """What to draw from.

    Parameters
    ----------
    pools : int
    batches : tuple of int
        Fewest and most batches of a pool.
    minutes : tuple of int
        Of a step; the third number is the grid they lie on.
    classes : int
        Different calendars.
    hours : tuple of int
        Shortest and longest window.
    weeks : int
    parallel : int
    arcs : float
        Demands between pools, per pool.
    redirected : float
        Share of the pools that are redirected meanwhile.
    """

    pools: int
    batches: tuple[int, int] = (1, 4)
    minutes: tuple[int, int, int] = (20, 60, 5)
    classes: int = 3
    hours: tuple[int, int] = (3, 6)
    weeks: int = 60
    parallel: int = 5
    arcs: float = 0.5
    redirected: float = 0.0
    reserve: int | None = None
    blackouts: int = 0
    alone: bool = False


def farm(seed: int, draw: Draw) -> Farm:
    """A farm; the same for the same arguments."""
    chance = random.Random(seed)
    pools: dict[PoolId, Pool] = {}
    servers: dict[str, Server] = {}
    chains: list[list[Step]] = []
    for number in range(draw.pools):
        pool = PoolId(f"site{number:03}", "2010")
        chain = _chain(chance, draw, pool)
        names = tuple(name for step in chain for name in step.servers)
        pools[pool] = Pool(
            pool, names, minimum_in_service=len(names) - 1, redirect_url=URL, outage_consent=True
        )
        servers |= {name: Server(name, pool, 30) for name in names}
        chains.append(chain)
    steps = _ordered(chance, draw, chains)
    paths = tuple(
        ProxyPath(pool, other, Protocol.OWA, chance.randint(1, 500))
        for pool, other in zip(pools, list(pools)[1:], strict=False)
    )
    sites = {pool.site: Site(pool.site) for pool in pools}
    topology = Topology("drawn", sites, servers, pools, paths, replication_minutes=30)
    start = State(dict.fromkeys(servers, OLD), {})
    end = start
    for step in steps:
        end = step.apply(end)
    policy = TimePolicy(draw.parallel, draw.reserve, 5, 30)
    return Farm(topology, Plan(tuple(steps), start, end), _calendar(chance, draw, pools), policy)


def _chain(chance: random.Random, draw: Draw, pool: PoolId) -> list[Step]:
    low, high, grid = draw.minutes
    minutes = chance.randrange(low, high + 1, grid)
    chain: list[Step] = []
    for number in range(chance.randint(*draw.batches)):
        name = f"{pool.site}-{number}"
        probe = Probe((name,), pool, Protocol.OWA, (Outcome.PROXIED,))
        chain.append(
            Step(
                id=f"upgrade-{name}",
                kind=StepKind.UPGRADE,
                pool=pool,
                servers=(name,),
                protocols=(Protocol.OWA,),
                after=(chain[-1].id,) if chain else (),
                estimated_minutes=chance.randrange(low, high + 1, grid) if draw.alone else minutes,
                reason="drawn",
                from_build=OLD,
                to_build=NEW,
                probes=(probe,) if chance.random() < 0.8 else (),
            )
        )
    return chain


def _ordered(chance: random.Random, draw: Draw, chains: list[list[Step]]) -> list[Step]:
    """The chains with demands between them, redirections around some, and a last look."""
    after: dict[str, set[str]] = {s.id: set(s.after) for chain in chains for s in chain}
    for _ in range(int(draw.arcs * len(chains))):
        if len(chains) < 2:
            break
        one, other = sorted(chance.sample(range(len(chains)), 2))
        after[chains[other][0].id].add(chains[one][-1].id)
    rows: list[Step] = []
    for n, chain in enumerate(chains):
        if chance.random() >= draw.redirected:
            rows += chain
            continue
        inner = [s for c in chains[n : n + 1 + chance.randint(0, 2)] for s in c]
        names = tuple(s.servers[0] for s in chain)
        blank, full = dict.fromkeys(names, ""), dict.fromkeys(names, URL)
        common = {"pool": chain[0].pool, "servers": names, "protocols": (Protocol.OWA,)}
        opens = Step(
            f"enable-{n}", StepKind.ENABLE_REDIRECTION, after=(), estimated_minutes=35,
            reason="drawn", prior_urls=blank, new_urls=full, **common,
        )  # fmt: skip
        closes = Step(
            f"restore-{n}", StepKind.RESTORE_PROXYING, after=(), estimated_minutes=35,
            reason="drawn", prior_urls=full, new_urls=blank, **common,
        )  # fmt: skip
        after[opens.id] = set()
        after[closes.id] = {s.id for s in inner}
        for step in inner:
            after[step.id].add(opens.id)
        rows += [opens, *chain, closes]
    everything = [step.id for step in rows]
    rows.append(
        Step("verify-all-paths", StepKind.VERIFY, chains[0][0].pool, (), (Protocol.OWA,),
             tuple(sorted(everything)), 5, "drawn")
    )  # fmt: skip
    after["verify-all-paths"] = set(everything)
    done: list[Step] = []
    placed: set[str] = set()
    while rows:
        step = next(row for row in rows if after[row.id] <= placed)
        rows.remove(step)
        placed.add(step.id)
        done.append(_with_after(step, after[step.id]))
    return done


def _with_after(step: Step, after: set[str]) -> Step:
    return dataclasses.replace(step, after=tuple(sorted(after)))


def _calendar(chance: random.Random, draw: Draw, pools: dict[PoolId, Pool]) -> Calendar:
    groups: list[list[str]] = [[] for _ in range(draw.classes)]
    for pool in pools:
        chance.choice(groups).append(pool.site)
    calendars = []
    for sites in groups:
        day, hour = chance.randrange(7), chance.randrange(24)
        length = chance.randint(*draw.hours)
        starts = [MONDAY + timedelta(weeks=w, days=day, hours=hour) for w in range(draw.weeks)]
        windows = [Window(s, s + timedelta(hours=length)) for s in starts]
        dark = []
        for _ in range(draw.blackouts):
            start = MONDAY + timedelta(days=chance.randrange(7 * draw.weeks))
            dark.append(Window(start, start + timedelta(hours=chance.randint(1, 48))))
        if sites:
            calendars.append(SiteCalendar(tuple(sorted(sites)), "UTC", without(windows, dark)))
    return Calendar("UTC", tuple(calendars))
