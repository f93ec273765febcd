"""The shortest a redirection can be, where much work is to be done while it is on."""

from __future__ import annotations

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
