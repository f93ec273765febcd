"""Splitting the build change of a pool into batches its minimum allows, a canary first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.diagnostic import Diagnostic
from orchestrator.model.build import Build
from orchestrator.model.plan import Outage
from orchestrator.model.state import State
from orchestrator.model.topology import Pool, Topology
from orchestrator.model.words import counted
from orchestrator.planner.way import Change, Ways, ways_of_pool


@dataclass(frozen=True)
class Batch:
    """Servers of one pool that change together, from one build to one other."""

    servers: tuple[str, ...]
    old: Build
    new: Build
    minutes: int
    outage: Outage | None
    passing: tuple[Build, ...] = ()


def batches(topology: Topology, pool: Pool, ways: Ways) -> dict[Change, list[Batch]]:
    """The batches of a pool in their order, by change; empty if nothing changes.

    The first batch of each is one server: what goes wrong there goes wrong on one server.
    """
    result: dict[Change, list[Batch]] = {}
    for way in ways_of_pool(pool, ways):
        for number, change in enumerate(way.changes):
            names = sorted(name for name in pool.servers if ways[name] == way)
            passing = way.passing[number] if way.passing else ()
            chain = result.setdefault(change, [])
            while names:
                chosen = _fitting(pool, names) if chain else (names[0],)
                names = [name for name in names if name not in chosen]
                minutes = max(_minutes(topology, name, change) for name in chosen)
                falls_to_zero = len(chosen) == len(pool.servers)
                outage = Outage(minutes, _affected(topology, pool)) if falls_to_zero else None
                chain.append(Batch(chosen, change.old, change.new, minutes, outage, passing))
    return result


def _fitting(pool: Pool, names: Sequence[str]) -> tuple[str, ...]:
    """As many servers as may be away at once, in their order; one where even that is too many."""
    rooms = [
        (servers, max(1, len(servers) - max(least, 1)))
        for servers, least in (
            (pool.servers, pool.minimum_in_service),
            *((kept.servers, kept.minimum_in_service) for kept in pool.balanced),
        )
    ]
    if not pool.balanced:
        return tuple(names[: rooms[0][1]])
    chosen: set[str] = set()
    for name in names:
        if all(len(chosen.intersection(s)) < room for s, room in rooms if name in s):
            chosen.add(name)
    return tuple(name for name in names if name in chosen)


def _minutes(topology: Topology, server: str, change: Change) -> int:
    """What the owner of the package says, else what was said of the server."""
    package = topology.packages.get(change.new)
    said = package.minutes if package and change.new > change.old else 0
    return said or topology.servers[server].minutes


def consent_findings(topology: Topology, start: State, end: State) -> list[Diagnostic]:
    """Pools that cannot change without falling below what their owner agreed to."""
    findings = []
    for pool in topology.pools.values():
        if not any(start.builds[name] != end.builds[name] for name in pool.servers):
            continue
        if len(pool.servers) == 1 and not pool.outage_consent:
            findings.append(
                Diagnostic(
                    "CAS-E305",
                    f"pool {pool.id}",
                    "has one server and is out of service while it changes; nobody consented",
                    remedy="set outage_consent: true for the pool, or hold it",
                )
            )
        elif pool.minimum_in_service >= len(pool.servers):
            findings.append(
                Diagnostic(
                    "CAS-E306",
                    f"pool {pool.id}",
                    f"must keep {pool.minimum_in_service} of "
                    f"{counted(len(pool.servers), 'server')} in "
                    "service, so none may be changed",
                    remedy="lower minimum_in_service of the pool, or hold the pool",
                )
            )
    return findings


def _affected(topology: Topology, pool: Pool) -> int:
    """People cut off while the pool is away: its own mailboxes, and those who come in by it."""
    inward = sum(path.users for path in topology.paths_into[pool.id])
    outward = sum(path.users for path in topology.paths_at[pool.id] if path.source == pool.id)
    return (pool.mailboxes or inward) + outward
