"""Changes that have to share a group of nights as long as no redirection stays on, and its room.

Of two changes of which each has to come first one label is redirected from the start of the
earlier to the end of the later. If none of a connected set's labels stays on from one group of
nights into the next, all of the set is done in one group, after the first of its redirections
begins and before the last ends. What finds no room there makes some label stay on.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from orchestrator.model.topology import Label
from orchestrator.planner.knot import Knot
from orchestrator.planner.nights import Nights, Stretch
from orchestrator.planner.task import Task

ROOTS = 6
"""Changes from which a set is grown, those with most neighbours first."""

Row = tuple[dict[int, float], float]


@dataclass(frozen=True)
class Level:
    """Columns for redirections that stay on from one group of nights into another.

    Parameters
    ----------
    nights : Nights
    crosses, often : mapping of Label to int
        Whether one does, and into how many groups.
    again : mapping of Label to int
        Whether it does so more than once; empty where that is not asked.
    """

    nights: Nights
    crosses: Mapping[Label, int]
    often: Mapping[Label, int]
    again: Mapping[Label, int]


def one_night(nights: Nights, task: Task) -> bool:
    """Whether a task has one window in every group of nights at most."""
    starts = task.slots.starts
    return len({nights.of(start) for start in starts}) == len(starts)


def at_work(room: Mapping[int, int], tasks: Sequence[Task]) -> int:
    """Minutes one after the other can use of the largest room."""
    most = max(room.values(), default=0)
    needs = {task.need for task in tasks}
    return most // min(needs) * min(needs) if len(needs) == 1 and 0 not in needs else most


@dataclass(frozen=True)
class _Kind:
    """What takes room: minutes of work, of switches, or a place among steps at once.

    Parameters
    ----------
    room : int
        For a set of which no label stays on.
    rooms : int
        For what is done in one group of nights more.
    works : mapping of int to int
        By change.
    switches : mapping of Label to int
        For both of a label, if it does not stay on.
    kept : mapping of Label to int
        What one of two switches takes all the same of a label that stays on once.
    """

    room: int
    rooms: int
    works: Mapping[int, int]
    switches: Mapping[Label, int]
    kept: Mapping[Label, float] = field(default_factory=dict)
    hub: _Hub | None = None


@dataclass(frozen=True)
class _Hub:
    """A redirection of the first change's pool, which has windows of another kind.

    As long as it does not outlast a single night, and what holds a neighbour to it does not stay
    on, that night is the one of the set.

    Parameters
    ----------
    label : Label
    minutes : int
        Of its switches that lie between the first redirection of the set and the last.
    neighbour : int
        A change.
    """

    label: Label
    minutes: int
    neighbour: int


class Crowds:
    """Rows for sets of changes that have no room in one group of nights.

    Parameters
    ----------
    knot : Knot
    level, single : Level
        Groups of nights, and each night by itself.
    on : mapping of Label to int
        Columns.
    lanes : int
        Steps at once.
    most : int
        Groups of nights a redirection stays on into.
    """

    def __init__(
        self,
        knot: Knot,
        level: Level,
        single: Level,
        on: Mapping[Label, int],
        lanes: int,
        most: int,
    ) -> None:
        self._knot = knot
        self._level = level
        self._single = single
        self._on = on
        self._lanes = lanes
        self._most = most
        self._switch = {label: knot.switch(label) for label in knot.labels}
        firsts = {knot.changes[number].pool: number for number in sorted(knot.near, reverse=True)}
        self._labels_at = {
            number: knot.labels_of(pool) if firsts[pool] == number else []  # counted once
            for number in knot.near
            for pool in [knot.changes[number].pool]
        }
        self._together = {label for label in knot.labels if self._at_once(label)}
        self._rooms: dict[object, tuple[int, int]] = {}

    def broken(self, values: Sequence[float]) -> Iterator[Row]:
        """Rows that some values of the columns do not keep."""
        crosses = self._level.crosses
        length = {label: values[column] for label, column in crosses.items()}
        seen: set[int] = set()
        for number in sorted(self._knot.near):
            if number in seen:
                continue
            part = {*self._tree(number, length)}
            seen |= part
            roots = sorted(part, key=lambda n: (-len(self._knot.near[n]), n))[:ROOTS]
            for root in roots:
                tree = self._tree(root, length)
                if len(tree) > 1:
                    yield from self._rows(tree, values)

    def _at_once(self, label: Label) -> bool:
        """Whether switches like this, with the pool's changes between, overlap in any night.

        The first of them ends after the last moment at which another could begin.
        """
        switch = self._switch[label]
        batches = self._knot.prices.batches(label.pool).values()
        spans = self._knot.prices.spans
        own = sum(spans.batch(label.pool, batch).need for made in batches for batch in made)
        return one_night(self._level.nights, switch) and all(
            latest - own - switch.need < earliest
            for earliest, latest in self._level.nights.edges(switch).values()
        )

    def _tree(self, root: int, length: Mapping[Label, float]) -> dict[int, int]:
        """Changes by the one they were reached from, nearest first; far is what stays on wholly."""
        reached: dict[int, int] = {root: root}
        found: dict[int, int] = {}
        heap = [(0.0, root)]
        far = {root: 0.0}
        while heap:
            at, number = heapq.heappop(heap)
            if number in found:
                continue
            found[number] = reached[number]
            for then, labels in self._knot.near[number].items():
                way = at + sum(length[label] for label in sorted(labels))
                if then not in found and way < min(far.get(then, 1.0), 1 - 1e-6):
                    far[then] = way
                    reached[then] = number
                    heapq.heappush(heap, (way, then))
        return found

    def _rows(self, tree: Mapping[int, int], values: Sequence[float]) -> Iterator[Row]:
        order = [*tree]
        groups = sorted({self._knot.group(n) for n in order})
        for some in [{group} for group in groups] + [{*groups}] * (len(groups) > 1):
            for kind in self._kinds(order, tree, some):
                for part in {len(order), self._just_too_much(order, kind, values)}:
                    row = self._row(order[:part], tree, kind)
                    if row and sum(value * values[at] for at, value in row[0].items()) < row[1] - (
                        1e-6 * max(row[1], 1)
                    ):
                        yield row

    def _kinds(
        self, order: Sequence[int], tree: Mapping[int, int], groups: set[int]
    ) -> Iterator[_Kind]:
        knot = self._knot
        works = {n: knot.need(n) if knot.group(n) in groups else 0 for n in order}
        tasks = [task for n in order if works[n] for task in knot.tasks(n)]
        # Batches of the first change meet each other only by way of the others.
        works[order[0]] = min(works[order[0]], max(task.need for task in knot.tasks(order[0])))
        payers = {label for n, back in tree.items() if back != n for label in knot.near[n][back]}
        if len(groups) == 1 and self._level.again:
            yield from self._between(works, tasks, payers, order, tree)
        narrow, whole = self._room(tasks, payers)
        narrow = max(narrow, works[order[0]])  # nothing holds a change that is left alone
        if sum(works.values()) > narrow:
            yield _Kind(narrow, max(2 * whole - narrow, 0), works, {})
        switches = {
            label: self._switch[label]
            for n in order
            for label in self._labels_at[n]
            if self._switch[label].slots.group in groups
        }
        if not switches:
            return
        _, room = self._room([*tasks, *switches.values()], payers)
        minutes = {label: 2 * task.need for label, task in switches.items()}
        if sum(works.values()) + sum(minutes.values()) > room:
            halves = {label: need / 2 for label, need in minutes.items()}
            yield _Kind(room, room, works, minutes, halves)
        if len(groups) == 1:
            needs = sorted(task.need for label, task in switches.items() if label in self._together)
            usual = needs[len(needs) // 2] if needs else 0
            places = {
                label: 1
                for label, task in switches.items()
                if label in self._together and task.need == usual
            }
            if len(places) > self._lanes:
                yield _Kind(self._lanes, self._lanes, dict.fromkeys(order, 0), places)

    def _between(
        self,
        works: Mapping[int, int],
        tasks: Sequence[Task],
        payers: Iterable[Label],
        order: Sequence[int],
        tree: Mapping[int, int],
    ) -> Iterator[_Kind]:
        """What is done between the first redirection and the last, and the switches then.

        No switch of a pool with the windows of these changes ends before its own first could, nor
        begins after its own last: what reaches into that time takes a place there.
        """
        if not tasks or not all(one_night(self._level.nights, task) for task in tasks):
            return
        inside = self._inside(tasks, payers)
        group = tasks[0].slots.group
        both = {
            label: self._least_inside(self._switch[label], inside)
            for n in order
            for label in self._labels_at[n]
            if self._switch[label].slots.group == group
        }
        minutes = {label: sum(parts) for label, parts in both.items()}
        kept = {label: min(parts) for label, parts in both.items()}
        room = self._lanes * max((end - begin for begin, end in inside.values()), default=0)
        _, whole = self._room(tasks, payers)
        rooms = max(2 * whole - room, 0)
        room = max(room, works[order[0]])
        hubs = [None, *self._hubs(order, tree, group, inside)]
        for hub in hubs:
            taken = sum(minutes.values()) + (hub.minutes if hub else 0)
            if taken and sum(works.values()) + taken > room > 0:
                yield _Kind(room, rooms, works, minutes, kept, hub)

    def _hubs(
        self,
        order: Sequence[int],
        tree: Mapping[int, int],
        group: int,
        inside: Mapping[int, Stretch],
    ) -> Iterator[_Hub]:
        knot, root = self._knot, order[0]
        prices = knot.prices
        for label in knot.labels_of(knot.changes[root].pool):
            if self._switch[label].slots.group == group:
                continue
            edges = self._single.nights.edges(self._switch[label])
            minutes: list[int] = []
            for begin, end in inside.values():
                first, last = edges.get(self._single.nights.of(begin), (begin, end))
                minutes.append(max(first - begin, 0) + max(end - last, 0))
            # One that is dear to let stay on.
            beside = [
                (min(map(prices, knot.near[root][n] - {label}), default=0), n)
                for n in order[1:]
                if tree[n] == root and label in knot.near[root][n] and knot.group(n) == group
            ]
            if beside and minutes and min(minutes):
                least = min([*minutes, 2 * self._switch[label].need])
                yield _Hub(label, least, max(beside)[1])

    def _inside(self, tasks: Sequence[Task], payers: Iterable[Label]) -> dict[int, Stretch]:
        """By group of nights: from the end of the first switch to the start of the last one."""
        nights = self._level.nights
        within = self._within(payers)
        found: dict[int, Stretch] = {}
        for task in tasks:
            for start, latest in zip(task.slots.starts, task.slots.latests, strict=True):
                k = nights.of(start)
                if k in within:
                    begin, end = found.get(k, (start, latest + task.need))
                    found[k] = min(begin, start), max(end, latest + task.need)
        inside = {
            k: (max(begin, within[k][0]), min(end, within[k][1]))
            for k, (begin, end) in found.items()
        }
        return {k: (begin, end) for k, (begin, end) in inside.items() if begin < end}

    def _least_inside(self, switch: Task, inside: Mapping[int, Stretch]) -> tuple[int, int]:
        """Minutes of a label's first switch and of its last that lie there in any night."""
        edges = self._level.nights.edges(switch)
        parts = [
            (
                min(max(edges[k][0] - begin, 0), switch.need),
                min(max(end - edges[k][1], 0), switch.need),
            )
            for k, (begin, end) in inside.items()
            if k in edges
        ]
        return (
            min((first for first, _ in parts), default=0),
            min((last for _, last in parts), default=0),
        )

    def _within(self, payers: Iterable[Label]) -> dict[int, Stretch]:
        switches = {(s.slots.group, s.need): s for s in (self._switch[one] for one in payers)}
        within: dict[int, Stretch] = {}
        for switch in switches.values():
            for k, (end, start) in self._level.nights.edges(switch).items():
                first, last = within.get(k, (end, start))
                within[k] = min(first, end), max(last, start)
        return within

    def _room(self, tasks: Sequence[Task], payers: Iterable[Label]) -> tuple[int, int]:
        """Minutes between the first redirection and the last, and of a whole group of nights."""
        switches = {(s.slots.group, s.need): s for s in (self._switch[one] for one in payers)}
        kinds = {(task.slots.group, task.need, task.reserve): task for task in tasks}
        key = frozenset(switches), frozenset(kinds)
        if key not in self._rooms:
            within = self._within(payers)
            nights, some = self._level.nights, [*kinds.values()]
            self._rooms[key] = (
                self._lanes * at_work(nights.room(some, within), some),
                self._lanes * at_work(nights.room(some), some),
            )
        return self._rooms[key]

    def _just_too_much(self, order: Sequence[int], kind: _Kind, values: Sequence[float]) -> int:
        """How many changes, in their order, have no room any more as the values are."""
        taken = 0.0
        for count, number in enumerate(order, start=1):
            taken += kind.works[number] + sum(
                kind.switches.get(label, 0) * values[self._on[label]]
                for label in self._labels_at[number]
            )
            if taken > kind.room:
                return count
        return len(order)

    def _row(self, part: Sequence[int], tree: Mapping[int, int], kind: _Kind) -> Row | None:
        """Labels that stay on make room: for what hangs on them, or for a group of nights more.

        Take away what hangs on some labels that stay on. What is left is connected by others; as
        often as those stay on, so many groups of nights more does it have.
        """
        work = sum(kind.works[n] for n in part)
        hanging = {
            n: kind.works[n] + sum(kind.switches.get(label, 0) for label in self._labels_at[n])
            for n in part
        }
        for n in reversed(part[1:]):
            hanging[tree[n]] += hanging[n]
        by_label: dict[Label, set[int]] = {}
        for n in part[1:]:
            for label in self._knot.near[n][tree[n]]:
                by_label.setdefault(label, set()).add(n)
        terms: dict[int, float] = {}
        for label, below in by_label.items():
            own = kind.switches.get(label, 0)
            freed = max(own, sum(hanging[n] for n in below if not self._under(n, below, tree)))
            if not kind.switches:
                freed = min(freed, work - kind.room)
            if freed <= kind.rooms + own:
                kept = kind.kept.get(label, 0)
                terms[self._level.crosses[label]] = freed - kept
                if kept and label in self._level.again:
                    terms[self._level.again[label]] = kept
                elif kept:
                    terms[self._level.crosses[label]] -= kept
                    terms[self._level.often[label]] = kept
            else:
                more = max(kind.rooms + own, (hanging[part[0]] - kind.room) / self._most)
                terms[self._level.often[label]] = more
        for n in part:
            for label in self._labels_at[n]:
                if label in kind.switches:
                    terms[self._on[label]] = -kind.switches[label]
        if kind.hub and kind.hub.neighbour in part:
            hub, minutes = kind.hub.label, kind.hub.minutes
            terms[self._on[hub]] = terms.get(self._on[hub], 0) - minutes
            stays = [self._single.crosses[hub]] + [
                self._level.crosses[label]
                for label in sorted(self._knot.near[part[0]][kind.hub.neighbour] - {hub})
            ]
            for column in stays:
                terms[column] = terms.get(column, 0) + minutes
        return (terms, work - kind.room) if len(part) > 1 else None

    @staticmethod
    def _under(number: int, others: set[int], tree: Mapping[int, int]) -> bool:
        at = number
        while tree[at] != at:
            at = tree[at]
            if at in others:
                return True
        return False
