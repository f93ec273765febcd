"""What redirections cost at least, if some demands on the order are kept and others are not.

In a plan every demand is either kept, its first change done before its second begins, or it is
not, and the labels that lift it are redirected meanwhile. What is decided of some demands bounds
every plan that agrees with it:

- A redirection encloses its own pool's changes, of a demand it lifts the beginning of the second
  change and the end of the first, and whatever kept demands put in between.
- Demands on a cycle cannot all be kept. Where several labels lift those that are not, their
  redirections cover together, without a gap, all that is done along the cycle: were none on at
  some moment, every change of the cycle would lie before it, or every one after. And they last
  together at least as long as the ways of kept demands between those that are not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from orchestrator.model.topology import Label
from orchestrator.planner.knots import shortest_cycle
from orchestrator.planner.orders import Numbers, Order
from orchestrator.planner.question import Core
from orchestrator.planner.spans import Row


class Least(NamedTuple):
    """A bound.

    Parameters
    ----------
    cost : int
        User-minutes, charges included.
    inside : mapping of int to set of int
        The changes each redirected label encloses.
    """

    cost: int
    inside: Mapping[int, Numbers]


class _Cycle(NamedTuple):
    """Ways of kept demands that demands not kept join to a cycle, and a label of each of these."""

    parts: tuple[tuple[int, ...], ...]
    labels: tuple[int, ...]


class Covered:
    """Bounds of a core.

    Parameters
    ----------
    core : Core

    Attributes
    ----------
    labels : list of Label
    demands : list of (int, int)
        Pairs of changes by number, the first to be made before the second unless every label that
        asks for it is redirected.
    lifters : list of list of int
        The labels of each demand, by number.
    """

    def __init__(self, core: Core) -> None:
        self._core = core
        self._changes = sorted(change for own in core.chains.values() for change in own)
        number = {change: n for n, change in enumerate(self._changes)}
        self.labels: list[Label] = sorted(core.brackets)
        column = {label: n for n, label in enumerate(self.labels)}
        always = {(number[first], number[then]) for first, then in core.sequence}
        lifters: dict[tuple[int, int], set[int]] = {}
        for arc in core.arcs:
            pair = number[arc.first], number[arc.then]
            if arc.label in column:
                lifters.setdefault(pair, set()).add(column[arc.label])
            else:
                always.add(pair)
        self._always = sorted(always)
        self.demands = sorted(lifters.keys() - always)
        self.lifters = [sorted(lifters[pair]) for pair in self.demands]
        self._own = [
            frozenset(number[change] for change in core.chains.get(label.pool, ()))
            for label in self.labels
        ]
        spans = [core.brackets[label] for label in self.labels]
        self._begins = [
            own | {number[change] for change in span.opens_before & number.keys()}
            for own, span in zip(self._own, spans, strict=True)
        ]
        self._ends = [
            own | {number[change] for change in span.closes_after & number.keys()}
            for own, span in zip(self._own, spans, strict=True)
        ]
        self._users = [core.topology.users_of(label) for label in self.labels]
        self._spans = core.price.spans
        self._switches = [self._spans.switch(label.pool).need for label in self.labels]
        self._known: dict[object, int] = {}
        self._cycles_known: dict[_Cycle, tuple[int, int]] = {}

    def order(self, kept: Collection[int]) -> Order:
        """The order of the changes if some demands are kept."""
        pairs = [self.demands[n] for n in kept]
        return Order(len(self._changes), [*self._always, *pairs])

    def redirected(self, lifted: Collection[int]) -> list[int]:
        """The labels that are redirected if some demands are not kept."""
        return sorted({label for n in lifted for label in self.lifters[n]})

    def least(self, order: Order, lifted: Numbers) -> Least:
        """What every plan costs that keeps an order and does not keep some demands."""
        inside: dict[int, Numbers] = {}
        minutes: dict[int, int] = {}
        for label in self.redirected(lifted):
            begun = {self.demands[n][1] for n in lifted if self._holds(label, n)}
            last = self._ends[label] | begun
            inside[label] = order.between(self._begins[label], last)
            open_ended = frozenset(n for n in begun - self._ends[label] if not order.leads(n, last))
            minutes[label] = self._minutes(label, order, inside[label], open_ended)
        cost = sum(2 * self._core.charge + self._users[n] * minutes[n] for n in minutes)
        return Least(cost + self._together(order, lifted, minutes), inside)

    def _holds(self, label: int, demand: int) -> bool:
        """Whether a label lifts a demand, and is on when its second begins and its first ends."""
        first, then = self.demands[demand]
        around = then in self._begins[label] and first in self._ends[label]
        return around and label in self.lifters[demand]

    def _minutes(self, label: int, order: Order, inside: Numbers, open_ended: Numbers) -> int:
        """The least a label is on that encloses some changes, or of some only the beginning."""
        rows: list[Row] = []
        place: dict[int, int] = {}
        for n in order.sorted(inside):
            after = [place[k] for k in order.nearest(n, place)]
            place[n] = len(rows)
            rows.append(self._row(n, after, begun=n in open_ended))
        return self._cover((label,), rows)

    def _row(self, change: int, after: Sequence[int], *, begun: bool = False) -> Row:
        what = self._changes[change]
        made = self._core.chains[what.pool][what]
        return Row(what.pool, tuple(batch.minutes for batch in made), tuple(after), begun)

    def _cover(self, labels: tuple[int, ...], rows: Sequence[Row]) -> int:
        key = labels, tuple(rows)
        if key not in self._known:
            pools = [self.labels[n].pool for n in labels]
            self._known[key] = self._spans.cover(pools, rows)
        return self._known[key]

    def _together(self, order: Order, lifted: Numbers, minutes: Mapping[int, int]) -> int:
        """What is due beyond each label's own, because together they cover cycles."""
        found = []
        for cycle in self._cycles(order, lifted):
            counts = [Counter(cycle.labels), Counter({*cycle.labels})]
            due = 0
            for times, least in zip(counts, self._covering(cycle), strict=True):
                more = least - sum(times[n] * minutes[n] for n in times)
                due = max(due, min(self._users[n] * more // times[n] for n in times))
            if due:
                found.append((-due, sorted({*cycle.labels})))
        total = 0
        taken: set[int] = set()
        for less, labels in sorted(found):  # no label may pay for two cycles
            if taken.isdisjoint(labels):
                taken.update(labels)
                total -= less
        return total

    def _covering(self, cycle: _Cycle) -> tuple[int, int]:
        """The least that labels last one by one along a cycle, and that they cover together.

        From a change that begins while one label is on the kept demands lead to one that ends while
        the next is on. Added up along the cycle the labels so last as long as all these ways.
        """
        if cycle not in self._cycles_known:
            one_by_one = 2 * sum(self._switches[n] for n in cycle.labels)
            rows: list[Row] = []
            for part in cycle.parts:
                alone = [self._row(n, [k - 1] if k else []) for k, n in enumerate(part)]
                one_by_one += self._cover((), alone)
                shift = len(rows)
                rows += [row._replace(after=tuple(k + shift for k in row.after)) for row in alone]
            together = self._cover(tuple(sorted({*cycle.labels})), rows)
            self._cycles_known[cycle] = one_by_one, together
        return self._cycles_known[cycle]

    def _cycles(self, order: Order, lifted: Numbers) -> Iterator[_Cycle]:
        """Cycles that are not all kept: one through each demand that is not."""
        if len(lifted) < 2:
            return
        pairs = {self.demands[n]: n for n in sorted(lifted)}
        successors = [set(thens) for thens in order.successors]
        for first, then in pairs:
            successors[first].add(then)
        everything = frozenset(range(len(self._changes)))
        for first, then in pairs:
            through = [*successors[:first], {then}, *successors[first + 1 :]]
            found = shortest_cycle(through, first, everything)
            parts: list[tuple[int, ...]] = []
            held: list[list[int]] = []
            for pair in pairwise([*found, *found[:1]]):
                if pair in pairs:
                    parts.append(())
                    n = pairs[pair]
                    held.append([label for label in self.lifters[n] if self._holds(label, n)])
                parts[-1] += (pair[1],)
            if len(parts) > 1 and all(held):
                # The same wherever the cycle was entered.
                yield _Cycle(tuple(sorted(parts)), tuple(sorted(labels[0] for labels in held)))
