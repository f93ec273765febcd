"""What the rules demand of the order: facts per path, and labelled arcs between changes."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from orchestrator.model.build import Build
from orchestrator.model.routing import Route, route
from orchestrator.model.state import AccessMode, State
from orchestrator.model.topology import Label, PoolId, Protocol, ProxyPath, Topology
from orchestrator.planner.collector import collector_paused
from orchestrator.planner.grid import Demand, Grid, PairFacts
from orchestrator.planner.way import Change, Way, Ways, ways_of_pool
from orchestrator.rules.engine import Judgement, RuleBook


@dataclass(frozen=True)
class PathFacts:
    """A path that can be proxied, with the facts of its pairs.

    Parameters
    ----------
    path : ProxyPath
    pairs : tuple of PairFacts
        One per combination of distinct ways at either end.
    proxied_before, proxied_after : bool
        Whether start and end let the path be proxied at all.
    """

    path: ProxyPath
    pairs: tuple[PairFacts, ...]
    proxied_before: bool
    proxied_after: bool

    @property
    def broken_now(self) -> bool:
        """Whether users of this path are cut off today, at least through some servers."""
        return self.proxied_before and not all(pair.grid.works_first for pair in self.pairs)

    @property
    def broken_after(self) -> bool:
        """Whether some pair does not work in the end."""
        return self.proxied_after and not all(pair.grid.works_last for pair in self.pairs)

    def broken_by_goal(self) -> Judgement | None:
        """The worst the end does to a pair that works today; None if it does nothing."""
        found = [
            pair.grid.at(pair.grid.end)
            for pair in self.pairs
            if not pair.grid.works_last and (pair.grid.works_first or not self.proxied_before)
        ]
        return max(found, key=_severity) if found and self.proxied_after else None

    @property
    def repairers(self) -> list[tuple[Change, Change]]:
        """(the change that repairs, the other end's first change) for pairs broken today."""
        return sorted(
            {
                (pair.mended_by, pair.other_than_mended)
                for pair in self.pairs
                if self.proxied_before and pair.mended_by is not None
            }
        )


@dataclass(frozen=True)
class Arc:
    """``first`` must be done before ``then``, unless the label is redirected meanwhile."""

    first: Change
    then: Change
    label: Label
    path: ProxyPath
    judgement: Judgement


@dataclass(frozen=True)
class Disjunction:
    """A state of a path that can be kept out in two ways, of which nothing else decides.

    Parameters
    ----------
    path : ProxyPath
    builds : tuple of Build
        Of source and target in that state.
    judgement : Judgement
    ways : two pairs of Change
        Either the first of one before its second, or so for the other.
    """

    path: ProxyPath
    builds: tuple[Build, Build]
    judgement: Judgement
    ways: tuple[tuple[Change, Change], tuple[Change, Change]]


@collector_paused()
def path_facts(
    topology: Topology,
    start: State,
    end: State,
    book: RuleBook,
    ways: Ways | None = None,
    patient: Collection[ProxyPath] = (),
) -> list[PathFacts]:
    """The facts of every path that would be proxied if its target had no ExternalURL.

    Parameters
    ----------
    ways : mapping of server to Way, optional
        How each server gets from start to end; at once if it is not given.
    patient : collection of ProxyPath
        Paths broken today that rather stay so for longer than be repaired early (`Grid`).
    """
    facts = []
    seen = _Seen(topology, start, end, book, ways or direct_ways(topology, start, end))
    for path in topology.paths:
        if seen.route(path, AccessMode.PROXY) is not Route.PROXY:
            continue
        before, after = (seen.route(path, mode).may_proxy for mode in seen.modes(path.label))
        pairs = tuple(seen.pairs(path, patient=path in patient))
        facts.append(PathFacts(path, pairs, before, after))
    return facts


@collector_paused()
def order_arcs(facts: Iterable[PathFacts]) -> list[Arc]:
    """The arcs the paths need while they are proxied.

    A pair that does not work today brings none where any order only repairs it: nothing that
    worked stops working. A state no order avoids is an arc from a change to itself.
    """
    arcs = []
    # Pairs of the same builds share their grid and so its demands.
    known: dict[int, tuple[Grid, list[tuple[Demand, Judgement]]]] = {}
    for fact in facts:
        path = fact.path
        if not (fact.proxied_before or fact.proxied_after):
            continue
        for pair in fact.pairs:
            mark = id(pair.grid)
            if mark not in known:
                found = [(demand, pair.grid.at(demand.cell)) for demand in pair.grid.demands]
                known[mark] = (pair.grid, found)
            for demand, judgement in known[mark][1]:
                arcs.append(Arc(*pair.changes_of(demand), path.label, path, judgement))
            if pair.grid.unavoidable:
                for change, judgement in pair.unavoidable:
                    arcs.append(Arc(change, change, path.label, path, judgement))
    return arcs


def disjunctions(facts: Iterable[PathFacts]) -> list[Disjunction]:
    """States that two demands keep out equally well, of paths that may be proxied."""
    return [
        Disjunction(
            fact.path,
            pair.builds_at(one.cell),
            pair.grid.at(one.cell),
            (pair.changes_of(one.ways[0]), pair.changes_of(one.ways[1])),
        )
        for fact in facts
        if fact.proxied_before or fact.proxied_after
        for pair in fact.pairs
        for one in pair.grid.disjunctions
    ]


def direct_ways(topology: Topology, start: State, end: State) -> Ways:
    """Every server from start to end at once."""
    known: dict[tuple[PoolId, Build, Build], Way] = {}
    found = {}
    for name, server in topology.servers.items():
        key = (server.pool, start.builds[name], end.builds[name])
        if key not in known:
            known[key] = Way(server.pool, tuple(dict.fromkeys(key[1:])))
        found[name] = known[key]
    return found


def _severity(judgement: Judgement) -> tuple[bool, int, str]:
    return (judgement.blocks, judgement.verdict.severity, judgement.rule.id)


class _Seen:
    """What many paths ask alike: ways of pools, modes of labels, judgements of builds."""

    def __init__(
        self, topology: Topology, start: State, end: State, book: RuleBook, ways: Ways
    ) -> None:
        self._topology = topology
        self._states = (start, end)
        self._book = book
        self._ways = ways
        self._routes: dict[tuple[object, ...], Route] = {}
        self._of_pool: dict[PoolId, list[Way]] = {}
        self._modes: dict[Label, tuple[AccessMode, ...]] = {}
        self._grids: dict[tuple[object, ...], Grid] = {}

    def modes(self, label: Label) -> tuple[AccessMode, ...]:
        """The modes of a label at the start and in the end."""
        if label not in self._modes:
            pool = self._topology.pools[label.pool]
            self._modes[label] = tuple(s.mode(pool, label.protocol) for s in self._states)
        return self._modes[label]

    def route(self, path: ProxyPath, mode: AccessMode) -> Route:
        """The route of a path; it hangs on lines, protocol and mode, and whether a site is left."""
        source, target, protocol, _ = path
        lines = (source.product_line, target.product_line)
        key = (lines, source.site == target.site, protocol, mode)
        if key not in self._routes:
            self._routes[key] = route(source, target, protocol, mode).route
        return self._routes[key]

    def pairs(self, path: ProxyPath, *, patient: bool) -> Iterator[PairFacts]:
        """One per combination of ways at either end."""
        for source, target in itertools.product(
            self._ways_of(path.source), self._ways_of(path.target)
        ):
            grid = self._grid(path.protocol, source, target, patient=patient)
            yield PairFacts(source, target, grid)

    def _ways_of(self, pool: PoolId) -> list[Way]:
        if pool not in self._of_pool:
            self._of_pool[pool] = ways_of_pool(self._topology.pools[pool], self._ways)
        return self._of_pool[pool]

    def _grid(self, protocol: Protocol, source: Way, target: Way, *, patient: bool) -> Grid:
        ends = (source.builds, source.passing, target.builds, target.passing)
        key = (protocol, *ends, patient)
        if key not in self._grids:
            # What a version folder mends asks for no order: the folder is put there first.
            judge = partial(self._book.judge, folder=True)
            judgements = tuple(
                tuple(judge(protocol, s.build, t.build) for t in target.points)
                for s in source.points
            )
            self._grids[key] = Grid(source.points, target.points, judgements, patient)
        return self._grids[key]
