"""The planner's one entry: a checked question in, a plan or the reason for none out."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial

import networkx as nx

from orchestrator.errors import InvalidInput, NoSafePlan
from orchestrator.model.build import Build, Catalogue
from orchestrator.model.plan import Plan, Step, StepKind
from orchestrator.model.schedule import Timing
from orchestrator.model.state import AccessMode, State
from orchestrator.model.topology import Label, PoolId, Protocol, ProxyPath, Topology
from orchestrator.planner.alternatives import MOST_LABELS, Labels, cuts_in_order, on_cycles
from orchestrator.planner.answer import Answer, answer
from orchestrator.planner.assemble import assemble, tidy
from orchestrator.planner.batches import Batch, batches, consent_findings
from orchestrator.planner.brackets import brackets_of
from orchestrator.planner.capable import capable
from orchestrator.planner.certificate import bad_end
from orchestrator.planner.choice import Sets, cheapest_plan
from orchestrator.planner.constraints import PathFacts
from orchestrator.planner.core import MOST_STEPS
from orchestrator.planner.decisions import Decisions
from orchestrator.planner.demands import Demands, demands_of
from orchestrator.planner.draft import Draft
from orchestrator.planner.floor import Piece, least_cost
from orchestrator.planner.folders import add_folders
from orchestrator.planner.pilot import PROBE_MINUTES, add_pilot, leaning
from orchestrator.planner.price import Prices
from orchestrator.planner.probes import Observer
from orchestrator.planner.question import Core
from orchestrator.planner.stops import shortest_ways
from orchestrator.planner.way import Change, Ways
from orchestrator.rules.engine import RuleBook

SEES_NOTHING = "Looks at nothing: no pool it would look at has a test_mailbox"

MOST_WEIGHED = 500
"""Labels on cycles up to which what they enclose is part of the bound for any choice of them."""


def make_plan(
    topology: Topology,
    start: State,
    end: State,
    book: RuleBook,
    catalogue: Catalogue,
    *,
    pilot: bool = True,
    beneath: Mapping[str, Collection[Build]] | None = None,
    timing: Timing | None = None,
) -> Plan:
    """Order the work from one state to another so that no path that works stops working.

    Parameters
    ----------
    topology : Topology
    start, end : State
    book : RuleBook
    catalogue : Catalogue
    pilot : bool
        Whether a plan that leans on unproved verdicts opens with a pilot; a rollback does not,
        its states were seen on the way out.
    beneath : mapping of server to collection of Build, optional
        Rollups known to lie under those in force: they show while those are removed.
    timing : Timing, optional
        Windows: every step gets its time, and what is redirected is chosen by them.

    Raises
    ------
    InvalidInput
        If a pool may not fall to zero and would have to.
    NoSafePlan
        With the certificate.
    """
    # Whether a server's own folder outlives its next update nobody has documented.
    lasting = {(name, b) for name, b in start.version_folders if start.builds[name] != b}
    start = start.only_folders(book.folders_of_use(topology, lasting))
    given = (topology, start, end, catalogue, beneath or {})
    ask = partial(_make_plan, *given, pilot=pilot, timing=timing)
    try:
        return ask(book)
    except NoSafePlan:
        if start.version_folders or not book.has_remedies:
            raise
        try:
            made = ask(book.without_remedies())
        except NoSafePlan:
            made = None
        if made is None:
            raise
    remark = (
        "No version folder is copied: with what that repairs kept working from then on there would "
        "be no order"
    )
    return replace(made, remarks=(remark, *made.remarks))


def _make_plan(
    topology: Topology,
    start: State,
    end: State,
    catalogue: Catalogue,
    beneath: Mapping[str, Collection[Build]],
    book: RuleBook,
    *,
    pilot: bool,
    timing: Timing | None,
) -> Plan:
    findings = consent_findings(topology, start, end)
    if findings:
        raise InvalidInput(findings)
    turned = _turned_anyway(topology, start, end)
    charge = book.policy.switch_user_hours * 60

    def ask(ways: Ways, patient: Collection[ProxyPath] = ()) -> Demands:
        return demands_of(topology, start, end, book, ways, turned, patient)

    def prices(ways: Ways) -> Prices:
        return Prices(topology, partial(_batches, topology, ways), charge, timing)

    demands = ask(shortest_ways(topology, start, end, catalogue, beneath))
    bad = [(f, j) for f in demands.facts if (j := f.broken_by_goal())]
    if bad:
        raise bad_end(bad, topology)
    free = capable(topology) - {f.path.label for f in demands.facts if f.broken_after}
    found = answer(topology, demands, ask, free, prices, catalogue)
    facts, ways = found.demands.facts, found.demands.ways

    def build(labels: Labels) -> Plan:
        held = found.demands.held(labels)
        redirected = sorted({*turned, *labels})
        draft = assemble(topology, start, end, catalogue, facts, held, redirected, ways)
        tidy(draft, topology, start, end, _half_turned(topology, start, end) - {*labels})
        return _finish(draft, topology, start, end, book, facts, ways, catalogue, pilot=pilot)

    price = prices(ways)
    sets = _sets(found, free, price)
    if timing is not None and found.cut.labels and not found.demands.cautious:
        chains = {pool.id: batches(topology, pool, ways) for pool in topology.pools.values()}
        asked = found.demands
        core = Core.of(
            topology, timing, charge, chains, asked.arcs, asked.sequence, facts, free, price
        )
        large = None
        if core.size > MOST_STEPS:
            knotted = on_cycles(asked.arcs, asked.sequence)
            large, core = core.cutting(knotted), core.within(knotted)
        if core.size <= MOST_STEPS:
            sets = _with_all_they_enclose(sets, core)
        sets = replace(sets, core=core, large=large)
    if found.cut.labels and not found.demands.cautious:
        sets = replace(sets, floor=partial(_floor, found, free, price))
    made = cheapest_plan(topology, sets, build, charge, timing)
    return replace(made, remarks=(*found.remarks, *made.remarks))


def _sets(found: Answer, free: Collection[Label], price: Prices) -> Sets:
    """Which sets of labels to try: the cheapest by itself, and where there are few all others."""
    cut, sequence = found.cut, found.demands.sequence
    knotted = on_cycles(found.demands.arcs, sequence)
    labels = {arc.label for arc in knotted} & {*free}
    cheapest = cut.at_least, cut.labels
    if not labels or len(labels) > MOST_LABELS:
        return Sets([cheapest, (cut.at_least, None)], cut.at_least)
    others = cut.cost + min(map(price, labels))  # such as hold a cheaper one and more
    if found.demands.cautious:
        others = cut.at_least  # other demands might do with other labels
    tried = cuts_in_order(knotted, labels, price, sequence)
    at_least, first = next(tried)
    # The search for other sets may end before it has found any.
    rest = tried if first else [(at_least, None)]
    return Sets(itertools.chain([(at_least, first) if first else cheapest], rest), others)


def _with_all_they_enclose(sets: Sets, core: Core) -> Sets:
    """All sets of labels by what they cost with that, or one more where it takes too long."""
    decisions = Decisions(core)
    tried = decisions.sets()
    first = next(tried)
    if decisions.given_up:
        return replace(sets, tried=itertools.chain([first], sets.tried), at_least=first[0])
    return Sets(itertools.chain([first], tried), None)


def _floor(
    found: Answer, free: Collection[Label], price: Prices, pieces: Sequence[Piece] = ()
) -> int:
    """What any labels cost at least, with all that each of them encloses; 0 if there are many."""
    asked = found.demands
    knotted = on_cycles(asked.arcs, asked.sequence)
    labels = {arc.label for arc in knotted} & {*free}
    if not labels or len(labels) > MOST_WEIGHED:
        return 0
    brackets = brackets_of(asked.facts, labels)
    return least_cost(price, knotted, brackets, asked.sequence, pieces)


def _batches(topology: Topology, ways: Ways, pool: PoolId) -> dict[Change, list[Batch]]:
    return batches(topology, topology.pools[pool], ways)


def _finish(
    draft: Draft,
    topology: Topology,
    start: State,
    end: State,
    book: RuleBook,
    facts: list[PathFacts],
    ways: Ways,
    catalogue: Catalogue,
    *,
    pilot: bool,
) -> Plan:
    remarks = [
        f"{fact.path} does not work today, or is not known to, and this plan does not change that"
        for fact in facts
        if fact.broken_now and fact.broken_after
    ]
    urgent = _repairs_first(draft, facts)
    folders = add_folders(draft, topology, start, facts, ways, book)
    urgent |= folders.repairing
    remarks += folders.remarks
    leans = leaning(draft, facts) if draft.steps else {}
    leans_on = sorted({lean.rule for kinds in leans.values() for lean in kinds})
    if leans and pilot:
        rest = add_pilot(draft, topology, facts, leans)
        remarks += [
            f"The pilot does not show whether {lean.source} in front of {lean.target} works "
            f"({lean.rule}); the verification of the step that brings it about is the first to see"
            for lean in sorted(rest)
        ]
    if draft.steps:
        _add_last_look(draft, topology)
    steps = draft.ordered(lambda step: _rank(step, urgent))
    observer = Observer(topology, start, steps, book)
    watched = [_watched(step, observer) for step in steps]
    remarks += [
        f"Paths into {pool.id} cannot be probed: it has no test_mailbox"
        for pool in topology.pools.values()
        if topology.paths_into[pool.id] and not pool.test_mailbox
    ]
    remarks += _passing_builds(steps, catalogue)
    folders_then = start.version_folders.union(*(step.folders for step in steps))
    end = end.only_folders(()).with_folders(folders_then)
    return Plan(tuple(watched), start, end, tuple(leans_on), tuple(remarks))


def _passing_builds(steps: list[Step], catalogue: Catalogue) -> list[str]:
    """Removals that may show another build for a while; the states checked hold it."""
    return [
        f"{step.id}: {', '.join(step.servers)} may answer with "
        f"{' or '.join(map(catalogue.name, step.passes))} after the removal and before "
        f"{catalogue.name(step.to_build)} is there again; the check covers those minutes"
        for step in steps
        if step.passes and step.to_build
    ]


def _turned_anyway(topology: Topology, start: State, end: State) -> set[Label]:
    """Labels whose ExternalURLs differ between start and end, so they are switched in any case."""
    differing = {
        (name, protocol)
        for (name, protocol), _ in start.external_urls.items() ^ end.external_urls.items()
    }
    labels = {Label(topology.servers[name].pool, protocol) for name, protocol in differing}
    return {
        label
        for label in labels
        if AccessMode.REDIRECT
        in {state.mode(topology.pools[label.pool], label.protocol) for state in (start, end)}
    }


def _half_turned(topology: Topology, start: State, end: State) -> set[Label]:
    """Labels that change without ever being redirected: a switch was left half-way."""
    return {
        Label(pool.id, protocol)
        for pool in topology.pools.values()
        for protocol in Protocol
        if any(
            start.external_urls.get((name, protocol)) != end.external_urls.get((name, protocol))
            for name in pool.servers
        )
        and AccessMode.REDIRECT not in {state.mode(pool, protocol) for state in (start, end)}
    }


def _repairs_first(draft: Draft, facts: list[PathFacts]) -> set[str]:
    """Put the end that repairs a path before the other; return the repairing steps.

    The other end is bound only where no rule already asks for the opposite.
    """
    wanted: set[str] = set()
    for fact in facts:
        for change, other in fact.repairers:
            repairing = draft.changes[change]
            wanted |= {*repairing}
            for name in draft.changes.get(other, [])[:1]:
                if not nx.has_path(draft.order, name, repairing[0]):
                    draft.before(repairing[-1], name)
    return draft.upstream(wanted)


def _add_last_look(draft: Draft, topology: Topology) -> None:
    last = Step(
        id=draft.name("verify", "all-paths"),
        kind=StepKind.VERIFY,
        pool=next(iter(topology.pools)),
        servers=(),
        protocols=tuple(sorted({path.protocol for path in topology.paths})),
        after=(),
        estimated_minutes=PROBE_MINUTES,
        reason="Every path is looked at once more, through every source",
    )
    others = list(draft.steps)
    draft.add(last)
    for name in others:
        draft.before(name, last.id)


def _rank(step: Step, urgent: set[str]) -> tuple[object, ...]:
    """Pilot first, then repairs; a redirection begins as late and ends as soon as it can."""
    haste = {StepKind.RESTORE_PROXYING: 0, StepKind.ENABLE_REDIRECTION: 2}.get(step.kind, 1)
    return (not step.pilot, step.id not in urgent, haste, step.pool)


def _watched(step: Step, observer: Observer) -> Step:
    """The step with the probes that show what it did; a pilot's change is shown by its proof."""
    topology = observer.topology
    touching = topology.paths_at[step.pool]
    if step.kind is StepKind.VERIFY:
        looking = observer.with_probes(step, touching if step.pilot else topology.paths)
        # A step that looks at nothing shows nothing, and must not say that it does.
        return looking if looking.probes else replace(looking, reason=SEES_NOTHING, rules=())
    if step.kind.changes_urls:
        return observer.with_probes(step, topology.paths_into[step.pool])
    if step.kind.copies_folder:
        return observer.with_probes(step, (p for p in touching if p.source == step.pool))
    if step.pilot:
        return step
    unchanged = {*topology.pools[step.pool].servers} - {*step.servers}
    return observer.with_probes(step, touching, without=unchanged)
