"""The shortest a redirection can last, with the farm to itself."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

from orchestrator.planner.task import Redirection, Slots, Task


def shortest(tasks: Sequence[Task], redirection: Redirection) -> int:
    """The least minutes from opening to the end of closing, over all windows to open in.

    As a function of the opening the end stands still while something waits for its window, goes
    along otherwise, and jumps where a task falls out of its window: the length is least just
    before it goes along, so one look per jump is enough. Most nights of a year are alike, and one
    of each kind is looked at.
    """
    inside = (redirection.opens, *redirection.inner, redirection.closes)
    chain = _Chain(tasks, inside)
    opening = tasks[redirection.opens].slots
    nights: _Nights | None = None
    best: int | None = None
    start = opening.earliest(0)
    while start is not None:
        if best is not None:
            nights = nights or _Nights(opening, [tasks[n].slots for n in inside], best)
            if (start := nights.new(start)) is None:
                break
        end, slack = chain.forward(start)
        if end is None:
            break
        start = max(start, chain.backward(end))
        best = end - start if best is None else min(best, end - start)
        if best <= chain.least:
            break
        later, most = chain.forward(start)
        slack = slack if later is None else most
        start = opening.earliest(start + slack + 1)
    return best or 0


class _Nights:
    """Windows to open in, each but once if all windows it could matter to lie alike from there.

    What lasts less than is known already and opens in a window ends within that time after it. If
    every window until then lies as it did after an earlier window to open in, the same would have
    been found from there; so this holds for every calendar, whatever its kinds of nights.
    """

    def __init__(self, opening: Slots, slots: Iterable[Slots], within: int) -> None:
        self._opening = opening
        self._slots = [*{id(one): one for one in slots}.values()]
        self._within = within
        self._seen: set[object] = set()
        self._next = 0

    def new(self, start: int) -> int | None:
        """The first start from a moment on, in a window unlike all before; None if none is left."""
        at = bisect_left(self._opening.latests, start)
        while self._next < at:  # these lie behind: nothing shorter opens there
            self._seen.add(self._view(self._next))
            self._next += 1
        while at < len(self._opening.starts) and self._view(at) in self._seen:
            at += 1
            self._next = max(self._next, at)
        return max(start, self._opening.starts[at]) if at < len(self._opening.starts) else None

    def _view(self, window: int) -> object:
        """All windows from the start of one on, counted from there."""
        first = self._opening.starts[window]
        last = self._opening.latests[window] + self._within
        view: list[tuple[int, ...]] = []
        for one in self._slots:
            begin, end = bisect_left(one.latests, first), bisect_right(one.starts, last)
            view.append(tuple(max(start - first, 0) for start in one.starts[begin:end]))
            view.append(tuple(min(latest, last) - first for latest in one.latests[begin:end]))
        return tuple(view)


class _Chain:
    """Tasks as plain lists: most of the time of looking for an order goes by here."""

    def __init__(self, tasks: Sequence[Task], chain: Sequence[int]) -> None:
        place = {n: k for k, n in enumerate(chain)}
        made = [tasks[n] for n in chain]
        self._rows = [
            (
                task.slots.starts,
                task.slots.latests,
                task.need,
                [place[n] for n in task.after if n in place],
                [place[n] for n in task.before if n in place],
            )
            for task in made
        ]
        ends: list[int] = []
        for _, _, need, after, _ in self._rows:
            ends.append(need + max((ends[k] for k in after), default=0))
        self.least = ends[-1]
        """Minutes if nothing waits."""

    def forward(self, first: int) -> tuple[int | None, int]:
        """When the last ends if the first starts then, and by how much all of it can move.

        It moves as a whole until something would fall out of its window; no end if it does not
        fit into the calendar.
        """
        ends: list[int] = []
        slack = 10**12
        end = first
        for starts, latests, need, after, _ in self._rows:
            begin = first
            for k in after:
                begin = max(begin, ends[k])
            window = bisect_left(latests, begin)
            if window == len(latests):
                return None, slack
            begin = max(begin, starts[window])
            slack = min(slack, latests[window] - begin)
            end = begin + need
            ends.append(end)
        return end, slack

    def backward(self, end: int) -> int:
        """When the first starts at the latest if the last ends then."""
        begins = [0] * len(self._rows)
        begin = end
        for k in range(len(self._rows) - 1, -1, -1):
            starts, latests, need, _, before = self._rows[k]
            begin = end
            for n in before:
                begin = min(begin, begins[n])
            begin -= need
            window = bisect_right(starts, begin) - 1
            if window >= 0:
                begin = min(begin, latests[window])
            begins[k] = begin
        return begin


def crowded(tasks: Sequence[Task], redirection: Redirection, lanes: int) -> int:
    """The least minutes in which windows hold both switches of a redirection and all in between.

    Opening comes before all of it and closing after, so the time in windows must be enough for
    these two and for the work in between, `lanes` steps at once; where one night is not, the day
    between two is part of it.
    """
    chain = (redirection.opens, *redirection.inner, redirection.closes)
    inner = sum(tasks[n].need for n in redirection.inner)
    needed = tasks[redirection.opens].need - (-inner // lanes) + tasks[redirection.closes].need
    stretches = _merged(
        (start, latest + task.need)
        for task in {
            (t.slots.group, t.need, t.reserve): t for t in (tasks[n] for n in chain)
        }.values()
        for start, latest in zip(task.slots.starts, task.slots.latests, strict=True)
    )
    best: int | None = None
    last, held = -1, 0  # the minutes of the stretches from the first to the last
    for first, (start, end) in enumerate(stretches):
        while held < needed and last + 1 < len(stretches):
            last += 1
            held += stretches[last][1] - stretches[last][0]
        if held < needed:
            break
        length = end - start
        if last == first:
            span = needed
        else:
            between = held - length - (stretches[last][1] - stretches[last][0])
            span = stretches[last][0] - end + needed - between
        best = span if best is None else min(best, span)
        held -= length
    return best or 0


def _merged(stretches: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(stretches):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], end)
        else:
            merged.append((start, end))
    return merged
