"""What a redirection has to enclose, and the room and the time that takes.

Every change that must come before one of the label's own pool's, and after the label is
redirected, does so unless the other demand between the two is lifted by another label.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from orchestrator.model.topology import Label
from orchestrator.planner.crowds import Level, Row, at_work
from orchestrator.planner.knot import Knot
from orchestrator.planner.nights import Nights, Stretch, open_to
from orchestrator.planner.task import Task


class _Star(NamedTuple):
    """A label, a change of its pool, and the changes before that which it encloses."""

    label: Label
    number: int
    around: tuple[int, ...]


class Stars:
    """Rows for what redirections enclose.

    Parameters
    ----------
    knot : Knot
    on : mapping of Label to int
        Columns.
    lanes : int
        Steps at once.
    """

    def __init__(self, knot: Knot, on: Mapping[Label, int], lanes: int) -> None:
        self._knot = knot
        self._on = on
        self._lanes = lanes

    def crowded(self, level: Level) -> Iterator[Row]:
        """What finds no room in a night makes the label stay on, or others be redirected."""
        for star in self._stars():
            tasks = self._tasks(star)
            edges = level.nights.edges(self._knot.switch(star.label))
            own = self._knot.need(star.number)
            within = {k: (end, start - own) for k, (end, start) in edges.items()}
            room = level.nights.room(tasks, within)
            yield from self._beyond(level, star, self._lanes * at_work(room, tasks), {})
            # Others take places as well: what their first switches reach into this one's time.
            held = {label for n in star.around if (label := self._lifting(star, n))}
            taken = {label: self._taken(level.nights, edges, label) for label in held}
            if any(taken.values()):
                whole = self._lanes * max(room.values(), default=0)
                yield from self._beyond(level, star, whole, taken)

    def lengths(
        self, levels: Sequence[Level], minutes: Mapping[Label, Mapping[int, float]], most: int
    ) -> Iterator[Row]:
        """A redirection lasts as long as what it encloses, and all the time in which that rests.

        Parameters
        ----------
        levels : sequence of Level
            One, or a coarse one and a fine one.
        minutes : mapping of Label to mapping of int to float
            How long each lasts, as a sum over columns.
        most : int
            Groups of nights into which a redirection is counted to stay on.
        """
        for star in self._stars(together=True):
            if star.label not in minutes:
                continue
            tasks = self._tasks(star)
            once, often = self._idle(levels, star, tasks, most)
            on = self._on[star.label]
            terms = dict(minutes[star.label])
            work = sum(task.need for task in tasks)
            terms[on] = terms.get(on, 0) - once - work / self._lanes
            for level, idle in zip(levels, often, strict=True):
                terms[level.often[star.label]] = -idle
            for n in star.around:
                if label := self._lifting(star, n):
                    column = self._on[label]
                    terms[column] = terms.get(column, 0) + self._knot.need(n) / self._lanes
            yield terms, 0

    def _stars(self, *, together: bool = False) -> Iterator[_Star]:
        """For each kind of windows by itself, and for all of them together where asked."""
        knot = self._knot
        for number in sorted(knot.near):
            for label in knot.labels_of(knot.changes[number].pool):
                around = [n for n in knot.near[number] if knot.holding(number, n)[1] == label]
                groups = sorted({knot.group(n) for n in around})
                for group in groups:
                    some = tuple(n for n in around if knot.group(n) == group)
                    yield _Star(label, number, some)
                if together and len(groups) > 1:
                    yield _Star(label, number, tuple(around))

    def _tasks(self, star: _Star) -> list[Task]:
        return [task for n in star.around for task in self._knot.tasks(n)]

    def _lifting(self, star: _Star, n: int) -> Label | None:
        """The label whose redirection lets a change end after that of the star's pool begins."""
        lifting = self._knot.holding(n, star.number)[1]
        return None if lifting == star.label else lifting

    def _beyond(
        self, level: Level, star: _Star, room: int, taken: Mapping[Label, int]
    ) -> Iterator[Row]:
        """What exceeds a room, if others that are redirected take some minutes of it."""
        knot, crosses = self._knot, level.crosses
        excess = sum(task.need for task in self._tasks(star)) - room
        if excess <= 0:
            return
        gained: dict[Label, int] = {}
        for n in star.around:
            if label := self._lifting(star, n):
                gained[label] = gained.get(label, 0) + knot.need(n)
        terms: dict[int, float] = {self._on[star.label]: -excess, crosses[star.label]: excess}
        for label, minutes in gained.items():
            lost = min(taken.get(label, 0), minutes)
            terms[self._on[label]] = min(minutes - lost, excess)
            if lost:  # none is taken by one that was redirected a night before
                terms[crosses[label]] = lost
        yield terms, 0

    def _taken(self, nights: Nights, edges: Mapping[int, Stretch], label: Label) -> int:
        """Minutes a label's first switch takes in any night after another one could have ended."""
        switch = self._knot.switch(label)
        own = nights.edges(switch)
        late = [own[k][0] - end for k, (end, _) in edges.items() if k in own]
        return min(max(min(late, default=0), 0), switch.need)

    def _idle(
        self, levels: Sequence[Level], star: _Star, tasks: Sequence[Task], most: int
    ) -> tuple[int, list[float]]:
        """Minutes of the label in which none of some tasks is at work, at least.

        In any case, and beyond that for each time it stays on, by level. The longer it lasts, the
        more there are: so the shortest that stay on from one night into another tell.
        """
        switch, own = self._knot.switch(star.label), self._knot.need(star.number)
        once = 2 * switch.need + own
        open_ = _union(tasks)
        edges = [*levels[-1].nights.edges(switch).values()]
        found: list[tuple[list[int], int]] = []
        for at, (_, latest) in enumerate(edges):
            for earliest, _ in edges[at + 1 :]:
                counts = [
                    level.nights.of(earliest - switch.need) - level.nights.of(latest)
                    for level in levels
                ]
                if counts[0] > most:
                    break
                busy = _within(open_, latest + switch.need, earliest - switch.need - own)
                found.append((counts, earliest - latest - busy - once))
        fine = [idle / counts[-1] for counts, idle in found if len(levels) == 1 or not counts[0]]
        each = max(min(fine, default=0), 0)
        if len(levels) == 1:
            return once, [each]
        coarse = [(idle - each * counts[1]) / counts[0] for counts, idle in found if counts[0]]
        return once, [max(min(coarse, default=0), 0), each]


def _union(tasks: Sequence[Task]) -> list[Stretch]:
    """When any of some tasks may be at work."""
    made: list[Stretch] = []
    for start, end in open_to(tasks):
        if made and start <= made[-1][1]:
            made[-1] = made[-1][0], max(made[-1][1], end)
        else:
            made.append((start, end))
    return made


def _within(stretches: Sequence[Stretch], begin: int, end: int) -> int:
    """Minutes of some stretches that lie in another."""
    return sum(max(min(last, end) - max(first, begin), 0) for first, last in stretches)
