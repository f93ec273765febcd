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
from orchestrator.rules.engine import RuleBook

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
            if not self.topology.pools[path.target].test_mailbox:
                continue
            seen: dict[_Chain, Probe] = {}
            for name in self.topology.pools[path.source].servers:
                if name in without:
                    continue
                chain = self._chains[name]
                if chain not in seen:
                    seen[chain] = self._probe(step, path, name, chain)
                    probes.append(seen[chain])
                else:
                    probes.append(_through(seen[chain], name))
        return dataclasses.replace(step, probes=tuple(probes))

    def _probe(self, step: Step, path: ProxyPath, source: str, chain: _Chain) -> Probe:
        target = self.topology.pools[path.target]
        expect, urls = self._seen_on(step, path)
        # Only what is broken before the plan may still be broken after a step. What the rules
        # would forbid otherwise is not excused: it is what the probe is there to find.
        sick = [
            other
            for other in self._classes[path.target]
            if self._proxied_at_start(path)
            and self.book.judge(path.protocol, chain.builds[0], other.builds[0]).blocks
        ]
        blocked = {
            other
            for other in sick
            if any(
                self.book.judge(path.protocol, s, t).blocks
                for s in self._builds(step, chain)
                for t in self._builds(step, other)
            )
        }
        sure = target.servers
        if blocked:
            sure = tuple(name for name in sure if self._chains[name] not in blocked)
        return Probe(
            source=source,
            target=path.target,
            protocol=path.protocol,
            expect=tuple(sorted(expect)),
            targets=sure if expect == {Outcome.PROXIED} else (),
            redirect_url=next(iter(urls)) if len(urls) == 1 else "",
            may_break=Outcome.PROXIED in expect and bool(blocked),
        )

    def _proxied_at_start(self, path: ProxyPath) -> bool:
        mode = self.start.mode(self.topology.pools[path.target], path.protocol)
        return route(path.source, path.target, path.protocol, mode).route.may_proxy

    def _seen_on(self, step: Step, path: ProxyPath) -> tuple[set[Outcome], set[str]]:
        """What may be seen on a path by its target's ExternalURLs, and those of them."""
        target = self.topology.pools[path.target]
        expect: set[Outcome] = set()
        urls: set[str] = set()
        turns = self._turns.get(path.label, ())
        low, high = self._window(step, [turn.id for turn in turns])
        keys = [(name, path.protocol) for name in target.servers]
        state = State({}, {key: self.start.external_urls.get(key, "") for key in keys})
        for position in range(high + 1):
            if position:
                state = turns[position - 1].apply(state)
            if position < low:
                continue
            mode = state.mode(target, path.protocol)
            outcomes = _SEEN[route(path.source, path.target, path.protocol, mode).route]
            expect |= outcomes
            if Outcome.REDIRECTED in outcomes:
                urls |= {state.external_urls.get(key, "") for key in keys}
        return expect, urls

    def _builds(self, step: Step, chain: _Chain) -> Sequence[Build]:
        low, high = self._window(step, chain.steps)
        return chain.builds[low : high + 1]

    def _window(self, step: Step, chain: Sequence[str]) -> tuple[int, int]:
        """How many of a chain of steps have surely, and have at most, been done by then."""
        reach = self._reach
        sure = sum(name == step.id or reach.precedes(name, step.id) for name in chain)
        return sure, sum(not reach.precedes(step.id, name) for name in chain)

    @cached_property
    def _reach(self) -> Reach:
        order: nx.DiGraph[str] = nx.DiGraph()
        order.add_nodes_from(s.id for s in self.steps)
        order.add_edges_from((name, s.id) for s in self.steps for name in s.after)
        return Reach(order)

    @cached_property
    def _chains(self) -> Mapping[str, _Chain]:
        changing: dict[str, list[Step]] = defaultdict(list)
        for step in self.steps:
            if step.kind.changes_build:
                for name in step.servers:
                    changing[name].append(step)
        return {
            name: _Chain(
                tuple(step.id for step in changing.get(name, ())),
                (build, *(s.to_build for s in changing.get(name, ()) if s.to_build)),
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
    """The builds a server passes through, and the step that leads to each but the first."""

    steps: tuple[str, ...]
    builds: tuple[Build, ...]


def _through(probe: Probe, source: str) -> Probe:
    """The same probe through another source; plain construction, there may be many thousands."""
    return Probe(
        source,
        probe.target,
        probe.protocol,
        probe.expect,
        probe.targets,
        probe.redirect_url,
        probe.may_break,
    )
