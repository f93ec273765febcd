"""Changes that have to share a group of nights as long as no redirection stays on, and its room.

Of two changes of which each has to come first one label is redirected from the start of the
earlier to the end of the later. If none of a connected set's labels stays on from one group of
nights into the next, all of the set is done in one group, after the first of its redirections
begins and before the last ends. What finds no room there makes some label stay on.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

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
    """

    nights: Nights
    crosses: Mapping[Label, int]
    often: Mapping[Label, int]


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
    kept : bool
        Whether one of two switches is taken all the same by a label that stays on once.
    """

    room: int
    rooms: int
    works: Mapping[int, int]
    switches: Mapping[Label, int]
    kept: bool = False


class Crowds:
    """Rows for sets of changes that have no room in one group of nights.

    Parameters
    ----------
    knot : Knot
    level : Level
    on : mapping of Label to int
        Columns.
    lanes : int
        Steps at once.
    most : int
        Groups of nights a redirection stays on into.
    """

    def __init__(
        self, knot: Knot, level: Level, on: Mapping[Label, int], lanes: int, most: int
    ) -> None:
        self._knot = knot
        self._level = level
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
            yield _Kind(room, room, works, minutes, kept=True)
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

    def _room(self, tasks: Sequence[Task], payers: Iterable[Label]) -> tuple[int, int]:
        """Minutes between the first redirection and the last, and of a whole group of nights."""
        switches = {(s.slots.group, s.need): s for s in (self._switch[one] for one in payers)}
        kinds = {(task.slots.group, task.need, task.reserve): task for task in tasks}
        key = frozenset(switches), frozenset(kinds)
        if key not in self._rooms:
            within: dict[int, Stretch] = {}
            for switch in switches.values():
                for k, (end, start) in self._level.nights.edges(switch).items():
                    first, last = within.get(k, (end, start))
                    within[k] = min(first, end), max(last, start)
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
                kept = own / 2 if kind.kept else 0
                terms[self._level.crosses[label]] = freed - 2 * kept
                if kept:
                    terms[self._level.often[label]] = kept
            else:
                more = max(kind.rooms + own, (hanging[part[0]] - kind.room) / self._most)
                terms[self._level.often[label]] = more
        for n in part:
            for label in self._labels_at[n]:
                if label in kind.switches:
                    terms[self._on[label]] = -kind.switches[label]
        return (terms, work - kind.room) if len(part) > 1 else None

    @staticmethod
    def _under(number: int, others: set[int], tree: Mapping[int, int]) -> bool:
        at = number
        while tree[at] != at:
            at = tree[at]
            if at in others:
                return True
        return False
