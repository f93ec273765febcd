"""What no schedule of a plan can beat: chains through the calendar, and work against window time.

Both hold for every schedule that keeps `after`, the windows with their reserve and the number of
steps at once. The second is Hall's condition: the work of a set of tasks must fit into the time
in which any of them may run.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from orchestrator.planner.task import Task
from orchestrator.planner.workload import Workload

MOST_SUBSETS_OF = 8
"""Kinds of calendars of which all subsets are looked at; of more, each with those inside it."""

MOST_EFFORT = 60_000
"""Subsets times tasks up to which all subsets are looked at."""

THRESHOLDS = 6


@dataclass(frozen=True, order=True)
class Least:
    """The moment before which no schedule ends, and why."""

    end: int
    because: str


def earliest_ends(work: Workload) -> list[int] | None:
    """When each task ends at the earliest if every other limit than chain and windows is lifted.

    None if a chain does not fit into the calendar.
    """
    ends: list[int] = []
    for task in work.tasks:
        ready = max((ends[n] for n in task.after), default=work.begin)
        start = task.slots.earliest(ready)
        if start is None:
            return None
        ends.append(start + task.need)
    return ends


def least_end(work: Workload, ends: Sequence[int]) -> Least:
    """The best bound on the end.

    Parameters
    ----------
    work : Workload
    ends : sequence of int
        From `earliest_ends`.
    """
    longest = max(range(len(ends)), key=lambda n: (ends[n], -n))
    best = Least(ends[longest], f"the chain of steps that ends with {work.tasks[longest].step.id}")
    tails = _tails(work)
    heads = [end - task.need for end, task in zip(ends, work.tasks, strict=True)]
    changing = [n for n, task in enumerate(work.tasks) if task.touched]
    for chosen, names in _sets(work, changing):
        for part in _parts(work, chosen, heads, tails):
            reached = _area_end(work, part, heads)
            if reached is None:
                continue
            end = _after_all(work, part, reached, tails)
            if end > best.end:
                best = Least(end, f"{len(part)} steps in the windows of {names}")
    return best


def least_user_minutes(work: Workload) -> int:
    """Users times the shortest time each redirection can last, if it had the farm to itself."""
    return sum(r.users * work.shortest(r) for r in work.redirections)


def _tails(work: Workload) -> list[int]:
    tails = [0] * len(work.tasks)
    for n in reversed(range(len(tails))):
        tails[n] = max((tails[k] + work.tasks[k].need for k in work.tasks[n].before), default=0)
    return tails


def _after_all(work: Workload, part: Sequence[int], reached: int, tails: Sequence[int]) -> int:
    """What must still follow once the last of a set has ended."""
    last = len(work.tasks) - 1
    final = work.tasks[last]
    sinks = sum(not task.before for task in work.tasks)
    if sinks == 1 and last not in part:
        start = final.slots.earliest(reached)
        if start is not None:
            reached = max(reached + min(tails[n] for n in part), start + final.need)
    else:
        reached += min(tails[n] for n in part)
    return reached


def _sets(work: Workload, changing: Sequence[int]) -> Iterator[tuple[list[int], str]]:
    """Sets of tasks by their windows."""
    by_group: dict[int, list[int]] = {}
    for n in changing:
        by_group.setdefault(work.tasks[n].slots.group, []).append(n)
    groups = sorted(by_group)
    if len(groups) <= MOST_SUBSETS_OF and 2 ** len(groups) * len(changing) <= MOST_EFFORT:
        families: Iterable[tuple[int, ...]] = itertools.chain.from_iterable(
            itertools.combinations(groups, size) for size in range(1, len(groups) + 1)
        )
    else:
        families = sorted({*((g,) for g in groups), tuple(groups), *_nested(work, by_group)})
    for family in families:
        chosen = sorted(n for group in family for n in by_group[group])
        yield chosen, _names(work, chosen)


def _names(work: Workload, chosen: Sequence[int]) -> str:
    sites = sorted({work.tasks[n].step.pool.site for n in chosen})
    more = f" and {len(sites) - 3} more sites" if len(sites) > 3 else ""
    return ", ".join(sites[:3]) + more


def _nested(work: Workload, by_group: dict[int, list[int]]) -> Iterator[tuple[int, ...]]:
    """For each calendar, all that lie inside it."""
    spans = {g: _usable(work, names, [0] * len(work.tasks)) for g, names in by_group.items()}
    for outer in spans.values():
        yield tuple(sorted(g for g, inner in spans.items() if _inside(inner, outer)))


def _inside(inner: Sequence[tuple[int, int]], outer: Sequence[tuple[int, int]]) -> bool:
    k = 0
    for start, end in inner:
        while k < len(outer) and outer[k][1] < end:
            k += 1
        if k == len(outer) or outer[k][0] > start:
            return False
    return True


def _parts(
    work: Workload, chosen: Sequence[int], heads: Sequence[int], tails: Sequence[int]
) -> Iterator[list[int]]:
    """The set, and those of it that are long, start late, or have much to follow."""
    seen = set()
    measures = ([work.tasks[n].need for n in chosen], heads, tails)
    for which, measure in enumerate(measures):
        value = dict(zip(chosen, measure, strict=True)) if which == 0 else measure
        levels = sorted({value[n] for n in chosen})
        step = max(1, len(levels) // THRESHOLDS)
        for level in levels[::step]:
            part = tuple(n for n in chosen if value[n] >= level)
            if part not in seen:
                seen.add(part)
                yield list(part)


def _usable(work: Workload, part: Iterable[int], heads: Sequence[int]) -> list[tuple[int, int]]:
    """The stretches of time in which any of the tasks may run, in order."""
    kinds: dict[tuple[int, int, int], Task] = {}
    head = min(heads[n] for n in part)
    for n in part:
        task = work.tasks[n]
        kinds[task.slots.group, task.need, task.reserve] = task
    spans = sorted(
        (max(start, head), latest + task.need)
        for task in kinds.values()
        for start, latest in zip(task.slots.starts, task.slots.latests, strict=True)
        if latest + task.need > head
    )
    merged: list[tuple[int, int]] = []
    for start, end in spans:
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], end)
        else:
            merged.append((start, end))
    return merged


def _area_end(work: Workload, part: Sequence[int], heads: Sequence[int]) -> int | None:
    """When the work of the tasks can be done at the earliest."""
    lanes = min(work.max_parallel, _lanes(work, part))
    needs = [work.tasks[n].need for n in part]
    shortest = min(needs)
    if not shortest:
        return None
    stretches = _usable(work, part, heads)
    total, count = sum(needs), len(needs)
    bins = _bins(needs, max(end - start for start, end in stretches))
    found: list[int] = []
    for start, end in stretches:
        length = end - start
        if 0 < total <= lanes * length:
            found.append(start + -(-total // lanes))
        total -= lanes * length
        fits = lanes * (length // shortest)
        if 0 < count <= fits:
            found.append(start + -(-count // lanes) * shortest)
        count -= fits
        if 0 < bins <= lanes:
            found.append(start + shortest)
        bins -= lanes
        if len(found) == 3:
            return max(found)
    return None


def _bins(needs: Sequence[int], length: int) -> int:
    """How many stretches of one length the tasks need at least, one at a time, none split.

    Notes
    -----
    Dual feasible functions (Fekete and Schepers 2001): sizes may be rounded so that no set that
    fits into a bin gets larger than one; the sum of rounded sizes then bounds the bins.
    """
    best = -(-sum(needs) // length)
    for k in range(1, 9):
        # u(k): multiples of 1/(k+1) stay, all else is rounded down to a multiple of 1/k
        total = sum(
            need * k if (k + 1) * need % length == 0 else (k + 1) * need // length * length
            for need in needs
        )
        best = max(best, -(-total // (k * length)))
    for level in sorted(set(needs)):
        if 2 * level > length:
            break
        # large ones fill a bin but for what is smaller than the level, which counts as nothing
        total = sum(length if need > length - level else need for need in needs if need >= level)
        best = max(best, -(-total // length))
    return best


def _lanes(work: Workload, part: Sequence[int]) -> int:
    """Chains the tasks surely form, by pool: each is done one task at a time."""
    lanes = 0
    last: dict[int, int] = {}
    for n in part:
        pool = work.tasks[n].pool
        if pool not in last or last[pool] not in work.tasks[n].after:
            lanes += 1
        last[pool] = n
    return lanes
