"""What a terminal shows while a plan runs: narrow and wide, several steps at once, from threads."""

from __future__ import annotations

import io
import threading

import pytest
from rich.console import Console
from support.pictures import case, planned

from orchestrator.execution.results import TaskOutcome
from orchestrator.journal.steps import StepStatus
from orchestrator.model.plan import Plan
from orchestrator.report.live import LiveProgress, duration


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def begun(width: int, clock: Clock) -> tuple[LiveProgress, Console, Plan]:
    plan = planned(case())
    console = Console(file=io.StringIO(), force_terminal=True, width=width, color_system=None)
    progress = LiveProgress(console, clock)
    progress.on_run_started(plan, 120)
    return progress, console, plan


def screen(progress: LiveProgress, width: int) -> list[str]:
    """What is drawn right now, as lines."""
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(progress._drawn())
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


@pytest.mark.parametrize("width", [40, 80, 120])
def test_every_step_at_work_has_a_line_that_fits(width: int) -> None:
    clock = Clock()
    progress, _, plan = begun(width, clock)
    first, second = plan.steps[:2]
    progress.on_step_started(first, 1, len(plan.steps))
    progress.on_step_started(second, 2, len(plan.steps))
    progress.on_task(first, "mx-01", "Install the update " * 9, TaskOutcome.STARTED)
    clock.now = 245.0
    lines = screen(progress, width)
    assert len(lines) == 3
    assert all(len(line) <= width for line in lines)
    assert lines[0].startswith("stage 1")
    assert "4:05 / " in lines[1]
    progress.on_step_finished(first, 245.0, StepStatus.SUCCEEDED)
    assert len(screen(progress, width)) == 2
    progress.on_step_finished(second, 245.0, StepStatus.FAILED)


def test_ends_and_failures_stay_on_the_screen() -> None:
    progress, console, plan = begun(120, Clock())
    step = plan.steps[0]
    progress.on_step_started(step, 1, len(plan.steps))
    progress.on_task(step, "mx-01", "Install", TaskOutcome.FAILED)
    progress.on_step_finished(step, 61.0, StepStatus.FAILED)
    assert isinstance(console.file, io.StringIO)
    said = console.file.getvalue()
    assert f"{step.id}: mx-01: Install: failed" in said
    assert f"[1/{len(plan.steps)}] {step.id}: failed after 61 s" in said


def test_tasks_may_come_from_many_threads() -> None:
    progress, _, plan = begun(80, Clock())
    step = plan.steps[0]
    progress.on_step_started(step, 1, len(plan.steps))

    def work(number: int) -> None:
        for n in range(200):
            progress.on_task(step, f"host-{number}", f"task {n}", TaskOutcome.OK)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert "task 199" in screen(progress, 120)[1]
    progress.on_step_finished(step, 1.0, StepStatus.SUCCEEDED)


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (245, "4:05"), (3845, "1:04:05")])
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text
