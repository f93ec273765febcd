"""Which paths are broken now, and which a careless change would break."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.graph.proxy import proxy_graph
from orchestrator.model.state import State
from orchestrator.model.topology import Topology
from orchestrator.rules.engine import PathJudgement, RuleBook


@dataclass(frozen=True)
class Diagnosis:
    """Every path with its verdict, and what sources-first would do.

    Parameters
    ----------
    paths : tuple of PathJudgement
        Those that do not work first, the most users first among equals.
    sources_first : tuple of PathJudgement
        Paths that work now and would not, if their sources reached the goal before their
        targets; empty without a goal.
    """

    paths: tuple[PathJudgement, ...]
    sources_first: tuple[PathJudgement, ...] = ()

    @property
    def blocked(self) -> tuple[PathJudgement, ...]:
        """Broken paths, and unknown ones nobody accepted."""
        return tuple(found for found in self.paths if found.worst.blocks)


def diagnose(
    topology: Topology, state: State, book: RuleBook, goal: State | None = None
) -> Diagnosis:
    """Judge every path of every protocol in one state."""
    now = _judged(topology, state, book)
    if goal is None:
        return Diagnosis(tuple(now))
    working = {found.path for found in now if not found.worst.blocks}
    careless = []
    for found in now:
        sources = topology.pools[found.path.source].servers
        ahead = state.with_builds({name: goal.builds[name] for name in sources})
        then = book.judge_path(topology, ahead, found.path)
        if found.path in working and then.worst.blocks:
            careless.append(then)
    return Diagnosis(tuple(now), tuple(careless))


def _judged(topology: Topology, state: State, book: RuleBook) -> list[PathJudgement]:
    found: list[PathJudgement] = []
    for protocol in sorted({path.protocol for path in topology.paths}):
        graph = proxy_graph(topology, state, book, protocol)
        found += [data["judgement"] for _, _, data in graph.edges(data=True)]
    return sorted(found, key=_worst_first)


def _worst_first(found: PathJudgement) -> tuple[object, ...]:
    return (
        not found.worst.blocks,
        -found.worst.verdict.severity,
        -found.path.users,
        found.path,
    )
