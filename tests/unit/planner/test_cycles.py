"""The cheapest cut against plain branching, on graphs small enough for both."""

from __future__ import annotations

import itertools
import random
import subprocess
import sys

import networkx as nx
import pytest
from benchmarks.families import family, mixed
from support.branching import Multigraph, cheapest

from orchestrator.model.build import Build
from orchestrator.model.topology import Label, PoolId, Protocol, ProxyPath
from orchestrator.planner.constraints import Arc, order_arcs, path_facts
from orchestrator.planner.cycles import cheapest_cut, find_cycle
from orchestrator.planner.hitting import cheapest_hitting_set
from orchestrator.planner.vertex_form import VertexForm
from orchestrator.planner.way import Change
from orchestrator.rules.engine import Judgement

POOLS = [PoolId(f"p{n:02}", "2010") for n in range(60)]
CHANGES = [Change(pool, Build(14, 2, 1, 0), Build(14, 2, 2, 0)) for pool in POOLS]
LABELS = [Label(pool, Protocol.OWA) for pool in POOLS]
JUDGEMENT = Judgement.__new__(Judgement)


def as_arcs(graph: Multigraph) -> list[Arc]:
    path = ProxyPath(POOLS[0], POOLS[1], Protocol.OWA, 1)
    return [
        Arc(CHANGES[a], CHANGES[b], LABELS[label], path, JUDGEMENT)
        for (a, b), labels in graph.items()
        for label in labels
    ]


def vertex_form(rng: random.Random, end: int) -> Multigraph:
    """Every node owns the label of all its ways out (0) or in (1); two-cycles are common."""
    size = rng.randint(2, 9)
    pairs = {
        arc
        for a, b in itertools.permutations(range(size), 2)
        if rng.random() < rng.choice([0.1, 0.3, 0.5])
        for arc in ([(a, b), (b, a)] if rng.random() < 0.4 else [(a, b)])
    }
    return {arc: frozenset({arc[end]}) for arc in sorted(pairs)}


def labelled(rng: random.Random) -> Multigraph:
    """Labels strewn over arcs, up to two on one."""
    size, labels = rng.randint(2, 7), rng.randint(1, 7)
    return {
        (a, b): frozenset(rng.randrange(labels) for _ in range(rng.randint(1, 2)))
        for a, b in itertools.permutations(range(size), 2)
        if rng.random() < 0.35
    }


def draw(seed: int) -> tuple[Multigraph, set[int], dict[int, int]]:
    rng = random.Random(seed)
    kind = seed % 3
    graph = labelled(rng) if kind == 2 else vertex_form(rng, kind)
    labels = sorted(frozenset[int]().union(*graph.values()))
    free = {label for label in labels if rng.random() < rng.choice([0.7, 1.0])}
    top = rng.choice([1, 3, 30])
    return graph, free, {label: rng.randint(0, top) for label in labels}


@pytest.mark.parametrize("block", range(10))
def test_cut_costs_what_branching_finds_and_leaves_no_cycle(block: int) -> None:
    cuts = 0
    for seed in range(block * 150, block * 150 + 150):
        graph, free, weights = draw(seed)
        users = {LABELS[label]: weight for label, weight in weights.items()}
        arcs = as_arcs(graph)
        cut = cheapest_cut(arcs, {LABELS[label] for label in free}, users.__getitem__)
        best = cheapest(graph, free, weights)
        if best is None:
            assert cut is None, seed
            continue
        assert cut is not None, seed
        assert (cut.cost, len(cut.labels)) == best, seed
        assert cut.proven
        assert cut.at_least == cut.cost, seed
        assert find_cycle([arc for arc in arcs if arc.label not in cut.labels]) is None
        assert {*cut.labels} <= {LABELS[label] for label in free}
        cuts += len(cut.labels) > 1
    assert cuts > 30


def test_reductions_alone_keep_the_optimum() -> None:
    """What the reductions spend, plus the optimum of what they leave, is the optimum."""
    reduced = 0
    for seed in range(600):
        rng = random.Random(f"reductions {seed}")
        graph = vertex_form(rng, 0)
        size = 1 + max((node for arc in graph for node in arc), default=0)
        weights = {n: rng.randint(0, rng.choice([2, 20])) for n in range(size)}
        form = VertexForm(
            [{b for a, b in graph if a == n} for n in range(size)],
            [{a for a, b in graph if b == n} for n in range(size)],
            [weights[n] for n in range(size)],
        )
        left = form.reduce()
        rest = {(a, b): frozenset({a}) for a in left for b in form.successors[a]}
        kept = {n for n in left if form.weights[n] is None}
        price = {n: form.weights[n] or 0 for n in left}
        inner = cheapest(rest, left - kept, price)
        assert inner is not None
        best = cheapest(graph, range(size), weights)
        assert best is not None
        assert form.spent + inner[0] == best[0], seed
        found = cheapest_hitting_set(rest, form.weights) if rest else None
        cut = form.expand(found.labels if found else ())
        assert sum(weights[n] for n in cut) == best[0], seed
        assert nx.is_directed_acyclic_graph(
            nx.DiGraph([(a, b) for a, b in graph if a not in cut and b not in cut])
        )
        reduced += not left
    assert reduced > 400


def test_order_of_the_arcs_does_not_matter() -> None:
    for farm in (family("scale-free", 150, 1), mixed(150, 2)):
        facts = path_facts(farm.topology, farm.start, farm.end, farm.book)
        arcs = order_arcs(facts)
        free = {arc.label for arc in arcs if arc.label.protocol is Protocol.OWA}
        users = farm.topology.users_of
        first = cheapest_cut(arcs, free, users)
        assert first is not None
        assert first.labels
        for seed in range(3):
            random.Random(seed).shuffle(arcs)
            assert cheapest_cut(arcs, free, users) == first


def test_shortest_cycle_is_found_and_none_where_there_is_none() -> None:
    ring = {(0, 1): frozenset({0}), (1, 2): frozenset({1}), (2, 0): frozenset({2})}
    short = {(3, 4): frozenset({3}), (4, 3): frozenset({4}), (2, 3): frozenset({2})}
    found = find_cycle(as_arcs({**ring, **short}))
    assert found is not None
    assert {*found} == {(CHANGES[3], CHANGES[4]), (CHANGES[4], CHANGES[3])}
    assert find_cycle(as_arcs({(0, 1): frozenset({0})})) is None


def test_solver_is_imported_only_where_a_cycle_needs_it() -> None:
    code = (
        "import sys, orchestrator.cli.main; "
        "print([m for m in ('scipy', 'numpy', 'igraph') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
