"""What the rules demand of the order: facts per path, and labelled arcs between pools."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from orchestrator.model.build import Build
from orchestrator.model.routing import Route, route
from orchestrator.model.state import AccessMode, State
from orchestrator.model.topology import Label, PoolId, ProxyPath, Topology
from orchestrator.rules.engine import Judgement, RuleBook


class Moment(StrEnum):
    """Which ends of a pair of servers have changed their build."""

    BEFORE = "before"
    SOURCE_FIRST = "source first"
    TARGET_FIRST = "target first"
    AFTER = "after"


@dataclass(frozen=True)
class PairFacts:
    """How one kind of source build fares in front of one kind of target build, if proxied.

    Parameters
    ----------
    source, target : (Build, Build)
        Before and after the plan.
    judgements : mapping of Moment to Judgement
        A moment that cannot come about, because that end does not change, is absent.
    """

    source: tuple[Build, Build]
    target: tuple[Build, Build]
    judgements: Mapping[Moment, Judgement]

    def blocks(self, *moments: Moment) -> bool:
        """Whether the pair must not be proxied at one of these moments."""
        return any(m in self.judgements and self.judgements[m].blocks for m in moments)


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

    def broken_after(self) -> Judgement | None:
        """What is wrong with the end state where it could be proxied; None if nothing is."""
        if not self.proxied_after:
            return None
        found = [p.judgements[Moment.AFTER] for p in self.pairs if p.blocks(Moment.AFTER)]
        return max(found, key=_severity) if found else None

    @property
    def repairer(self) -> PoolId | None:
        """The end whose change repairs a path broken today; None if nothing does or need be."""
        if not self.broken_now or self.broken_after():
            return None
        sick = [pair for pair in self.pairs if pair.blocks(Moment.BEFORE)]
        if all(Moment.TARGET_FIRST in pair.judgements for pair in sick):
            return self.path.target
        return self.path.source

    def newly_blocked(self, moment: Moment) -> Judgement | None:
        """The worst that would happen at this moment to a pair that works today."""
        found = [
            pair.judgements[moment]
            for pair in self.pairs
            if pair.blocks(moment) and not pair.blocks(Moment.BEFORE)
        ]
        return max(found, key=_severity) if found else None


@dataclass(frozen=True)
class Arc:
    """``first`` must be done before ``then``, unless the label is redirected meanwhile."""

    first: PoolId
    then: PoolId
    label: Label
    path: ProxyPath
    judgement: Judgement


def path_facts(topology: Topology, start: State, end: State, book: RuleBook) -> list[PathFacts]:
    """The facts of every path that would be proxied if its target had no ExternalURL."""
    facts = []
    for path in topology.paths:
        if _route(path, AccessMode.PROXY) is not Route.PROXY:
            continue
        target = topology.pools[path.target]
        before, after = (
            _route(path, state.mode(target, path.protocol)).may_proxy for state in (start, end)
        )
        pairs = tuple(_pairs(topology, start, end, book, path))
        facts.append(PathFacts(path, pairs, before, after))
    return facts


def order_arcs(facts: Iterable[PathFacts]) -> list[Arc]:
    """The arcs the paths need while they are proxied.

    A pair that does not work today brings none: whichever end comes first, nothing that worked
    stops working.
    """
    arcs = []
    for fact in facts:
        path = fact.path
        if not (fact.proxied_before or fact.proxied_after):
            continue
        source_first = fact.newly_blocked(Moment.SOURCE_FIRST)
        if source_first:
            arcs.append(Arc(path.target, path.source, path.label, path, source_first))
        target_first = fact.newly_blocked(Moment.TARGET_FIRST)
        if target_first:
            arcs.append(Arc(path.source, path.target, path.label, path, target_first))
    return arcs


def _route(path: ProxyPath, mode: AccessMode) -> Route:
    return route(path.source, path.target, path.protocol, mode).route


def _severity(judgement: Judgement) -> tuple[bool, int, str]:
    return (judgement.blocks, judgement.verdict.severity, judgement.rule.id)


def _pairs(
    topology: Topology, start: State, end: State, book: RuleBook, path: ProxyPath
) -> Iterator[PairFacts]:
    def kinds(pool: PoolId) -> list[tuple[Build, Build]]:
        servers = topology.pools[pool].servers
        return sorted({(start.builds[name], end.builds[name]) for name in servers})

    for source, target in itertools.product(kinds(path.source), kinds(path.target)):
        moments = {Moment.BEFORE: (source[0], target[0])}
        if source[0] != source[1]:
            moments[Moment.SOURCE_FIRST] = (source[1], target[0])
        if target[0] != target[1]:
            moments[Moment.TARGET_FIRST] = (source[0], target[1])
        moments[Moment.AFTER] = (source[1], target[1])
        judgements = {m: book.judge(path.protocol, s, t) for m, (s, t) in moments.items()}
        yield PairFacts(source, target, judgements)
