"""What the rules demand of the order: facts per path, and labelled arcs between pools."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from orchestrator.model.build import Build
from orchestrator.model.routing import Route, route
from orchestrator.model.state import AccessMode, State
from orchestrator.model.topology import Label, PoolId, Protocol, ProxyPath, Topology
from orchestrator.planner.collector import collector_paused
from orchestrator.rules.engine import Judgement, RuleBook


class Moment(StrEnum):
    """Which ends of a pair of servers have changed their build."""

    BEFORE = "before"
    SOURCE_FIRST = "source first"
    TARGET_FIRST = "target first"
    AFTER = "after"


class Change(NamedTuple):
    """What the order is about: the servers of one pool that go from one build to one other.

    An end that stays has the same build twice, and no step.
    """

    pool: PoolId
    old: Build
    new: Build

    def __str__(self) -> str:
        return str(self.pool)


@dataclass(frozen=True)
class PairFacts:
    """How one kind of source build fares in front of one kind of target build, if proxied.

    Parameters
    ----------
    source, target : Change
    judgements : mapping of Moment to Judgement
        A moment that cannot come about, because that end does not change, is absent.
    """

    source: Change
    target: Change
    judgements: Mapping[Moment, Judgement]

    def builds_at(self, moment: Moment) -> tuple[Build, Build]:
        """The builds of source and target at a moment."""
        source_changed = moment in (Moment.SOURCE_FIRST, Moment.AFTER)
        target_changed = moment in (Moment.TARGET_FIRST, Moment.AFTER)
        return (
            self.source.new if source_changed else self.source.old,
            self.target.new if target_changed else self.target.old,
        )

    def blocks(self, *moments: Moment) -> bool:
        """Whether the pair must not be proxied at one of these moments."""
        return any(m in self.judgements and self.judgements[m].blocks for m in moments)

    def forbids(self, moment: Moment) -> bool:
        """Whether going by this moment breaks what worked, or breaks again what it repaired."""
        if moment not in self.judgements:
            return False
        if self.blocks(moment):
            return not self.blocks(Moment.BEFORE)
        return self.blocks(Moment.BEFORE) and self.blocks(Moment.AFTER)

    @property
    def mended_by(self) -> Change | None:
        """The end whose change repairs a pair that is broken before and works after."""
        if not self.blocks(Moment.BEFORE) or self.blocks(Moment.AFTER):
            return None
        return self.target if Moment.TARGET_FIRST in self.judgements else self.source


@dataclass(frozen=True)
class PathFacts:
    """A path that can be proxied, with the facts of its pairs.

    Parameters
    ----------
    path : ProxyPath
    pairs : tuple of PairFacts
        One per combination of distinct (build before, build after) at either end.
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
        return self.proxied_before and any(pair.blocks(Moment.BEFORE) for pair in self.pairs)

    @property
    def broken_after(self) -> bool:
        """Whether some pair does not work in the end."""
        return self.proxied_after and any(pair.blocks(Moment.AFTER) for pair in self.pairs)

    def broken_by_goal(self) -> Judgement | None:
        """The worst the end does to a pair that works today; None if it does nothing."""
        found = [
            pair.judgements[Moment.AFTER]
            for pair in self.pairs
            if pair.blocks(Moment.AFTER)
            and not (self.proxied_before and pair.blocks(Moment.BEFORE))
        ]
        return max(found, key=_severity) if found and self.proxied_after else None

    @property
    def repairers(self) -> list[tuple[Change, Change]]:
        """(the change that repairs, the other end's change) for pairs broken today."""
        return sorted(
            {
                (pair.mended_by, pair.source if pair.mended_by == pair.target else pair.target)
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


@collector_paused()
def path_facts(topology: Topology, start: State, end: State, book: RuleBook) -> list[PathFacts]:
    """The facts of every path that would be proxied if its target had no ExternalURL."""
    facts = []
    seen = _Seen(topology, start, end, book)
    for path in topology.paths:
        if seen.route(path, AccessMode.PROXY) is not Route.PROXY:
            continue
        before, after = (seen.route(path, mode).may_proxy for mode in seen.modes(path.label))
        pairs = tuple(seen.pairs(path))
        facts.append(PathFacts(path, pairs, before, after))
    return facts


@collector_paused()
def order_arcs(facts: Iterable[PathFacts]) -> list[Arc]:
    """The arcs the paths need while they are proxied.

    A pair that does not work today brings none where any order only repairs it: nothing that
    worked stops working.
    """
    arcs = []
    # Pairs of the same builds share their judgements and so their answers.
    known: dict[int, tuple[Mapping[Moment, Judgement], list[tuple[bool, Judgement]]]] = {}
    for fact in facts:
        path = fact.path
        if not (fact.proxied_before or fact.proxied_after):
            continue
        for pair in fact.pairs:
            mark = id(pair.judgements)
            if mark not in known:
                known[mark] = (pair.judgements, _demands(pair))
            for target_first, judgement in known[mark][1]:
                ends = (pair.target, pair.source) if target_first else (pair.source, pair.target)
                arcs.append(Arc(*ends, path.label, path, judgement))
    return arcs


def _demands(pair: PairFacts) -> list[tuple[bool, Judgement]]:
    """Whether the target has to change first, or the source, and what would happen otherwise."""
    return [
        (moment is Moment.SOURCE_FIRST, pair.judgements[moment])
        for moment in (Moment.SOURCE_FIRST, Moment.TARGET_FIRST)
        if pair.forbids(moment)
    ]


def _severity(judgement: Judgement) -> tuple[bool, int, str]:
    return (judgement.blocks, judgement.verdict.severity, judgement.rule.id)


class _Seen:
    """What many paths ask alike: builds of pools, modes of labels, judgements of builds."""

    def __init__(self, topology: Topology, start: State, end: State, book: RuleBook) -> None:
        self._topology = topology
        self._states = (start, end)
        self._book = book
        self._routes: dict[tuple[object, ...], Route] = {}
        self._changes: dict[PoolId, list[Change]] = {}
        self._modes: dict[Label, tuple[AccessMode, ...]] = {}
        self._judged: dict[tuple[object, ...], Mapping[Moment, Judgement]] = {}

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

    def pairs(self, path: ProxyPath) -> Iterator[PairFacts]:
        """One per combination of changes at either end."""
        for source, target in itertools.product(
            self._changes_of(path.source), self._changes_of(path.target)
        ):
            yield PairFacts(source, target, self._judgements(path.protocol, source, target))

    def _changes_of(self, pool: PoolId) -> list[Change]:
        if pool not in self._changes:
            start, end = self._states
            servers = self._topology.pools[pool].servers
            found = {(start.builds[name], end.builds[name]) for name in servers}
            self._changes[pool] = [Change(pool, *builds) for builds in sorted(found)]
        return self._changes[pool]

    def _judgements(
        self, protocol: Protocol, source: Change, target: Change
    ) -> Mapping[Moment, Judgement]:
        key = (protocol, source[1:], target[1:])
        if key not in self._judged:
            moments = {Moment.BEFORE: (source.old, target.old)}
            if source.old != source.new:
                moments[Moment.SOURCE_FIRST] = (source.new, target.old)
            if target.old != target.new:
                moments[Moment.TARGET_FIRST] = (source.old, target.new)
            moments[Moment.AFTER] = (source.new, target.new)
            judge = self._book.judge
            self._judged[key] = {m: judge(protocol, s, t) for m, (s, t) in moments.items()}
        return self._judged[key]
