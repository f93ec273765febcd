"""The shortest a redirection can be, where much work is to be done while it is on."""

from __future__ import annotations

import dataclasses
import random

import pytest
from support.timetables import Draw, farm

from orchestrator.model.schedule import Schedule
from orchestrator.planner.schedule import schedule
from orchestrator.planner.span import crowded, shortest
from orchestrator.planner.task import Redirection, Slots, Task
from orchestrator.planner.workload import workload

NIGHT = 600
DAY = 24 * 60


def task(need: int) -> Task:
    nights = tuple(DAY * n for n in range(10))
    slots = Slots(nights, tuple(start + NIGHT - need for start in nights), 0)
    return Task(None, need, 0, slots, (), (), 0, frozenset(), frozenset(), free=True)  # type: ignore[arg-type]


def test_work_that_does_not_fit_into_one_night_takes_the_day_between_two() -> None:
    redirection = Redirection(0, 9, 100, tuple(range(1, 9)))
    tasks = [task(200), *(task(60) for _ in range(8)), task(200)]
    # 200 + 8 * 60 / 4 + 200 = 520 fit into one night, with two at once 640 do not
    assert crowded(tasks, redirection, 4) == 520
    assert crowded(tasks, redirection, 2) == 640 + DAY - NIGHT
    assert crowded(tasks[:1] + tasks[9:], Redirection(0, 1, 1, ()), 1) == 400


@pytest.mark.parametrize("seed", range(12))
def test_no_timetable_is_shorter(seed: int) -> None:
    drawn = farm(seed, Draw(12, redirected=0.4, parallel=random.Random(seed).choice([1, 2, 5])))
    planned = schedule(drawn.topology, drawn.plan, drawn.calendar, drawn.policy)
    assert isinstance(planned.schedule, Schedule)
    times = {timed.step: timed for timed in planned.schedule.steps}
    work = workload(drawn.topology, drawn.plan, drawn.calendar, drawn.policy)
    for redirection in work.redirections:
        first, last = (
            times[work.tasks[n].step.id] for n in (redirection.opens, redirection.closes)
        )
        taken = (last.end - first.start).total_seconds() / 60
        least = crowded(work.tasks, redirection, work.max_parallel)
        assert least <= taken
        assert shortest(work.tasks, redirection) <= taken


def drawn_chain(rng: random.Random) -> list[Task]:
    """A chain with branches over twelve weeks of 200 minutes, some unlike the rest."""
    week, weeks = 200, 12
    slots = []
    for group in range(rng.randint(1, 3)):
        begin, shift = rng.randint(0, 90), rng.choice([0, 0, 7])
        nights = [
            (
                n * week + begin + shift * (n > 5) + day + late,
                rng.choice([30, 30, 30, 25]) + 10 - late,
            )
            for n in range(weeks)
            if rng.random() > 0.05  # else a black-out
            for day in range(0, rng.choice([1, 1, 60]), 50)
            for late in [rng.choice([0, 0, 0, 9])]
        ]
        starts = tuple(start for start, _ in nights)
        latests = tuple(start + length - 10 for start, length in nights)
        slots.append(Slots(starts, latests, group))
    count = rng.randint(2, 7)
    after = [(), *((rng.randrange(n),) for n in range(1, count - 1)), tuple(range(count - 1))]
    return [
        dataclasses.replace(
            task(rng.randint(3, 12)),
            slots=rng.choice(slots),
            after=after[n],
            before=tuple(k for k in range(count) if n in after[k]),
        )
        for n in range(count)
    ]


def every_minute(tasks: list[Task]) -> int:
    """The shortest from any minute to open in: each task as early as it may."""
    lengths = []
    for first, last in zip(tasks[0].slots.starts, tasks[0].slots.latests, strict=True):
        for start in range(first, last + 1):
            ends = [start + tasks[0].need]
            for one in tasks[1:]:
                begin = one.slots.earliest(max(ends[k] for k in one.after))
                if begin is None:
                    break
                ends.append(begin + one.need)
            else:
                lengths.append(ends[-1] - start)
    return min(lengths, default=0)


def test_nights_looked_at_once_are_as_good_as_every_minute_of_the_year() -> None:
    for seed in range(300):
        tasks = drawn_chain(random.Random(f"nights {seed}"))
        chain = Redirection(0, len(tasks) - 1, 0, tuple(range(1, len(tasks) - 1)))
        assert shortest(tasks, chain) == every_minute(tasks), seed
