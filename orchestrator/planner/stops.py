"""By which builds a server gets to its goal: hops the packages allow, the fewest first."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Mapping

from orchestrator.model.build import Build, Catalogue
from orchestrator.model.state import State
from orchestrator.model.topology import PoolId, Topology
from orchestrator.planner.way import Way, Ways


def shortest_ways(
    topology: Topology,
    start: State,
    end: State,
    catalogue: Catalogue,
    beneath: Mapping[str, Collection[Build]],
) -> Ways:
    """The way of each server with the fewest stops.

    Where no packages lead to the end it is gone to at once: whether it may is said by
    `goal_state`, and a way back is no matter of packages alone.

    Parameters
    ----------
    beneath : mapping of server to collection of Build
        Rollups known to lie under those in force, which come to light when they are removed.
    """
    known: dict[tuple[PoolId, Build, Build, tuple[Build, ...]], Way] = {}
    found = {}
    for name, server in topology.servers.items():
        old, new = start.builds[name], end.builds[name]
        key = (server.pool, old, new, tuple(sorted(beneath.get(name, ()), reverse=True)))
        if key not in known:
            known[key] = _way(topology, *key, catalogue)
        found[name] = known[key]
    return found


def _way(
    topology: Topology,
    pool: PoolId,
    old: Build,
    new: Build,
    beneath: tuple[Build, ...],
    catalogue: Catalogue,
) -> Way:
    if old == new:
        return Way(pool, (old,))
    if old < new:
        return Way(pool, hops(topology, old, new, catalogue) or (old, new))
    # What a removal leaves is for Windows Installer to say: a rollup beneath, or none at all, until
    # the recorded one is installed again.
    between = [build for build in beneath if new < build < old]
    # One step removes what it begins with and one more that comes to light; of several each is a
    # stop of its own.
    builds = (old, *between, new) if len(between) > 1 else (old, new)
    base = catalogue.base(old)
    passing = [
        (*between, *([base] if base < low else [])) if len(builds) == 2 else (base,) * (base < low)
        for low in builds[1:]
    ]
    return Way(pool, builds, tuple(map(tuple, passing)) if any(passing) else ())


def hops(
    topology: Topology, old: Build, new: Build, catalogue: Catalogue
) -> tuple[Build, ...] | None:
    """The builds from old to new, both included, by the fewest packages; None if none lead there.

    A rollup needs its own service pack first [doc]; of ways equally long the one by newer builds.

    Examples
    --------
    2010 SP1 RU6 to 2010 SP2 RU2, with packages of 2010 SP2 and of the rollup: by 2010 SP2.
    """
    if old >= new:
        return None
    came: dict[Build, Build] = {}
    queue = deque([old])
    while queue:
        at = queue.popleft()
        for then in hops_from(topology, at, new, catalogue):
            if then not in came:
                came[then] = at
                queue.append(then)
    if new not in came:
        return None
    way = [new]
    while way[-1] != old:
        way.append(came[way[-1]])
    return tuple(reversed(way))


def hops_from(
    topology: Topology, build: Build, goal: Build, catalogue: Catalogue
) -> Iterator[Build]:
    """Builds that can be installed onto one, none beyond the goal; newest first."""
    for then in sorted({*topology.packages, goal}, reverse=True):
        if build < then <= goal and _fits(topology, build, then, catalogue):
            yield then


def _fits(topology: Topology, build: Build, then: Build, catalogue: Catalogue) -> bool:
    if catalogue.product_line(build) != catalogue.product_line(then):
        return False
    package = topology.packages.get(then)
    if package and package.onto:
        return build in package.onto
    if build.service_pack_level == then.service_pack_level:
        return True
    return package is not None and catalogue.is_service_pack(then)
