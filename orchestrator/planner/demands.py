"""What the rules ask of one choice of ways, and whether all of it can be met."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import networkx as nx

from orchestrator.errors import NoSafePlan
from orchestrator.model.state import State
from orchestrator.model.topology import Label, Protocol, ProxyPath, Topology
from orchestrator.planner.constraints import (
    Arc,
    Disjunction,
    PathFacts,
    disjunctions,
    order_arcs,
    path_facts,
)
from orchestrator.planner.cycles import Sequences
from orchestrator.planner.way import Change, Ways, in_sequence
from orchestrator.rules.engine import RuleBook


class Undecided(NoSafePlan):
    """Two orders keep a bad state from happening, and nothing decides between them."""


@dataclass(frozen=True)
class Demands:
    """What has to come before what, by labels that lift it.

    Parameters
    ----------
    ways : mapping of server to Way
    facts : list of PathFacts
    arcs : list of Arc
        Without those of labels that are turned in any case.
    sequence : collection of pairs of Change
        Changes of the same servers.
    choices : list of Disjunction
        States two demands keep out equally well.
    """

    ways: Ways
    facts: list[PathFacts]
    arcs: list[Arc]
    sequence: Sequences
    choices: list[Disjunction]

    @property
    def cautious(self) -> list[ProxyPath]:
        """Paths broken today of which some demand might not be needed (`Grid.patient`)."""
        return [f.path for f in self.facts if any(pair.grid.cautious for pair in f.pairs)]

    def held(self, redirected: Collection[Label]) -> list[Arc]:
        """The arcs that hold while some labels are redirected.

        Raises
        ------
        Undecided
            If a state could be kept out in two ways and nothing decides between them.
        """
        arcs = [arc for arc in self.arcs if arc.label not in redirected]
        choices = [one for one in self.choices if one.path.label not in redirected]
        return settled(arcs, self.sequence, choices) if choices else arcs


def demands_of(
    topology: Topology,
    start: State,
    end: State,
    book: RuleBook,
    ways: Ways,
    turned: Collection[Label],
    patient: Collection[ProxyPath] = (),
) -> Demands:
    """What the rules ask if servers go these ways.

    Parameters
    ----------
    turned : collection of Label
        Labels redirected at the start or in the end, which lift their arcs in any case.
    patient : collection of ProxyPath
        Paths broken today that need not be repaired early.
    """
    facts = path_facts(topology, start, end, book, ways, patient)
    return Demands(
        ways,
        facts,
        [arc for arc in order_arcs(facts) if arc.label not in turned],
        in_sequence(ways.values()),
        [one for one in disjunctions(facts) if one.path.label not in turned],
    )


def settled(
    arcs: Sequence[Arc], sequence: Iterable[tuple[Change, Change]], choices: Sequence[Disjunction]
) -> list[Arc]:
    """The arcs, and what follows for states that two demands keep out equally well.

    Such a state is kept out already if the arcs imply one of the two. Where both are about the
    same two changes it only means that they must not be made at the same time: the later of them
    in any order waits for the earlier. Where the arcs imply the opposite of one, it is the other.

    Raises
    ------
    Undecided
        If a choice is left. It is never made here: which pool goes first is for people to say.
    """
    order: nx.DiGraph[Change] = nx.DiGraph()
    order.add_edges_from(sequence)
    order.add_edges_from((arc.first, arc.then) for arc in arcs)
    order.add_nodes_from(change for one in choices for way in one.ways for change in way)
    place = {change: n for n, change in enumerate(nx.lexicographical_topological_sort(order))}
    added: list[Arc] = []
    for one in choices:
        (first, then), other = one.ways
        if other == (then, first) and not any(nx.has_path(order, *way) for way in one.ways):
            ends = sorted((first, then), key=place.__getitem__)
            added.append(Arc(ends[0], ends[1], one.path.label, one.path, one.judgement))
    order.add_edges_from((arc.first, arc.then) for arc in added)
    left = [*choices]
    while left:
        left = [one for one in left if not any(nx.has_path(order, *way) for way in one.ways)]
        forced = next((arc for one in left for arc in _only_way(order, one)), None)
        if forced is None:
            break
        order.add_edge(forced.first, forced.then)
        added.append(forced)
    if left:
        raise _undecided(left[0], order)
    return [*arcs, *added]


def _only_way(order: nx.DiGraph[Change], one: Disjunction) -> list[Arc]:
    """The demand that is left of a choice, where the opposite of the other one holds."""
    free = [way for way in one.ways if not nx.has_path(order, *reversed(way))]
    return [Arc(*way, one.path.label, one.path, one.judgement) for way in free if len(free) == 1]


def _undecided(one: Disjunction, order: nx.DiGraph[Change]) -> Undecided:
    source, target = one.builds
    rule = one.judgement.rule
    either, other = (
        f"{first.pool} to {first.new} before {then.pool} to {then.new}" for first, then in one.ways
    )
    label = one.path.label
    redirect = f"or redirect {label} for good; " if label.protocol is Protocol.OWA else ""
    none_left = all(nx.has_path(order, *reversed(way)) for way in one.ways)
    but = (
        "other rules ask for the opposite of both" if none_left else "no rule decides between them"
    )
    return Undecided(
        f"Not supported: {one.path} must never be on {source} in front of {target}, which is "
        f"{one.judgement.verdict} by rule {rule.id} [{rule.confidence}]. Two orders keep that from "
        f"happening, and {but}:\n  either {either}\n  or {other}",
        "make two plans of it, the first to the build in between of one of the two pools, then "
        f"the rest; or list packages that lead past that build; {redirect}or hold one of the pools",
    )
