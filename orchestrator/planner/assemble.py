"""From a goal state and the cut to a draft: build changes, redirections, and their order."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import networkx as nx

from orchestrator.model.build import Catalogue
from orchestrator.model.plan import Step, StepKind
from orchestrator.model.state import AccessMode, State
from orchestrator.model.topology import Label, Pool, PoolId, Protocol, Topology
from orchestrator.model.words import counted
from orchestrator.planner.batches import Batch, batches
from orchestrator.planner.brackets import bracket
from orchestrator.planner.constraints import Arc, PathFacts
from orchestrator.planner.draft import Draft
from orchestrator.planner.goal import irreversible_because
from orchestrator.planner.reasons import change_reason, rules_of
from orchestrator.planner.way import Change, Ways, in_sequence

SWITCH_MINUTES = 5
"""Setting the ExternalURL itself, per pool, before replication; our estimate, not measured."""


def assemble(
    topology: Topology,
    start: State,
    end: State,
    catalogue: Catalogue,
    facts: Sequence[PathFacts],
    arcs: Sequence[Arc],
    redirected: Iterable[Label],
    ways: Ways,
) -> Draft:
    """Steps and their order, without pilot and probes.

    Parameters
    ----------
    arcs : sequence of Arc
        Those that hold, of labels not redirected.
    redirected : iterable of Label
        Labels redirected during part of the plan, or at its start or end.
    ways : mapping of server to Way
    """
    draft = Draft()
    made = {pool.id: batches(topology, pool, ways) for pool in topology.pools.values()}
    numbers = {pool: itertools.count(1) for pool in made}
    by_pool, by_label, by_change = _indexed(facts, arcs)
    for change in _change_order(made, arcs, in_sequence(ways.values())):
        near, demands = by_pool[change.pool], by_change[change]
        why = _Why(
            protocols=tuple(sorted({fact.path.protocol for fact in near})),
            reason=change_reason(change, near, demands),
            rules=rules_of(change, near, demands),
        )
        chain = [
            _change(draft, topology, batch, next(numbers[change.pool]), catalogue, why)
            for batch in made[change.pool][change]
        ]
        draft.change(change, chain)
    for pool in made:
        for first, then in itertools.pairwise(draft.of_pool(pool)):
            draft.before(first, then)
    for arc in arcs:
        if arc.first in draft.changes and arc.then in draft.changes:
            draft.before(draft.changes[arc.first][-1], draft.changes[arc.then][0])
    for label in redirected:
        _redirect(draft, topology, label, start, end, by_label[label])
    return draft


@dataclass(frozen=True)
class _Why:
    """What the steps of one change have in common."""

    protocols: tuple[Protocol, ...]
    reason: str
    rules: tuple[str, ...]


def _indexed(
    facts: Iterable[PathFacts], arcs: Iterable[Arc]
) -> tuple[
    Mapping[PoolId, list[PathFacts]], Mapping[Label, list[PathFacts]], Mapping[Change, list[Arc]]
]:
    """Facts by either end and by label, arcs by either change; in their order."""
    by_pool: dict[PoolId, list[PathFacts]] = defaultdict(list)
    by_label: dict[Label, list[PathFacts]] = defaultdict(list)
    by_change: dict[Change, list[Arc]] = defaultdict(list)
    for fact in facts:
        for pool in {fact.path.source, fact.path.target}:
            by_pool[pool].append(fact)
        by_label[fact.path.label].append(fact)
    for arc in arcs:
        for change in {arc.first, arc.then}:
            by_change[change].append(arc)
    return by_pool, by_label, by_change


def _change_order(
    made: Mapping[PoolId, Mapping[Change, object]],
    arcs: Iterable[Arc],
    sequence: Iterable[tuple[Change, Change]],
) -> list[Change]:
    """Changes in an order the arcs allow, so that those of one pool can follow one another."""
    graph: nx.DiGraph[Change] = nx.DiGraph()
    graph.add_nodes_from(change for changes in made.values() for change in changes)
    graph.add_edges_from(
        (arc.first, arc.then) for arc in arcs if arc.first in graph and arc.then in graph
    )
    graph.add_edges_from(sequence)
    return list(nx.lexicographical_topological_sort(graph))


def _change(
    draft: Draft,
    topology: Topology,
    batch: Batch,
    number: int,
    catalogue: Catalogue,
    why: _Why,
) -> str:
    pool = topology.pools[topology.servers[batch.servers[0]].pool]
    kind = StepKind.UPGRADE if batch.new > batch.old else StepKind.DOWNGRADE
    step = Step(
        id=draft.name(kind, pool.id.site, pool.id.product_line, number),
        kind=kind,
        pool=pool.id,
        servers=batch.servers,
        protocols=why.protocols,
        after=(),
        estimated_minutes=batch.minutes,
        reason=why.reason,
        rules=why.rules,
        from_build=batch.old,
        to_build=batch.new,
        passes=batch.passing,
        irreversible_because=irreversible_because(topology, batch.old, batch.new, catalogue),
        outage=batch.outage,
    )
    draft.add(step)
    return step.id


def _redirect(
    draft: Draft,
    topology: Topology,
    label: Label,
    start: State,
    end: State,
    facts: Sequence[PathFacts],
) -> None:
    pool = topology.pools[label.pool]
    began, ends = (state.mode(pool, label.protocol) for state in (start, end))
    span = bracket(facts)
    own = draft.of_pool(pool.id)
    opening = ""
    current = _urls(start, label, pool)
    final = _urls(end, label, pool)
    if began is not AccessMode.REDIRECT:
        during = (
            final if ends is AccessMode.REDIRECT else dict.fromkeys(pool.servers, pool.redirect_url)
        )
        opening = _switch(draft, topology, label, StepKind.ENABLE_REDIRECTION, current, during)
        current = during
        for then in span.opens_before & draft.changes.keys():
            draft.before(opening, draft.changes[then][0])
        for then_step in own[:1]:
            draft.before(opening, then_step)
    if current != final:
        closing = _switch(draft, topology, label, StepKind.RESTORE_PROXYING, current, final)
        for first in span.closes_after & draft.changes.keys():
            draft.before(draft.changes[first][-1], closing)
        for first_step in own[-1:]:
            draft.before(first_step, closing)
        if opening:
            draft.before(opening, closing)


def tidy(
    draft: Draft, topology: Topology, start: State, end: State, labels: Iterable[Label]
) -> None:
    """Give every server of half-switched pools the ExternalURL of the end, before all else there.

    Such a label may be proxied all the time, so this needs no bracket and lifts no demand.
    """
    for label in sorted(labels):
        pool = topology.pools[label.pool]
        own = draft.of_pool(label.pool)[:1]
        prior, new = _urls(start, label, pool), _urls(end, label, pool)
        step = _switch(draft, topology, label, StepKind.RESTORE_PROXYING, prior, new)
        for first in own:
            draft.before(step, first)


def _switch(
    draft: Draft,
    topology: Topology,
    label: Label,
    kind: StepKind,
    prior: dict[str, str],
    new: dict[str, str],
) -> str:
    on = kind is StepKind.ENABLE_REDIRECTION
    users = topology.users_of(label)
    sent = f"{counted(users, 'user')} {'is' if users == 1 else 'are'}"
    pool = topology.pools[label.pool]
    evidence = pool.redirect_evidence or "declared only: no dated evidence that clients reach it"
    reason = (
        f"No order keeps {label} working by proxy; {sent} sent to "
        f"{pool.redirect_url or 'its address'} meanwhile ({evidence})"
        if on
        else f"What made the redirection of {label} necessary is over; the prior values come back"
    )
    step = Step(
        id=draft.name(kind, label.pool.site, label.pool.product_line, label.protocol),
        kind=kind,
        pool=label.pool,
        servers=pool.servers,
        protocols=(label.protocol,),
        after=(),
        estimated_minutes=SWITCH_MINUTES + topology.replication_minutes,
        reason=reason,
        prior_urls=prior,
        new_urls=new,
    )
    draft.add(step)
    return step.id


def _urls(state: State, label: Label, pool: Pool) -> dict[str, str]:
    return {name: state.external_urls.get((name, label.protocol), "") for name in pool.servers}
