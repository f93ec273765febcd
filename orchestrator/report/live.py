"""What is shown on a terminal while a plan runs: stage, steps at work, hosts, tasks, time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from orchestrator.execution.results import TaskOutcome
from orchestrator.journal.steps import StepStatus
from orchestrator.model.plan import Plan, Step
from orchestrator.model.words import counted
from orchestrator.report.progress import finished_line

_LOUD = frozenset({TaskOutcome.FAILED, TaskOutcome.UNREACHABLE})
_NARROW = 100
_BAR = 16


@dataclass
class _AtWork:
    """A step that runs."""

    step: Step
    index: int
    since: float
    task: str = ""
    seen: set[str] = field(default_factory=set)


class LiveProgress:
    """Progress that is redrawn in place; finished steps and failures stay above it.

    Any method may be called from any thread, and several steps may be at work.

    Parameters
    ----------
    console : Console
        A terminal.
    clock : callable
        Seconds that only grow.
    """

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._clock = clock
        self._lock = threading.Lock()
        self._at_work: dict[str, _AtWork] = {}
        self._stage: dict[str, int] = {}
        self._stages = 0
        self._total = 0
        self._done = 0
        self._left = 0
        self._began = clock()
        # Last: it asks at once for what is drawn.
        self._live = Live(get_renderable=self._drawn, console=console, transient=True)

    def on_run_started(self, plan: Plan, total_minutes: int) -> None:
        """Say how much there is to do."""
        with self._lock:
            stages = plan.stages
            self._stage = {s.id: n for n, stage in enumerate(stages, 1) for s in stage}
            self._stages, self._total, self._left = len(stages), len(plan.steps), total_minutes
            self._began = self._clock()
        self._print(
            Text(
                f"{counted(len(plan.steps), 'step')}, estimated {counted(total_minutes, 'minute')}"
            )
        )

    def on_step_started(self, step: Step, index: int, total: int) -> None:
        """Draw it from now on."""
        with self._lock:
            self._total = total
            self._at_work[step.id] = _AtWork(step, index, self._clock())
            first = len(self._at_work) == 1
        if first:
            self._live.start(refresh=True)

    def on_task(self, step: Step, host: str, task: str, outcome: TaskOutcome) -> None:
        """Show the task at hand; failures stay on the screen."""
        with self._lock:
            known = self._at_work.get(step.id)
            if known is not None:
                known.task = f"{host}: {task}"
                known.seen.add(host)
        if outcome in _LOUD:
            self._print(Text(f"    {step.id}: {host}: {task}: {outcome}", style="red"))

    def on_step_finished(self, step: Step, seconds: float, outcome: StepStatus) -> None:
        """Say how it ended and how long it took."""
        with self._lock:
            known = self._at_work.pop(step.id, None)
            self._done += outcome is StepStatus.SUCCEEDED
            self._left -= step.estimated_minutes
            last = not self._at_work
        if last:
            self._live.stop()
        index = known.index if known else 0
        head = f"[{index}/{self._total}] {step.id}"
        self._print(finished_line(head, step, seconds, outcome))

    def _print(self, line: Text) -> None:
        self._console.print(line, soft_wrap=True)

    def _drawn(self) -> RenderableType:
        with self._lock:
            running = [
                _AtWork(one.step, one.index, one.since, one.task, one.seen)
                for one in self._at_work.values()
            ]
            now, done, left = self._clock(), self._done, self._left
        stages = sorted({self._stage.get(one.step.id, 0) for one in running})
        shown = ", ".join(map(str, stages))
        head = Text(
            f"stage {shown} of {self._stages} · {done} of {counted(self._total, 'step')} done · "
            f"{duration(now - self._began)} so far · about {left} min of work left",
            style="bold",
            no_wrap=True,
            overflow="ellipsis",
        )
        return Group(head, self._rows(running, now))

    def _rows(self, running: list[_AtWork], now: float) -> Table:
        narrow = self._console.width < _NARROW
        table = Table.grid(padding=(0, 1), expand=True)
        table.add_column(no_wrap=True, overflow="ellipsis", ratio=2)
        table.add_column(no_wrap=True, justify="right")
        if not narrow:
            table.add_column(width=_BAR)
        table.add_column(no_wrap=True, overflow="ellipsis", ratio=3, style="dim")
        for one in running:
            seconds, estimate = now - one.since, one.step.estimated_minutes * 60
            late = "yellow" if seconds > estimate else ""
            time_ = Text(f"{duration(seconds)} / {one.step.estimated_minutes} min", style=late)
            cells: list[RenderableType] = [Text(f"[{one.index}] {one.step.id}"), time_]
            if not narrow:
                cells.append(ProgressBar(max(estimate, 1), min(seconds, estimate), width=_BAR))
            cells.append(Text(one.task or ", ".join(one.step.servers)))
            table.add_row(*cells)
        return table


def duration(seconds: float) -> str:
    """``4:05``, ``1:04:05``."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
