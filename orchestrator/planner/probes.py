"""What a look through the sources may see after a step."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import networkx as nx

from orchestrator.model.build import Build
from orchestrator.model.plan import Outcome, Probe, Step
from orchestrator.model.routing import Route, route
from orchestrator.model.state import State
from orchestrator.model.topology import ProxyPath, Topology
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

    @cached_property
    def _around(self) -> dict[str, tuple[set[str], set[str]]]:
        order: nx.DiGraph[str] = nx.DiGraph()
        order.add_nodes_from(s.id for s in self.steps)
        order.add_edges_from((name, s.id) for s in self.steps for name in s.after)
        return {n: (nx.ancestors(order, n) | {n}, nx.descendants(order, n)) for n in order}

    def with_probes(self, step: Step, paths: Iterable[ProxyPath], sources: set[str]) -> Step:
        """The step with a probe for each of the paths through each of the sources."""
        probes = []
        for path in paths:
            if not self.topology.pools[path.target].test_mailbox:
                continue
            probes += [
                self._probe(step, path, name)
                for name in self.topology.pools[path.source].servers
                if name in sources
            ]
        return dataclasses.replace(step, probes=tuple(probes))

    def _probe(self, step: Step, path: ProxyPath, source: str) -> Probe:
        target = self.topology.pools[path.target]
        expect: set[Outcome] = set()
        urls: set[str] = set()
        for state in self._url_states(step, path):
            decision = route(
                path.source, path.target, path.protocol, state.mode(target, path.protocol)
            )
            expect |= _SEEN[decision.route]
            if Outcome.REDIRECTED in _SEEN[decision.route]:
                urls |= {state.external_urls.get((t, path.protocol), "") for t in target.servers}
        unsure = {name for name in target.servers if self._may_block(step, path, source, name)}
        proxied = Outcome.PROXIED in expect
        only_proxied = expect == {Outcome.PROXIED}
        return Probe(
            source=source,
            target=path.target,
            protocol=path.protocol,
            expect=tuple(sorted(expect)),
            targets=tuple(n for n in target.servers if n not in unsure) if only_proxied else (),
            redirect_url=next(iter(urls)) if len(urls) == 1 else "",
            may_break=proxied and bool(unsure),
        )

    def _url_states(self, step: Step, path: ProxyPath) -> list[State]:
        state, states = self.start, [self.start]
        chain = [
            s
            for s in self.steps
            if s.kind.changes_urls and s.pool == path.target and path.protocol in s.protocols
        ]
        for turn in chain:
            state = turn.apply(state)
            states.append(state)
        low, high = self._window(step, [turn.id for turn in chain])
        return states[low : high + 1]

    def _may_block(self, step: Step, path: ProxyPath, source: str, target: str) -> bool:
        return any(
            self.book.judge(path.protocol, s, t).blocks
            for s in self._builds(step, source)
            for t in self._builds(step, target)
        )

    def _builds(self, step: Step, server: str) -> list[Build]:
        chain = [s for s in self.steps if s.kind.changes_build and server in s.servers]
        builds = [self.start.builds[server], *(s.to_build for s in chain if s.to_build)]
        low, high = self._window(step, [s.id for s in chain])
        return builds[low : high + 1]

    def _window(self, step: Step, chain: Sequence[str]) -> tuple[int, int]:
        """How many of a chain of steps have surely, and have at most, been done by then."""
        sure, later = self._around[step.id]
        return sum(name in sure for name in chain), sum(name not in later for name in chain)
