"""A plan in the making: steps without their order, and the order as a graph."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import networkx as nx

from orchestrator.model.plan import Step
from orchestrator.model.topology import PoolId
from orchestrator.planner.constraints import Change

_UNSAFE = re.compile(r"[^a-z0-9]+")


@dataclass
class Draft:
    """Steps by id, what must come before what, and the steps of each change.

    Parameters
    ----------
    order : networkx.DiGraph
        Nodes are step ids; an edge runs from a step to one that comes after it.
    """

    steps: dict[str, Step] = field(default_factory=dict)
    order: nx.DiGraph[str] = field(default_factory=nx.DiGraph)
    changes: dict[Change, list[str]] = field(default_factory=dict)

    def of_pool(self, pool: PoolId) -> list[str]:
        """The steps that change builds of a pool, in their order."""
        return [
            name for change, chain in self.changes.items() if change.pool == pool for name in chain
        ]

    def add(self, step: Step) -> None:
        """Add a step without any order yet."""
        self.steps[step.id] = step
        self.order.add_node(step.id)

    def before(self, first: str, then: str) -> None:
        """Demand that one step comes before another."""
        self.order.add_edge(first, then)

    def name(self, *words: object) -> str:
        """A step id from words: lower-case letters, digits and hyphens, never used before."""
        plain = "-".join(filter(None, (_UNSAFE.sub("-", str(w).lower()).strip("-") for w in words)))
        candidates = (plain, *(f"{plain}-{n}" for n in range(2, len(self.steps) + 3)))
        return next(name for name in candidates if name not in self.steps)

    def revise(self, step_id: str, **changes: object) -> None:
        """Replace fields of a step."""
        self.steps[step_id] = dataclasses.replace(self.steps[step_id], **changes)  # type: ignore[arg-type]

    def upstream(self, ids: Iterable[str]) -> set[str]:
        """The steps and everything that must come before them."""
        wanted = set(ids)
        return wanted.union(*(nx.ancestors(self.order, name) for name in wanted))

    def ordered(self, rank: Callable[[Step], Sequence[object]]) -> list[Step]:
        """The steps in one order that respects all demands, ``after`` reduced to the needed."""
        reduced = nx.transitive_reduction(self.order)
        names = nx.lexicographical_topological_sort(
            self.order, key=lambda name: (*rank(self.steps[name]), name)
        )
        return [
            dataclasses.replace(self.steps[name], after=tuple(sorted(reduced.predecessors(name))))
            for name in names
        ]
