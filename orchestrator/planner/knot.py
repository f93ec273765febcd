"""What lies on cycles, by number: changes, the demands between them, and what lifts these."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from orchestrator.model.topology import Label, PoolId, Protocol
from orchestrator.planner.brackets import Bracket
from orchestrator.planner.constraints import Arc
from orchestrator.planner.cycles import Sequences, labels_by_arc, numbered
from orchestrator.planner.hitting import Cycle, Labelled
from orchestrator.planner.price import Prices
from orchestrator.planner.task import Task
from orchestrator.planner.way import Change


class Knot:
    """Changes on cycles.

    Parameters
    ----------
    prices : Prices
    arcs : sequence of Arc
        That lie on cycles.
    brackets : mapping of Label to Bracket
        Of every label that may be redirected.
    sequence : collection of pairs of Change
        Between these changes.

    Attributes
    ----------
    labels : list of Label
        That may be redirected, sorted.
    changes : list of Change
    near : dict of int to dict of int to frozenset of Label
        Two changes of which each has to come first, by number: whichever is later, one of these
        labels is redirected from the start of the earlier to the end of the later.
    """

    def __init__(
        self,
        prices: Prices,
        arcs: Sequence[Arc],
        brackets: Mapping[Label, Bracket],
        sequence: Sequences,
    ) -> None:
        self.prices = prices
        self.arcs = arcs
        self.brackets = brackets
        self.labels = sorted(brackets)
        self.changes, by_label = numbered(arcs, sequence)
        self._named = sorted(by_label)
        weights = [prices(label) if label in brackets else None for label in self._named]
        edges = labels_by_arc(by_label, self._named)
        number = {change: at for at, change in enumerate(self.changes)}
        for first, then in sorted(sequence):
            arc = number[first], number[then]
            edges[arc] = edges.get(arc, frozenset()) | {len(weights)}
            weights.append(None)
        self._edges, self._weights = edges, weights
        self.graph = Labelled(edges, weights)
        self._tasks: dict[Change, list[Task]] = {}
        self._holding = {arc: self._held_by(arc) for arc in edges}
        self.near: dict[int, dict[int, frozenset[Label]]] = {}
        for one, other in edges:
            if one < other and (other, one) in edges:
                self._add_pair(one, other)

    def to_cut(self, cycle: Cycle, chosen: Collection[Label] = ()) -> list[Label]:
        """Labels of which one more must be redirected for a cycle to be gone."""
        numbers = [at for at, label in enumerate(self._named) if label in chosen]
        return [self._named[at] for at in sorted(self.graph.to_cut(cycle, numbers))]

    def open_cycles(self, chosen: Collection[Label]) -> list[Cycle]:
        """Cycles that are left while some labels are redirected."""
        numbers = (at for at, label in enumerate(self._named) if label in chosen)
        return self.graph.open_cycles(frozenset(numbers))

    def holding(self, first: int, then: int) -> tuple[bool, Label | None]:
        """Whether a demand can be lifted, and a label that is redirected all along if it is.

        All along: from before the start of what should have waited to after the end of what it
        should have waited for. None where no label is known to be.
        """
        return self._holding[first, then]

    def couples(self) -> Iterator[tuple[int, int, Label, Label]]:
        """Two changes of which each has to come first, and the label that holds either demand.

        The first label is on where the first change is made after the second, the other one where
        it is made before it; pairs of which one label holds both are left out.
        """
        for one, around in sorted(self.near.items()):
            for other in (number for number in around if number > one):
                first, then = self._holding[one, other][1], self._holding[other, one][1]
                if first is not None and then is not None and first != then:
                    yield one, other, first, then

    def switch(self, label: Label) -> Task:
        """A switch of a label."""
        return self.prices.spans.switch(label.pool)

    def labels_of(self, pool: PoolId) -> list[Label]:
        """Labels of a pool that may be redirected."""
        return [
            Label(pool, protocol) for protocol in Protocol if Label(pool, protocol) in self.brackets
        ]

    def tasks(self, number: int) -> list[Task]:
        """The batches of a change."""
        change = self.changes[number]
        if change not in self._tasks:
            made = self.prices.batches(change.pool)[change]
            self._tasks[change] = [self.prices.spans.batch(change.pool, batch) for batch in made]
        return self._tasks[change]

    def need(self, number: int) -> int:
        """Minutes of all batches of a change."""
        return sum(task.need for task in self.tasks(number))

    def group(self, number: int) -> int:
        """Of windows, the same for all batches of a change."""
        return self.tasks(number)[0].slots.group

    def _held_by(self, arc: tuple[int, int]) -> tuple[bool, Label | None]:
        if any(self._weights[at] is None for at in self._edges[arc]):
            return False, None
        first, then = (self.changes[number] for number in arc)
        found = []
        for at in self._edges[arc]:
            label = self._named[at]
            span = self.brackets[label]
            begins = then.pool == label.pool or then in span.opens_before
            if begins and (first.pool == label.pool or first in span.closes_after):
                found.append(label)
        users = self.prices.topology.users_of
        return True, max(found, key=lambda label: (users(label), label), default=None)

    def _add_pair(self, one: int, other: int) -> None:
        held = [self._holding[one, other], self._holding[other, one]]
        labels = frozenset(label for _, label in held if label is not None)
        # A demand that can be lifted in a way not known here says nothing of who pays.
        if labels and all(label is not None for lifted, label in held if lifted):
            self.near.setdefault(one, {})[other] = labels
            self.near.setdefault(other, {})[one] = labels
