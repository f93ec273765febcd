"""A conflict core as a question: changes, demands, labels and the calendar."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from orchestrator.model.schedule import Timing
from orchestrator.model.topology import Label, PoolId, Topology
from orchestrator.planner.batches import Batch
from orchestrator.planner.brackets import Bracket, brackets_of
from orchestrator.planner.constraints import Arc, PathFacts
from orchestrator.planner.price import Prices
from orchestrator.planner.way import Change


class Part(NamedTuple):
    """A step of the core: a batch of a change by its number, or a switch of a label."""

    what: Change | Label
    number: int


@dataclass(frozen=True)
class Core:
    """A conflict core as the solver needs it.

    Parameters
    ----------
    topology : Topology
    timing : Timing
    charge : int
        User-minutes a switch counts as.
    chains : mapping of PoolId to mapping of Change to sequence of Batch
        All changes of a pool, in their order.
    arcs : sequence of Arc
        Between these changes, of labels that may be cut and of others.
    sequence : collection of pairs of Change
    brackets : mapping of Label to Bracket
        Of every label that may be redirected.
    price : Prices
        What redirecting a label costs at least, whatever else is done.
    """

    topology: Topology
    timing: Timing
    charge: int
    chains: Mapping[PoolId, Mapping[Change, Sequence[Batch]]]
    arcs: Sequence[Arc]
    sequence: Collection[tuple[Change, Change]]
    brackets: Mapping[Label, Bracket]
    price: Prices

    @classmethod
    def of(
        cls,
        topology: Topology,
        timing: Timing,
        charge: int,
        chains: Mapping[PoolId, Mapping[Change, Sequence[Batch]]],
        arcs: Sequence[Arc],
        sequence: Collection[tuple[Change, Change]],
        facts: Sequence[PathFacts],
        free: Collection[Label],
        price: Prices,
    ) -> Core:
        """All changes, and all labels that lift a demand and may be redirected."""
        brackets = brackets_of(facts, {arc.label for arc in arcs} & {*free})
        changing = {pool: made for pool, made in chains.items() if made}
        return cls(topology, timing, charge, changing, arcs, sequence, brackets, price)

    def within(self, knotted: Sequence[Arc]) -> Core:
        """What of it lies on cycles; demands that other labels could lift are let go."""
        pools = {change.pool for arc in knotted for change in (arc.first, arc.then)}
        return self._between(pools, {arc.label for arc in knotted})

    def of_pools(self, pools: Collection[PoolId]) -> Core:
        """What of it lies between some pools: it costs no more than all of it."""
        return self._between(pools, {label for label in self.brackets if label.pool in pools})

    def _between(self, pools: Collection[PoolId], labels: Collection[Label]) -> Core:
        brackets = {label: self.brackets[label] for label in sorted(self.brackets.keys() & labels)}
        return dataclasses.replace(
            self,
            chains={pool: made for pool, made in self.chains.items() if pool in pools},
            arcs=[
                arc
                for arc in self.arcs
                if arc.first.pool in pools
                and arc.then.pool in pools
                and (arc.label in brackets or arc.label not in self.brackets)
            ],
            sequence=[pair for pair in self.sequence if pair[0].pool in pools],
            brackets=brackets,
        )

    @cached_property
    def near(self) -> Mapping[PoolId, set[PoolId]]:
        """Pools by those between whose changes and theirs a label that may be redirected stands."""
        near: dict[PoolId, set[PoolId]] = {}
        for arc in self.arcs:
            if arc.label in self.brackets and arc.first.pool != arc.then.pool:
                near.setdefault(arc.first.pool, set()).add(arc.then.pool)
                near.setdefault(arc.then.pool, set()).add(arc.first.pool)
        return near

    def cutting(self, knotted: Sequence[Arc]) -> Core:
        """All of it, but labels redirected only where they lie on cycles."""
        labels = {arc.label for arc in knotted}
        brackets = {label: span for label, span in self.brackets.items() if label in labels}
        return dataclasses.replace(self, brackets=brackets)

    @property
    def size(self) -> int:
        """Batches and possible switches."""
        made = sum(len(chain) for own in self.chains.values() for chain in own.values())
        return made + 2 * len(self.brackets)


def plain(part: Part) -> Part:
    """A change without the way it is a part of, which steps do not tell."""
    what = part.what
    if isinstance(what, Change):
        return Part(Change(what.pool, what.old, what.new), part.number)
    return part
