"""Paths of one protocol with their worst verdict in one state: by builds, not by server pairs."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.model.routing import Decision, route
from orchestrator.model.state import State
from orchestrator.model.topology import Protocol, ProxyPath, Topology
from orchestrator.rules.engine import Judgement, RuleBook


@dataclass(frozen=True)
class JudgedPath:
    """A path, how it is routed, and the worst judgement of any pair of builds on it."""

    path: ProxyPath
    decision: Decision
    judgement: Judgement

    @property
    def rank(self) -> tuple[bool, int]:
        """Greater is worse."""
        return self.judgement.blocks, self.judgement.verdict.severity


def judged_paths(
    topology: Topology, state: State, book: RuleBook, protocol: Protocol
) -> list[JudgedPath]:
    """Every path of a protocol, in the topology's order."""
    kinds = book.kinds(topology, state)
    modes = {pool.id: state.mode(pool, protocol) for pool in topology.pools.values()}
    found = []
    for path in topology.paths:
        if path.protocol is not protocol:
            continue
        decision = route(path.source, path.target, protocol, modes[path.target])
        worst = max(
            (
                book.judge_route(decision, protocol, source, target, folder=target in folders)
                for source, folders in kinds[path.source]
                for target, _ in kinds[path.target]
            ),
            key=lambda judgement: (judgement.blocks, judgement.verdict.severity),
        )
        found.append(JudgedPath(path, decision, worst))
    return found
