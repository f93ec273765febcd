"""The least that any labels cost, with what each encloses and what finds no room in one night.

An integer program over all choices of labels: which are redirected, by how much each costs more
than by itself, and how often it stays on from one group of nights into the next (`Nights`).
Every row holds for every plan of this form and every timetable of it, so the least cost is a bound
whatever is chosen. Rows are added as solutions turn out to break them.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from orchestrator.model.schedule import Calendar
from orchestrator.model.topology import Label
from orchestrator.planner.alternatives import apart
from orchestrator.planner.brackets import Bracket
from orchestrator.planner.constraints import Arc
from orchestrator.planner.crowds import Crowds, Level, one_night
from orchestrator.planner.cycles import Sequences
from orchestrator.planner.hitting import Cycle
from orchestrator.planner.knot import Knot
from orchestrator.planner.nights import Nights
from orchestrator.planner.price import Prices
from orchestrator.planner.program import Program
from orchestrator.planner.stars import Stars

ROUNDS = 20
"""Times the program is solved with more rows."""

MOST_CLOSELY = 80
"""Labels up to which every row is asked for: with more HiGHS takes too long for what is gained."""

NODES, GAP = 20, 0.01
"""Of HiGHS per round: a closer look takes longer than what is gained by it."""

NODES_OF_MANY, GAP_OF_MANY = 1, 0.03
"""The same with more labels."""

MOST_NODES = 2_000
"""Of HiGHS per round where it is fast."""

ENOUGH = 1.02
"""A round that raises the bound by less is the last before columns have to be whole."""

CAUTION = 1e-6
"""Share of the bound that is given away for HiGHS's tolerances."""

MOST_CROSSINGS = 12
"""Groups of nights into which a redirection is counted to stay on at most."""


@dataclass(frozen=True)
class Piece:
    """What some labels cost together at least, seen by themselves.

    Parameters
    ----------
    labels : tuple of Label
    cost : int
        User-minutes, charges included.
    """

    labels: tuple[Label, ...]
    cost: int


def least_cost(
    prices: Prices,
    arcs: Sequence[Arc],
    brackets: Mapping[Label, Bracket],
    sequence: Sequences,
    pieces: Sequence[Piece] = (),
) -> int:
    """What any labels that leave no cycle cost at least, in user-minutes.

    Parameters
    ----------
    prices : Prices
    arcs : sequence of Arc
        That lie on cycles.
    brackets : mapping of Label to Bracket
        Of labels that may be redirected.
    sequence : collection of pairs of Change
    pieces : sequence of Piece
    """
    least = 0
    for group in apart(arcs):
        labels = {arc.label for arc in group} & brackets.keys()
        changes = {arc.first for arc in group} | {arc.then for arc in group}
        within = [pair for pair in sequence if changes.issuperset(pair)]
        knot = Knot(prices, group, {label: brackets[label] for label in sorted(labels)}, within)
        own = [piece for piece in pieces if labels.issuperset(piece.labels)]
        least += _Floor(knot, own).run()
    return least


