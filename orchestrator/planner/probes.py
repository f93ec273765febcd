"""What a look through the sources may see after a step."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import networkx as nx

from orchestrator.model.build import Build
from orchestrator.model.plan import Outcome, Probe, Step
from orchestrator.model.routing import Route, route
from orchestrator.model.state import State
from orchestrator.model.topology import Label, PoolId, ProxyPath, Topology
from orchestrator.planner.reach import Reach
from orchestrator.rules.engine import Kind, RuleBook

_SEEN = {
    Route.PROXY: {Outcome.PROXIED},
    Route.REDIRECT: {Outcome.REDIRECTED},
    Route.EITHER: {Outcome.PROXIED, Outcome.REDIRECTED},
    Route.LOCAL: {Outcome.SERVED},
    Route.IMPOSSIBLE: {Outcome.BROKEN},
}


@dataclass(frozen=True)
class Observer:
    """Knows what may be true when a step has ended, whatever free order the others took.

    Servers that change in the same steps are looked at once and answer alike.

    Parameters
    ----------
    topology : Topology
    start : State
    steps : sequence of Step
        In plan order.
    book : RuleBook
    """

    topology: Topology
    start: State
    steps: Sequence[Step]
    book: RuleBook

    def with_probes(
        self, step: Step, paths: Iterable[ProxyPath], *, without: Collection[str] = ()
    ) -> Step:
        """The step with a probe for each path through each source but those left out."""
        probes: list[Probe] = []
        for path in paths:
            if self.topology.pools[path.target].test_mailbox:
                probes += self._probes(step, path, without)
        return dataclasses.replace(step, probes=tuple(probes))

    def _probes(self, step: Step, path: ProxyPath, without: Collection[str]) -> list[Probe]:
        """What a path is probed for: sources of which the same is expected together."""
        pool = self.topology.pools[path.source]
        sources = pool.servers
        if without and not {*sources}.isdisjoint(without):
            sources = tuple(name for name in sources if name not in without)
        seen = self._seen_on(step, path)
        sick = self._sick(path)
        if not sick:
            return [self._probe(path, seen, sources, frozenset())] if sources else []
        excused: dict[frozenset[_Chain], list[str]] = {}
        known: dict[_Chain, frozenset[_Chain]] = {}
        for name in sources:
            chain = self._chains[name]
            if chain not in known:
                known[chain] = self._excused(step, path, chain, sick)
            excused.setdefault(known[chain], []).append(name)
        return [
            self._probe(path, seen, tuple(names), blocked) for blocked, names in excused.items()
        ]

    def _probe(
        self,
        path: ProxyPath,
        seen: _Seen,
        sources: tuple[str, ...],
        blocked: frozenset[_Chain],
    ) -> Probe:
        sure = self.topology.pools[path.target].servers
        if blocked:
            sure = tuple(name for name in sure if self._chains[name] not in blocked)
        return Probe(
            sources=sources,
            target=path.target,
            protocol=path.protocol,
            expect=seen.expect,
            targets=sure if seen.expect == (Outcome.PROXIED,) else (),
            redirect_url=seen.redirect_url,
            may_break=bool(blocked) and Outcome.PROXIED in seen.expect,
        )

    def _sick(self, path: ProxyPath) -> frozenset[tuple[Build, Build]]:
        """Pairs of builds on a path that are broken before the plan.

        Only these may still be broken after a step. What the rules would forbid otherwise is not
        excused: it is what the probe is there to find.
        """
        mode = self.start.mode(self.topology.pools[path.target], path.protocol)
        if not route(path.source, path.target, path.protocol, mode).route.may_proxy:
            return frozenset()
        return frozenset(
            (source, target)
            for source, folders in self._first[path.source]
            for target, _ in self._first[path.target]
            if self.book.judge(path.protocol, source, target, folder=target in folders).blocks
        )

    def _excused(
        self, step: Step, path: ProxyPath, chain: _Chain, sick: Collection[tuple[Build, Build]]
    ) -> frozenset[_Chain]:
        """The targets that may still be broken behind a source after a step."""
        return frozenset(
            other
            for other in self._classes[path.target]
            if (chain.builds[0], other.builds[0]) in sick
            and any(
                self.book.judge(path.protocol, s, t, folder=t in self._folders(step, chain)).blocks
                for s in self._builds(step, chain)
                for t in self._builds(step, other)
            )
        )

    def _folders(self, step: Step, chain: _Chain) -> frozenset[Build]:
        """The version folders a server surely has by then."""
        copied = (
            build
            for name, build in chain.copies
            if name == step.id or self._reach.precedes(name, step.id)
        )
        return chain.folders.union(copied)

    def _seen_on(self, step: Step, path: ProxyPath) -> _Seen:
        """What may be seen on a path by its target's ExternalURLs, and those of them."""
        turns = self._turns.get(path.label, ())
        if not turns:
            return self._seen_throughout(path)
        target = self.topology.pools[path.target]
        low, high = self._window(step, [turn.id for turn in turns])
        keys = [(name, path.protocol) for name in target.servers]
        state = State({}, {key: self.start.external_urls.get(key, "") for key in keys})
        found = []
        for position in range(high + 1):
            if position:
                state = turns[position - 1].apply(state)
            if position >= low:
                found.append(self._seen_in(state, path))
        return _Seen.any_of(found)

    def _seen_throughout(self, path: ProxyPath) -> _Seen:
        """The same where no step turns the label: asked again after every step."""
        if path not in self._unturned:
            self._unturned[path] = _Seen.any_of([self._seen_in(self.start, path)])
        return self._unturned[path]

    def _seen_in(self, state: State, path: ProxyPath) -> tuple[set[Outcome], set[str]]:
        target = self.topology.pools[path.target]
        mode = state.mode(target, path.protocol)
        outcomes = _SEEN[route(path.source, path.target, path.protocol, mode).route]
        if Outcome.REDIRECTED not in outcomes:
            return outcomes, set()
        urls = {state.external_urls.get((name, path.protocol), "") for name in target.servers}
        return outcomes, urls

    def _builds(self, step: Step, chain: _Chain) -> Sequence[Build]:
        low, high = self._window(step, chain.steps)
        return chain.builds[low : high + 1]

    def _window(self, step: Step, chain: Sequence[str]) -> tuple[int, int]:
        """How many of a chain of steps have surely, and have at most, been done by then."""
        reach = self._reach
        sure = sum(name == step.id or reach.precedes(name, step.id) for name in chain)
        return sure, sum(not reach.precedes(step.id, name) for name in chain)

    @cached_property
    def _unturned(self) -> dict[ProxyPath, _Seen]:
        return {}

    @cached_property
    def _first(self) -> Mapping[PoolId, list[Kind]]:
        return self.book.kinds(self.topology, self.start)

    @cached_property
    def _reach(self) -> Reach:
        order: nx.DiGraph[str] = nx.DiGraph()
        order.add_nodes_from(s.id for s in self.steps)
        order.add_edges_from((name, s.id) for s in self.steps for name in s.after)
        return Reach(order)

    @cached_property
    def _chains(self) -> Mapping[str, _Chain]:
        changing: dict[str, list[Step]] = defaultdict(list)
        copies: dict[str, list[tuple[str, Build]]] = defaultdict(list)
        folders: dict[str, set[Build]] = defaultdict(set)
        for step in self.steps:
            if step.kind.changes_build:
                for name in step.servers:
                    changing[name].append(step)
            for name, build in step.folders:
                copies[name].append((step.id, build))
        for name, build in self.start.version_folders:
            folders[name].add(build)
        return {
            name: _Chain(
                tuple(step.id for step in changing.get(name, ())),
                (build, *(s.to_build for s in changing.get(name, ()) if s.to_build)),
                frozenset(folders.get(name, ())),
                tuple(copies.get(name, ())),
            )
            for name, build in self.start.builds.items()
        }

    @cached_property
    def _classes(self) -> Mapping[PoolId, frozenset[_Chain]]:
        return {
            pool.id: frozenset(self._chains[name] for name in pool.servers)
            for pool in self.topology.pools.values()
        }

    @cached_property
    def _turns(self) -> Mapping[Label, Sequence[Step]]:
        turns: dict[Label, list[Step]] = defaultdict(list)
        for step in self.steps:
            if step.kind.changes_urls:
                for protocol in step.protocols:
                    turns[Label(step.pool, protocol)].append(step)
        return turns


@dataclass(frozen=True)
class _Chain:
    """The builds a server passes through, and the step that leads to each but the first.

    Beside them the version folders it has at the start, and the steps that bring more.
    """

    steps: tuple[str, ...]
    builds: tuple[Build, ...]
    folders: frozenset[Build]
    copies: tuple[tuple[str, Build], ...]


@dataclass(frozen=True)
class _Seen:
    """What may be seen on a path, and where a redirect leads; sorted, so that equal ones agree."""

    expect: tuple[Outcome, ...]
    redirect_url: str

    @classmethod
    def any_of(cls, found: Iterable[tuple[set[Outcome], set[str]]]) -> _Seen:
        """What may be seen in any of some states."""
        expect: set[Outcome] = set()
        urls: set[str] = set()
        for outcomes, leading in found:
            expect |= outcomes
            urls |= leading
        return cls(tuple(sorted(expect)), next(iter(urls)) if len(urls) == 1 else "")
