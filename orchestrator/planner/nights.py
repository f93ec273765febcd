"""Window time in groups of nights with pauses in between, such as weekends."""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence

from orchestrator.model.schedule import Calendar
from orchestrator.model.window import minute_of
from orchestrator.planner.task import Task

Stretch = tuple[int, int]
"""From and until, in minutes since 1970."""


class Nights:
    """Groups of nights by number.

    Parameters
    ----------
    starts : sequence of int
        Of the first window of each group, in minutes, in order. No window lies in two groups.
    """

    def __init__(self, starts: Sequence[int]) -> None:
        self._starts = starts

    @classmethod
    def single(cls, calendar: Calendar) -> Nights:
        """Every stretch of time in which any site has a window by itself."""
        return cls([start for start, _ in _stretches(calendar)])

    @classmethod
    def grouped(cls, calendar: Calendar) -> Nights:
        """Groups by the pauses that cost most.

        Any grouping is right for what is built on it. Chosen is the one whose shortest pause is
        longest beside the window time of its largest group: what finds no room in a group has to
        wait for such a pause.
        """
        stretches = _stretches(calendar)
        pauses = [then[0] - one[1] for one, then in itertools.pairwise(stretches)]
        best: tuple[float, list[int]] = (0.0, [start for start, _ in stretches[:1]])
        # Pauses that differ by a change of the clock or by two zones are of one kind.
        for level in sorted({pause - pause // 8 for pause in pauses}):
            starts, sizes, least = [stretches[0][0]], [0], 0
            for pause, (start, end) in zip([0, *pauses], stretches, strict=True):
                if pause >= level and sizes[-1]:
                    least = min(least or pause, pause)
                    starts.append(start)
                    sizes.append(0)
                sizes[-1] += end - start
            best = max(best, (least / max(sizes), starts))
        return cls(best[1])

    def __len__(self) -> int:
        return len(self._starts)

    def of(self, moment: int) -> int:
        """The number of the group a moment in a window belongs to."""
        return bisect_right(self._starts, moment) - 1

    def edges(self, task: Task) -> dict[int, Stretch]:
        """By group: the earliest end of a task there, and its latest start."""
        found: dict[int, Stretch] = {}
        for start, latest in zip(task.slots.starts, task.slots.latests, strict=True):
            group = self.of(start)
            end, _ = found.get(group, (start + task.need, 0))
            found[group] = end, latest
        return found

    def pause(self, task: Task) -> int:
        """The least minutes from a task's start to its end in a later group, for each group later.

        Whatever starts in one group of nights and has its like end some groups later takes at
        least that many times as long.
        """
        edges = sorted(self.edges(task).items())
        return min(
            (
                (earliest - latest) // (later - group)
                for (group, (_, latest)), (later, (earliest, _)) in itertools.pairwise(edges)
            ),
            default=0,
        )

    def room(
        self, tasks: Iterable[Task], within: Mapping[int, Stretch] | None = None
    ) -> dict[int, int]:
        """By group: minutes in which any of some tasks may be at work.

        Parameters
        ----------
        within : mapping of int to (from, until), optional
            What counts of each group; nothing of a group that is not named.
        """
        found: dict[int, int] = {}
        reached = 0
        for start, end in open_to(tasks):
            group = self.of(start)
            first, last = (start, end) if within is None else within.get(group, (0, 0))
            begin = max(start, first, reached)
            reached = max(reached, min(end, last))
            found[group] = found.get(group, 0) + max(reached - begin, 0)
        return found


def open_to(tasks: Iterable[Task]) -> list[Stretch]:
    """The windows in which any of some tasks may be at work, in order; some overlap."""
    kinds = {(task.slots.group, task.need, task.reserve): task for task in tasks}
    return sorted(
        (start, latest + task.need)
        for task in kinds.values()
        for start, latest in zip(task.slots.starts, task.slots.latests, strict=True)
    )


def _stretches(calendar: Calendar) -> list[Stretch]:
    windows = calendar.anywhere.windows
    return [(minute_of(window.start), minute_of(window.end)) for window in windows]