class _Floor:
    def __init__(self, knot: Knot, pieces: Iterable[Piece]) -> None:
        self._knot = knot
        self._program = Program()
        self._closely = len(knot.labels) <= MOST_CLOSELY
        self._on = {label: self._program.column(knot.prices(label)) for label in knot.labels}
        # In units of its price, so that no column is many times larger than another.
        self._unit = {label: max(knot.prices(label), 1) for label in knot.labels}
        self._more = {
            label: self._program.column(unit, float("inf"), whole=False)
            for label, unit in self._unit.items()
        }
        self._levels: list[Level] = []
        self._crowds: Crowds | None = None
        extra: dict[tuple[Label, Label], int] = {}
        for label, other, cost in knot.prices.surcharges(knot.arcs, knot.brackets):
            extra[label, other] = cost
            more = {self._more[label]: self._unit[label]}
            self._row(more | {self._on[label]: -cost, self._on[other]: cost}, 0)
        for piece in [*pieces, *self._couples(extra)]:
            terms: dict[int, float] = {
                self._on[label]: knot.prices(label) for label in piece.labels
            }
            more = {self._more[label]: self._unit[label] for label in piece.labels}
            self._row(terms | more, piece.cost)
        self._lanes = 0
        if knot.prices.timing is not None:
            self._lanes = knot.prices.timing.policy.max_parallel
            self._add_windows(knot.prices.timing.calendar)
        for cycle in knot.graph.short_cycles():
            self._add_cycle(cycle, ())

    def run(self) -> int:
        best, relaxed = 0, True
        # Without windows coefficients are of one size; and where no pairs are it is solved at once.
        caution = CAUTION if self._levels else 0.0
        nodes, gap = MOST_NODES, 0.0
        if self._levels and self._knot.near:
            nodes, gap = (NODES, GAP) if self._closely else (NODES_OF_MANY, GAP_OF_MANY)
        for _ in range(ROUNDS):
            answer = self._program.solve(nodes, gap=gap, relaxed=relaxed)
            before, best = best, max(best, answer.bound)
            if not answer.values:
                break
            added = self._broken_rows(answer.values)
            if not relaxed and not added:
                break
            relaxed = relaxed and added and best > before * ENOUGH
        return math.ceil(best * (1 - caution))  # costs are whole numbers

    def _broken_rows(self, values: Sequence[float]) -> bool:
        """Add what a solution does not keep; whether there was anything new."""
        chosen = {label for label, column in self._on.items() if values[column] > 0.5}
        added = [self._add_cycle(cycle, chosen) for cycle in self._knot.open_cycles(chosen)]
        if self._crowds is not None:
            added += [self._row(*row) for row in self._crowds.broken(values)]
        return any(added)

    def _couples(self, extra: Mapping[tuple[Label, Label], int]) -> Iterator[Piece]:
        """Of two labels that lift the two demands between two changes one at least is redirected.

        Either both are, or one that encloses the other's change.
        """
        price = self._knot.prices
        for _, _, first, then in self._knot.couples():
            alone = price(first) + extra.get((first, then), 0)
            other_alone = price(then) + extra.get((then, first), 0)
            yield Piece((first, then), min(alone, other_alone, price(first) + price(then)))

    def _row(self, terms: Mapping[int, float], at_least: float) -> bool:
        return self._program.row(terms, at_least)

    def _add_windows(self, calendar: Calendar) -> None:
        grouped, single = Nights.grouped(calendar), Nights.single(calendar)
        kinds = [grouped] if len(grouped) == len(single) else [grouped, single]
        self._levels = [self._level(nights) for nights in kinds if len(nights) > 1]
        if not self._levels:
            return
        stars = Stars(self._knot, self._on, self._lanes)
        for level in self._levels:
            for row in stars.crowded(level):
                self._row(*row)
            self._add_pairs(level)
            if self._closely:
                self._add_outlasting(level)
        if self._closely:
            minutes = {label: m for label in self._knot.labels if (m := self._minutes(label))}
            for row in stars.lengths(self._levels, minutes, MOST_CROSSINGS):
                self._row(*row)
        if len(self._levels) > 1:
            self._add_links(*self._levels)
        level = self._levels[0]
        self._crowds = Crowds(
            self._knot, level, self._levels[-1], self._on, self._lanes, MOST_CROSSINGS
        )

    def _level(self, nights: Nights) -> Level:
        """Columns for how often each label stays on, and what that costs at least."""
        prices = self._knot.prices
        crosses, often, again = {}, {}, {}
        for label in self._knot.labels:
            crosses[label] = self._program.column()
            # Where pairs decide, whole numbers gain little and take long.
            whole = not self._knot.near
            often[label] = self._program.column(0, MOST_CROSSINGS, whole=whole)
            self._row({crosses[label]: -1, self._on[label]: 1}, 0)
            self._row({crosses[label]: -1, often[label]: 1}, 0)
            self._row({often[label]: -1, crosses[label]: MOST_CROSSINGS}, 0)
            if self._closely:
                again[label] = self._program.column(whole=False)
                self._row({often[label]: 1, crosses[label]: -1, again[label]: -1}, 0)
            pause = nights.pause(self._knot.switch(label))
            cost = prices.topology.users_of(label) * pause
            by_itself = prices(label) - 2 * prices.charge
            more = {self._more[label]: self._unit[label]}
            self._row(more | {self._on[label]: by_itself, often[label]: -cost}, 0)
        return Level(nights, crosses, often, again)

    def _add_links(self, grouped: Level, single: Level) -> None:
        """Where a group of nights has one window for a site, what outlasts it outlasts both."""
        for label in self._knot.labels:
            if one_night(grouped.nights, self._knot.switch(label)):
                self._row({grouped.crosses[label]: 1, single.crosses[label]: -1}, 0)

    def _minutes(self, label: Label) -> dict[int, float]:
        """How long a label is redirected, as a sum over columns; nothing where nobody is."""
        users = self._knot.prices.topology.users_of(label)
        if not users:
            return {}
        alone = (self._knot.prices(label) - 2 * self._knot.prices.charge) / users
        return {self._on[label]: alone, self._more[label]: self._unit[label] / users}

    def _own_couples(self) -> Iterator[tuple[int, int, Label, Label]]:
        """Couples of which each change is of the pool whose label is the one beside it."""
        changes = self._knot.changes
        for one, other, first, then in self._knot.couples():
            if (first.pool, then.pool) == (changes[one].pool, changes[other].pool):
                yield one, other, first, then

    def _add_pairs(self, level: Level) -> None:
        """Two redirections that each lift a demand of the other's pool overlap.

        Whichever of the two changes comes first, it begins when both labels are redirected. If no
        night lets both pools change after that and before either is proxied again, one of the two
        stays on.
        """
        knot = self._knot
        for one, other, first, then in self._own_couples():
            mine, theirs = (level.nights.edges(knot.switch(label)) for label in (first, then))
            both = [
                (max(mine[k][0], theirs[k][0]), mine[k][1], theirs[k][1])
                for k in mine.keys() & theirs.keys()
            ]
            if not any(
                begin + knot.need(one) <= until and begin + knot.need(other) <= latest
                for begin, until, latest in both
            ):
                crossing = {level.crosses[first]: 1.0, level.crosses[then]: 1.0}
                self._row(crossing | {self._on[first]: -1, self._on[then]: -1}, -1)

    def _add_outlasting(self, level: Level) -> None:
        """Of two redirections that overlap one does not outlast the night: so the other is long.

        Whichever of the two changes comes first, both labels are redirected when it begins, and
        that is in the night of the one that does not stay on, before its own change. So the other
        one is switched on by then; or it has been on since another night.
        """
        knot = self._knot
        for one, other, first, then in self._own_couples():
            for stays, label, number in ((first, then, one), (then, first, other)):
                minutes = self._minutes(label)
                own = min(knot.need(one), knot.need(other))
                least = self._outlasting(level, stays, label, number, own)
                if not minutes or not least:
                    continue
                self._row(
                    minutes
                    | {
                        level.crosses[label]: -least,
                        self._on[stays]: -least,
                        level.crosses[stays]: least,
                    },
                    -least,
                )

    def _outlasting(self, level: Level, stays: Label, label: Label, number: int, own: int) -> int:
        """Least minutes of a redirection that outlasts a night of one that does not."""
        switch = self._knot.switch(label)
        within = level.nights.edges(self._knot.switch(stays))
        edges = level.nights.edges(switch)
        found = []
        for k, (earliest, latest) in within.items():
            later = min((end for n, (end, _) in edges.items() if n > k), default=None)
            if k in edges and later is not None:
                found.append(later - (latest - self._knot.need(number) - switch.need))
            before = max((start for n, (_, start) in edges.items() if n < k), default=None)
            if before is not None:
                found.append(earliest + own + switch.need - before)
        return max(min(found, default=0), 0)

    def _add_cycle(self, cycle: Cycle, chosen: Iterable[Label]) -> bool:
        """One label of a cycle is redirected; and what is left of it needs its nights.

        What is not cut of a cycle is done one after the other, so that the redirections which cut
        it enclose all its changes between them, each with its two switches (facts: around every
        conflict cycle the redirect times add up to at least the upgrade times). A night has room
        for so many minutes; what does not fit makes one of them stay on.
        """
        knot = self._knot
        added = self._row({self._on[label]: 1 for label in knot.to_cut(cycle, {*chosen})}, 1)
        arcs = [*zip(cycle, [*cycle[1:], cycle[0]], strict=True)]
        held = [label for lifted, label in itertools.starmap(knot.holding, arcs) if lifted]
        if len(cycle) < 3 or None in held:
            return added
        added |= self._add_length(cycle, [label for label in held if label])
        if not self._levels:
            return added
        groups = {knot.group(n) for n in cycle}
        for some in [{group} for group in sorted(groups)] + [groups] * (len(groups) > 1):
            added |= self._add_nights(cycle, [label for label in held if label], some)
        return added

    def _add_length(self, cycle: Cycle, held: Sequence[Label]) -> bool:
        """Between their switches redirections last as long as the changes of the cycle."""
        prices = self._knot.prices
        users = {label: prices.topology.users_of(label) for label in held}
        if not all(users.values()):
            return False
        terms: dict[int, float] = {}
        for label in held:
            on, more = self._on[label], self._more[label]
            switches = 2 * self._knot.switch(label).need
            minutes = (prices(label) - 2 * prices.charge) / users[label] - switches
            terms[on] = terms.get(on, 0) + max(minutes, 0)
            terms[more] = terms.get(more, 0) + self._unit[label] / users[label]
        return self._row(terms, sum(self._knot.need(n) for n in cycle))

    def _add_nights(self, cycle: Cycle, held: Sequence[Label], groups: set[int]) -> bool:
        knot, level = self._knot, self._levels[0]
        tasks = [task for n in cycle for task in knot.tasks(n) if task.slots.group in groups]
        switches = {label: knot.switch(label) for label in held}
        counted = {label: task for label, task in switches.items() if task.slots.group in groups}
        night = max(level.nights.room([*tasks, *counted.values()]).values(), default=0)
        work = sum(task.need for task in tasks)
        terms: dict[int, float] = {}
        for label in held:
            often, on = level.often[label], self._on[label]
            taken = 2 * counted[label].need if label in counted else 0
            terms[often] = terms.get(often, 0) + night
            terms[on] = terms.get(on, 0) + max(night - taken, 0)
        if work <= min((terms[self._on[label]] for label in held), default=0):
            return False
        return self._row({column: min(value, work) for column, value in terms.items()}, work)
