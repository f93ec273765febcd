"""A plan in the making: steps without their order, and the order as a graph."""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import networkx as nx

from orchestrator.model.plan import Step
from orchestrator.model.topology import PoolId
from orchestrator.planner.reach import Reach
from orchestrator.planner.way import Change

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
    _of_pool: dict[PoolId, list[str]] = field(default_factory=dict)

    def change(self, change: Change, chain: list[str]) -> None:
        """Note the steps that carry a change out, in their order."""
        self.changes[change] = chain
        self._of_pool.setdefault(change.pool, []).extend(chain)

    def of_pool(self, pool: PoolId) -> list[str]:
        """The steps that change builds of a pool, in their order."""
        return self._of_pool.get(pool, [])

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
        if plain not in self.steps:
            return plain
        return next(name for n in itertools.count(2) if (name := f"{plain}-{n}") not in self.steps)

    def revise(self, step_id: str, **changes: object) -> None:
        """Replace fields of a step."""
        self.steps[step_id] = dataclasses.replace(self.steps[step_id], **changes)  # type: ignore[arg-type]

    def upstream(self, ids: Iterable[str]) -> set[str]:
        """The steps and everything that must come before them."""
        wanted = set(ids)
        stack = list(wanted)
        while stack:
            for name in self.order.predecessors(stack.pop()):
                if name not in wanted:
                    wanted.add(name)
                    stack.append(name)
        return wanted

    def ordered(self, rank: Callable[[Step], Sequence[object]]) -> list[Step]:
        """The steps in one order that respects all demands, ``after`` reduced to the needed."""
        reach = Reach(self.order)
        names = nx.lexicographical_topological_sort(
            self.order, key=lambda name: (*rank(self.steps[name]), name)
        )
        return [
            dataclasses.replace(self.steps[name], after=tuple(reach.needed(name))) for name in names
        ]
