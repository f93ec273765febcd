"""The shortest a redirection can last, with the farm to itself."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence

from orchestrator.planner.task import Redirection, Slots, Task


def shortest(tasks: Sequence[Task], redirection: Redirection) -> int:
    """The least minutes from opening to the end of closing, over all windows to open in.

    As a function of the opening the end stands still while something waits for its window, goes
    along otherwise, and jumps where a task falls out of its window: the length is least just
    before it goes along, so one look per jump is enough.
    """
    chain = (redirection.opens, *redirection.inner, redirection.closes)
    opening = tasks[redirection.opens].slots
    best: int | None = None
    start = opening.earliest(0)
    while start is not None:
        starts = _forward(tasks, chain, start)
        if starts is None:
            break
        end = starts[chain[-1]] + tasks[chain[-1]].need
        start = max(start, _backward(tasks, chain, end))
        best = end - start if best is None else min(best, end - start)
        starts = _forward(tasks, chain, start) or starts
        slack = min(_until_jump(tasks[n].slots, starts[n]) for n in chain)
        start = opening.earliest(start + slack + 1)
    return best or 0


def _until_jump(slots: Slots, start: int) -> int:
    return slots.latests[bisect_left(slots.latests, start)] - start


def _forward(tasks: Sequence[Task], chain: Sequence[int], first: int) -> dict[int, int] | None:
    starts: dict[int, int] = {}
    for n in chain:
        task = tasks[n]
        ready = (starts[k] + tasks[k].need for k in task.after if k in starts)
        start = task.slots.earliest(max(ready, default=first))
        if start is None:
            return None
        starts[n] = start
    return starts


def _backward(tasks: Sequence[Task], chain: Sequence[int], end: int) -> int:
    starts: dict[int, int] = {}
    for n in reversed(chain):
        task = tasks[n]
        limit = min((starts[k] for k in task.before if k in starts), default=end) - task.need
        latest = task.slots.latest(limit)
        starts[n] = limit if latest is None else latest
    return starts[chain[0]]


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
