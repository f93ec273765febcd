"""Which first step proves on the farm what the documents leave open."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from orchestrator.model.build import Build
from orchestrator.model.plan import Step, StepKind
from orchestrator.model.topology import Label, Topology
from orchestrator.planner.constraints import PathFacts
from orchestrator.planner.draft import Draft
from orchestrator.planner.grid import Cell, PairFacts
from orchestrator.planner.reach import Reach
from orchestrator.planner.way import Change

PROBE_MINUTES = 5
"""Minutes set aside for a round of probes; our estimate, not measured."""


@dataclass(frozen=True, order=True)
class Lean:
    """A pair of builds some state of the plan rests on without proof.

    Parameters
    ----------
    rule : str
    source, target : Build
    """

    rule: str
    source: Build
    target: Build


def leaning(draft: Draft, facts: Iterable[PathFacts]) -> dict[Change, set[Lean]]:
    """What each change brings about that no document vouches for.

    Redirected moments do not count; moments the order rules out do not either.
    """
    found: dict[Change, set[Lean]] = {}
    reach = Reach(draft.order)
    switched = {
        Label(step.pool, protocol)
        for step in draft.steps.values()
        if step.kind is StepKind.ENABLE_REDIRECTION
        for protocol in step.protocols
    }
    for fact in facts:
        moments = _moments(draft, fact, reach, switched=fact.path.label in switched)
        for pair, cell, bringer in moments:
            judgement = pair.grid.at(cell)
            if judgement.leans:
                lean = Lean(judgement.rule.id, *pair.builds_at(cell))
                found.setdefault(bringer, set()).add(lean)
    return found


def add_pilot(
    draft: Draft,
    topology: Topology,
    facts: Sequence[PathFacts],
    leans: Mapping[Change, set[Lean]],
) -> set[Lean]:
    """Put one step in front of all others that shows most of what the plan leans on.

    Returns
    -------
    set of Lean
        What the pilot does not show.
    """
    repairing = {first for fact in facts for first, _ in fact.repairers}

    reach = Reach(draft.order)
    # The steps of a change follow one another: where one is needed, so is the first.
    firsts = reach.bits(draft.changes[change][0] for change in leans)

    def price(change: Change) -> tuple[object, ...]:
        needed = reach.before(draft.changes[change][0])
        also = (needed & firsts).bit_count()
        users = sum(path.users for path in topology.paths_into[change.pool])
        late = change not in repairing
        return (also, -len(leans[change]), needed.bit_count(), late, users, change)

    chosen = min(leans, key=price)
    first = draft.changes[chosen][0]
    stage = draft.upstream([first])
    proof = Step(
        id=draft.name("verify", "pilot"),
        kind=StepKind.VERIFY,
        pool=chosen.pool,
        servers=(),
        protocols=draft.steps[first].protocols,
        after=(),
        estimated_minutes=PROBE_MINUTES,
        reason="Pilot: "
        + "; ".join(
            f"shows whether {lean.source} in front of {lean.target} works here ({lean.rule})"
            for lean in sorted(leans[chosen])
        ),
        rules=tuple(sorted({lean.rule for lean in leans[chosen]})),
        pilot=True,
    )
    others = [name for name in draft.steps if name not in stage]
    draft.add(proof)
    draft.before(first, proof.id)
    for name in others:
        draft.before(proof.id, name)
    draft.revise(first, pilot=True)
    return set[Lean]().union(*leans.values()) - leans[chosen]


def _moments(
    draft: Draft, fact: PathFacts, reach: Reach, *, switched: bool
) -> Iterator[tuple[PairFacts, Cell, Change]]:
    """The states of a path that may come about while it is proxied, and who brings them."""

    def precedes(first: Change, then: Change) -> bool:
        if first not in draft.changes or then not in draft.changes:
            return False
        return reach.precedes(draft.changes[first][-1], draft.changes[then][0])

    between = fact.proxied_before and not switched
    for pair in fact.pairs:
        sources, targets = pair.source.changes, pair.target.changes
        for cell in pair.grid.cells:
            row, column = pair.grid.source[cell[0]], pair.grid.target[cell[1]]
            if not (row.stop and column.stop) or cell == (0, 0):
                continue
            if cell == pair.grid.end:
                if fact.proxied_after:
                    yield pair, cell, (targets or sources)[-1]
                continue
            if not between:
                continue
            came_by = (
                sources[row.enters - 1] if row.enters else None,
                targets[column.enters - 1] if column.enters else None,
            )
            gone_by = (
                sources[row.leaves - 1] if row.leaves <= len(sources) else None,
                targets[column.leaves - 1] if column.leaves <= len(targets) else None,
            )
            if any(
                gone and came and precedes(gone, came)
                for gone, came in zip(gone_by, reversed(came_by), strict=True)
            ):
                continue
            source, target = came_by
            if target and not (source and precedes(target, source)):
                yield pair, cell, target
            elif source:
                yield pair, cell, source
