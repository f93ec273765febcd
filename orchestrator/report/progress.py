"""What is shown while a plan runs: a line per step, and the task at hand."""

from __future__ import annotations

import threading

from rich.console import Console
from rich.text import Text

from orchestrator.execution.results import TaskOutcome
from orchestrator.journal.steps import StepStatus
from orchestrator.model.plan import Plan, Step
from orchestrator.model.words import counted

_STYLE = {
    StepStatus.SUCCEEDED: "green",
    StepStatus.FAILED: "bold red",
    StepStatus.IN_DOUBT: "bold magenta",
}


def finished_line(head: str, step: Step, seconds: float, outcome: StepStatus) -> Text:
    """How a step ended, as one line that stays."""
    line = Text(f"{head}: ")
    line.append(str(outcome), style=_STYLE.get(outcome, ""))
    return line.append(f" after {seconds:.0f} s, estimated {step.estimated_minutes} min")


class LineProgress:
    """Progress for a log: a line when a step begins, one when it ends, one per failure.

    `on_task` may come from another thread.

    Parameters
    ----------
    console : Console
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lock = threading.Lock()
        self._heads: dict[str, str] = {}
        self._left = 0

    def on_run_started(self, plan: Plan, total_minutes: int) -> None:
        """Say how much there is to do."""
        self._left = total_minutes
        self._print(
            f"{counted(len(plan.steps), 'step')}, estimated {counted(total_minutes, 'minute')}"
        )

    def on_step_started(self, step: Step, index: int, total: int) -> None:
        """Say which step, and how long all that is left may take."""
        where = ", ".join(step.servers) or counted(step.looks, "probe")
        head = self._heads[step.id] = f"[{index}/{total}] {step.id}"
        self._print(
            f"{head}: {where}; estimated {step.estimated_minutes} min, {self._left} min to the end"
        )

    def on_task(self, step: Step, host: str, task: str, outcome: TaskOutcome) -> None:
        """Failures only."""
        if outcome in {TaskOutcome.FAILED, TaskOutcome.UNREACHABLE}:
            self._print(f"    {host}: {task}: {outcome}", style="red")

    def on_step_finished(self, step: Step, seconds: float, outcome: StepStatus) -> None:
        """Say how it ended and how long it took."""
        head = self._heads.pop(step.id, step.id)
        self._left -= step.estimated_minutes
        # Beside others a step is named again: the line above may be another one's.
        named = f"{head}: " if self._heads else "    "
        self._print(f"{named}{outcome} after {seconds:.0f} s", style=_STYLE.get(outcome, ""))

    def _print(self, line: str, style: str = "") -> None:
        with self._lock:
            self._console.print(Text(line, style=style), soft_wrap=True)
