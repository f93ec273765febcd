"""Topology and state as a networkx graph, one per protocol."""

from __future__ import annotations

import networkx as nx

from orchestrator.model.state import State
from orchestrator.model.topology import PoolId, Protocol, Topology
from orchestrator.rules.engine import RuleBook


def proxy_graph(
    topology: Topology, state: State, book: RuleBook, protocol: Protocol
) -> nx.DiGraph[PoolId]:
    """The graph of one protocol in one state.

    Returns
    -------
    networkx.DiGraph
        Nodes are `PoolId` with ``builds`` (sorted list of Build) and ``mode`` (AccessMode).
        Edges run from source to target with ``judgement`` (PathJudgement) and ``users`` (int).

    Notes
    -----
    Linear in pools and paths, times the server pairs of each path.
    """
    graph: nx.DiGraph[PoolId] = nx.DiGraph()
    for pool in topology.pools.values():
        builds = sorted({state.builds[name] for name in pool.servers})
        graph.add_node(pool.id, builds=builds, mode=state.mode(pool, protocol))
    for path in topology.paths:
        if path.protocol is protocol:
            judgement = book.judge_path(topology, state, path)
            graph.add_edge(path.source, path.target, judgement=judgement, users=path.users)
    return graph
