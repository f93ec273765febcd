"""Stops more than packages ask for: only where there is no order without, and no more than needed.

A build in between lets two pools take turns: each goes half the way. Of rules whose good builds
are ranges more stops do no harm; a stop inside the range of a bad one does, and is jumped over.
"""

from __future__ import annotations

import heapq
import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from orchestrator.model.build import Build, Catalogue
from orchestrator.model.topology import Topology
from orchestrator.planner.stops import hops_from
from orchestrator.planner.way import Way, Ways

MOST_EXTRA = 3
"""Stops a server makes beyond those it must: each is an outage more."""
MOST_WAYS = 12
"""Ways looked at per kind of server."""
EFFORT = 4_000
"""Pairs of ways and paths looked at before the search for stops gives up; no clock decides."""


class Options(NamedTuple):
    """What a kind of server may do.

    Parameters
    ----------
    ways : list of Way
        The fewest stops first.
    every : bool
        Whether these are all there are.
    """

    ways: list[Way]
    every: bool


class Found(NamedTuple):
    """What a search for stops came to.

    Parameters
    ----------
    ways : mapping of server to Way, or None
    every : bool
        Whether it looked at all it was given, or found something before.
    """

    ways: Ways | None
    every: bool = True


def other_ways(topology: Topology, way: Way, catalogue: Catalogue) -> Options:
    """The way, and longer ones with the same ends: the fewest stops first.

    Stops are builds whose package is listed: a removal goes down to what can be installed again.
    """
    if len(way.builds) < 2:
        return Options([way], every=True)
    old, new = way.builds[0], way.builds[-1]
    found = []
    stack: list[tuple[Build, ...]] = [(old,)]
    most = len(way.builds) + MOST_EXTRA
    every = True
    while stack:
        builds = stack.pop()
        if builds[-1] == new:
            found.append(builds)
            continue
        hop = hops_from if old < new else _hops_down
        on = [(*builds, then) for then in hop(topology, builds[-1], new, catalogue)]
        if len(builds) < most:
            stack += on
        elif on:
            every = False
    newest_first = sorted({*found} - {way.builds}, reverse=True)
    longer = sorted(newest_first, key=len)
    ways = [way, *(_along(way, builds, catalogue) for builds in longer[: MOST_WAYS - 1])]
    return Options(ways, every=every and len(longer) < MOST_WAYS)


def _hops_down(
    topology: Topology, build: Build, goal: Build, catalogue: Catalogue
) -> Iterator[Build]:
    """Builds that removals can lead to: what can be installed again, the base, and the goal."""
    level = build.service_pack_level
    for then in sorted({*topology.packages, goal, catalogue.base(build)}, reverse=True):
        if goal <= then < build and then.service_pack_level == level:
            yield then


def _along(way: Way, builds: tuple[Build, ...], catalogue: Catalogue) -> Way:
    """Another way with the same ends; what showed on the first may show on each part of it."""
    if builds[-1] > builds[0]:
        return Way(way.pool, builds)
    seen = {build for passed in way.passing for build in passed}
    passing = []
    for old, new in itertools.pairwise(builds):
        base = catalogue.base(old)
        shown = {build for build in seen if new < build < old} | ({base} if base < new else set())
        passing.append(tuple(sorted(shown, reverse=True)))
    return Way(way.pool, builds, tuple(passing) if any(passing) else ())


def with_stops(
    ways: Ways, options: Mapping[Way, Sequence[Way]], price: Callable[[Ways], int | None], cost: int
) -> Found:
    """Ways with the fewest stops more for which there is an order.

    Parameters
    ----------
    ways : mapping of server to Way
        For which there is no order.
    options : mapping of Way to sequence of Way
        What servers may do instead, the fewest stops first.
    price : callable
        What an order of some ways costs, None if there is none.
    cost : int
        Of asking for a price once, in units of `EFFORT`.

    Notes
    -----
    By the number of stops, all ways with as many; if that takes too long, with as many stops as
    there can be, without the builds that do harm (a stop inside the range of a rule hurts), and
    then without every stop that is not needed.
    """
    kinds = sorted((way for way, found in options.items() if len(found) > 1), key=_rank)
    tries = max(20, EFFORT // max(1, cost))

    def chosen(picks: Sequence[int]) -> Ways:
        now = {kind: options[kind][pick] for kind, pick in zip(kinds, picks, strict=True)}
        return {name: now.get(way, way) for name, way in ways.items()}

    # Every server that stops is away once more.
    servers = Counter(way for way in ways.values() if way in options)
    extra = [[len(way.builds) * servers[kind] for way in options[kind]] for kind in kinds]
    best: tuple[int, Ways] | None = None
    stops = 0
    for picks in _by_stops(extra):
        now = sum(row[pick] - row[0] for row, pick in zip(extra, picks, strict=True))
        if best is not None and now > stops:
            return Found(best[1])
        tries -= 1
        if tries < 0:
            break
        stops = now
        made = chosen(picks)
        found = price(made)
        if found is not None and (best is None or found < best[0]):
            best = found, made
    if best is not None:
        return Found(best[1])
    if tries >= 0:
        return Found(None)
    return Found(_merged_back(kinds, options, chosen, price), every=False)


def _merged_back(
    kinds: Sequence[Way],
    options: Mapping[Way, Sequence[Way]],
    chosen: Callable[[Sequence[int]], Ways],
    price: Callable[[Ways], int | None],
) -> Ways | None:
    builds = sorted({b for kind in kinds for way in options[kind] for b in way.builds[1:-1]})
    for left_out in [(), *itertools.combinations(builds, 1), *itertools.combinations(builds, 2)]:
        picks = [
            max(
                (n for n, way in enumerate(options[kind]) if not {*left_out} & {*way.builds[1:-1]}),
                key=lambda n, kind=kind: (len(options[kind][n].builds), -n),  # type: ignore[misc]
                default=0,
            )
            for kind in kinds
        ]
        if price(chosen(picks)) is not None:
            break
    else:
        return None
    for at, pick in enumerate(picks):
        for fewer in range(pick):
            tried = [*picks[:at], fewer, *picks[at + 1 :]]
            if price(chosen(tried)) is not None:
                picks = tried
                break
    return chosen(picks)


def _by_stops(extra: Sequence[Sequence[int]]) -> Iterator[tuple[int, ...]]:
    """Every choice of one option per kind, but the first of all, by stops in all."""
    first = (0,) * len(extra)
    # Of as many stops those of the first kinds come first.
    queue = [(0, first, first)]
    seen = {first}
    while queue:
        stops, _, picks = heapq.heappop(queue)
        if any(picks):
            yield picks
        for at, pick in enumerate(picks):
            if pick + 1 < len(extra[at]):
                then = (*picks[:at], pick + 1, *picks[at + 1 :])
                if then not in seen:
                    seen.add(then)
                    more = extra[at][pick + 1] - extra[at][pick]
                    heapq.heappush(queue, (stops + more, tuple(-n for n in then), then))


def _rank(way: Way) -> tuple[object, ...]:
    return (way.pool, way.builds, way.passing)
