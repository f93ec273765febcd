"""Version folders: which source needs one of which build, and the steps that put it there.

Some rules break a pair only while the source lacks the folder ``owa\\<exact build of the target>``
(KB 947168). Such a state asks neither for an order nor for a redirection: the folder is copied
before anything leads into it. A copy takes nothing away and waits for nothing, so it can stand in
front of every change it is for without closing a circle.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import networkx as nx

from orchestrator.model.build import Build
from orchestrator.model.plan import Step, StepKind
from orchestrator.model.state import State
from orchestrator.model.topology import Label, PoolId, Protocol, ProxyPath, Topology
from orchestrator.planner.constraints import PathFacts
from orchestrator.planner.draft import Draft
from orchestrator.planner.grid import Cell, Grid, PairFacts
from orchestrator.planner.reach import Reach
from orchestrator.planner.way import Change, Ways
from orchestrator.rules.engine import RuleBook
from orchestrator.rules.rule import Verdict

COPY_MINUTES = 10
"""Copying one folder to the servers of a pool, one after the other; our estimate, not measured."""

MOST_NAMED = 5
"""Servers named in one remark."""


@dataclass(frozen=True)
class Folders:
    """What was added to a draft.

    Parameters
    ----------
    repairing : set of str
        Steps that repair a path which is broken today.
    remarks : list of str
    """

    repairing: set[str] = field(default_factory=set)
    remarks: list[str] = field(default_factory=list)


@dataclass
class _Need:
    """One folder that servers of one pool lack."""

    servers: set[str] = field(default_factory=set)
    paths: set[ProxyPath] = field(default_factory=set)
    rules: set[str] = field(default_factory=set)
    verdicts: set[Verdict] = field(default_factory=set)
    before: set[Change] = field(default_factory=set)
    repairs: bool = False


def add_folders(
    draft: Draft,
    topology: Topology,
    start: State,
    facts: Sequence[PathFacts],
    ways: Ways,
    book: RuleBook,
) -> Folders:
    """Add a step for every version folder that some state of the draft needs.

    Parameters
    ----------
    draft : Draft
        With its changes and their order.
    ways : mapping of server to Way
    """
    added = Folders()
    if not book.has_remedies:
        return added
    steps: list[Step] = []
    for (pool, build), need in sorted(_needs(draft, topology, start, facts, ways, book).items()):
        steps.append(_step(draft, topology, start, pool, build, need))
        _first_of_all(draft, steps[-1], need)
        if need.repairs:
            added.repairing.add(steps[-1].id)
    for step in steps:
        if not step.origins:
            added.remarks.extend(_origin_in_plan(draft, step))
    added.remarks.extend(_taken_away(draft, start, steps))
    return added


def _needs(
    draft: Draft,
    topology: Topology,
    start: State,
    facts: Sequence[PathFacts],
    ways: Ways,
    book: RuleBook,
) -> Mapping[tuple[PoolId, Build], _Need]:
    found: dict[tuple[PoolId, Build], _Need] = {}
    seen = _Seen(draft, book)
    for fact in facts:
        path = fact.path
        for pair, cell in seen.of(fact):
            source, target = pair.builds_at(cell)
            lacking = {
                name
                for name in topology.pools[path.source].servers
                if ways[name] == pair.source and (name, target) not in start.version_folders
            }
            if not lacking:
                continue
            need = found.setdefault((path.source, target), _Need())
            need.servers |= lacking
            need.paths.add(path)
            without = book.judge(path.protocol, source, target)
            need.rules.add(without.rule.id)
            need.verdicts.add(without.verdict)
            need.before |= {*pair.source.changes, *pair.target.changes}
            need.repairs |= cell == (0, 0) and fact.proxied_before
    return found


def _taken_away(draft: Draft, start: State, copies: Sequence[Step]) -> list[str]:
    """What users may see of an update that takes copied folders away, for moments."""
    having = {name for name, _ in start.version_folders}
    having.update(name for step in copies for name in step.servers)
    changed = {n for s in draft.steps.values() if s.kind.changes_build for n in s.servers}
    servers = sorted(having & changed)
    if not servers:
        return []
    named = ", ".join(servers[:MOST_NAMED])
    more = f" and {len(servers) - MOST_NAMED} more" if len(servers) > MOST_NAMED else ""
    remark = (
        f"{named}{more}: should a change of build take version folders away, they are put back "
        "before the server returns to service; with exchange_drain_method: none (the default) "
        "nothing keeps users away until then, and for moments paths that need the folders may "
        "answer broken"
    )
    return [remark]


class _Seen:
    """The cells that need a folder and may come about; grids are shared, so they are asked once."""

    def __init__(self, draft: Draft, book: RuleBook) -> None:
        self._draft = draft
        self._book = book
        self._known: dict[int, tuple[Grid, tuple[Cell, ...]]] = {}

    def of(self, fact: PathFacts) -> Iterator[tuple[PairFacts, Cell]]:
        """Of a path; more rather than fewer where it is redirected for a part of the plan."""
        if not (fact.proxied_before or fact.proxied_after):
            return
        for pair in fact.pairs:
            for cell in self._needing(fact.path.protocol, pair):
                if not _kept_out(self._draft, pair, cell, self._reach):
                    yield pair, cell

    def _needing(self, protocol: Protocol, pair: PairFacts) -> tuple[Cell, ...]:
        grid = pair.grid
        if id(grid) not in self._known:
            needs = self._book.needs_folder
            cells = tuple(c for c in grid.cells if needs(protocol, *pair.builds_at(c)))
            self._known[id(grid)] = (grid, cells)
        return self._known[id(grid)][1]

    @cached_property
    def _reach(self) -> Reach:
        return Reach(self._draft.order)


def _kept_out(draft: Draft, pair: PairFacts, cell: Cell, reach: Reach) -> bool:
    """Whether the order lets one end leave its build before the other comes to its own."""
    row, column = pair.grid.source[cell[0]], pair.grid.target[cell[1]]
    sources, targets = pair.source.changes, pair.target.changes
    return any(
        out <= len(leaving) and into and _precedes(draft, reach, leaving[out - 1], coming[into - 1])
        for out, leaving, into, coming in (
            (row.leaves, sources, column.enters, targets),
            (column.leaves, targets, row.enters, sources),
        )
    )


def _precedes(draft: Draft, reach: Reach, first: Change, then: Change) -> bool:
    if first not in draft.changes or then not in draft.changes:
        return False
    return reach.precedes(draft.changes[first][-1], draft.changes[then][0])


def _step(
    draft: Draft, topology: Topology, start: State, pool: PoolId, build: Build, need: _Need
) -> Step:
    targets = {path.target for path in need.paths}
    having = {name for name, found in start.builds.items() if found == build}
    near = {name for name in having if topology.servers[name].pool in targets}
    having |= {name for name, found in start.version_folders if found == build}
    step = Step(
        id=draft.name(StepKind.COPY_OWA_RESOURCES, pool.site, pool.product_line, build),
        kind=StepKind.COPY_OWA_RESOURCES,
        pool=pool,
        servers=tuple(name for name in topology.pools[pool].servers if name in need.servers),
        protocols=tuple(sorted({path.protocol for path in need.paths})),
        after=(),
        estimated_minutes=COPY_MINUTES,
        reason=_reason(build, need),
        rules=tuple(sorted(need.rules)),
        folder=build,
        origins=tuple(sorted(near or having - need.servers)),
    )
    draft.add(step)
    return step


def _reason(build: Build, need: _Need) -> str:
    paths = ", ".join(map(str, sorted(need.paths)))
    rules = ", ".join(sorted(need.rules))
    worst = sorted(need.verdicts, key=lambda verdict: verdict.severity)
    verdicts = " or ".join(map(str, worst))
    if need.repairs:
        return (
            f"Repairs {paths}, {verdicts} while the source is not known to have the folder "
            f"owa\\{build} ({rules})"
        )
    return f"Without the folder owa\\{build} on the source {paths} would be {verdicts} ({rules})"


def _first_of_all(draft: Draft, step: Step, need: _Need) -> None:
    """Before all that leads into a state that needs the folder, and all that happens to its hosts.

    That a path is proxied again leads there, too.
    Also before the servers it comes from go on to another build: whether they keep the folder
    then nobody has documented.
    """
    for other in draft.steps.values():
        if other.id == step.id or {*other.servers}.isdisjoint(step.servers):
            continue
        if other.kind.copies_folder:
            draft.before(other.id, step.id)
        else:
            draft.before(step.id, other.id)
    for change in need.before & draft.changes.keys():
        draft.before(step.id, draft.changes[change][0])
    labels = {path.label for path in need.paths}
    for other in draft.steps.values():
        back = other.kind is StepKind.RESTORE_PROXYING
        if back and any(Label(other.pool, protocol) in labels for protocol in other.protocols):
            draft.before(step.id, other.id)
    origins = {*step.origins}
    for other in draft.steps.values():
        if other.kind.changes_build and not origins.isdisjoint(other.servers):
            draft.before(step.id, other.id)


def _origin_in_plan(draft: Draft, step: Step) -> list[str]:
    """Let a folder nobody has come from servers that get its build earlier in the plan."""
    behind = nx.descendants(draft.order, step.id)
    for change, chain in sorted(draft.changes.items()):
        if change.new == step.folder and chain[-1] not in behind:
            draft.before(chain[-1], step.id)
            servers = [name for made in chain for name in draft.steps[made].servers]
            draft.revise(step.id, origins=tuple(servers))
            return []
    remark = (
        f"{step.id}: no server has the folder owa\\{step.folder} before this step; lay the files "
        "of an installation of that build into the folder that exchange_owa_resources names"
    )
    return [remark]
