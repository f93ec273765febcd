"""What is shown while a plan runs: a line per step, and the task at hand."""

from __future__ import annotations

import threading

from rich.console import Console
from rich.text import Text

from orchestrator.execution.results import TaskOutcome
from orchestrator.journal.steps import StepStatus
from orchestrator.model.plan import Plan, Step

_STYLE = {
    StepStatus.SUCCEEDED: "green",
    StepStatus.FAILED: "bold red",
    StepStatus.IN_DOUBT: "bold magenta",
}


class LineProgress:
    """Progress for a terminal and for a log alike; `on_task` may come from another thread.

    Parameters
    ----------
    console : Console
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lock = threading.Lock()
        self._status = console.status("") if console.is_terminal else None
        self._heads: dict[str, str] = {}
        self._left = 0

    def on_run_started(self, plan: Plan, total_minutes: int) -> None:
        """Say how much there is to do."""
        self._left = total_minutes
        self._print(f"{len(plan.steps)} steps, estimated {total_minutes} minutes")

    def on_step_started(self, step: Step, index: int, total: int) -> None:
        """Say which step, and how long all that is left may take."""
        where = ", ".join(step.servers) or f"{step.looks} probes"
        head = self._heads[step.id] = f"[{index}/{total}] {step.id}"
        self._print(
            f"{head}: {where}; estimated {step.estimated_minutes} min, {self._left} min to the end"
        )
        if self._status is not None:
            self._status.update(Text(head))
            self._status.start()

    def on_task(self, step: Step, host: str, task: str, outcome: TaskOutcome) -> None:
        """Show the task at hand; failures stay on the screen."""
        if outcome in {TaskOutcome.FAILED, TaskOutcome.UNREACHABLE}:
            self._print(f"    {host}: {task}: {outcome}", style="red")
        elif self._status is not None:
            with self._lock:
                self._status.update(Text(f"{self._heads.get(step.id)}: {host}: {task}"))

    def on_step_finished(self, step: Step, seconds: float, outcome: StepStatus) -> None:
        """Say how it ended and how long it took."""
        head = self._heads.pop(step.id, step.id)
        if self._status is not None and not self._heads:
            self._status.stop()
        self._left -= step.estimated_minutes
        # Beside others a step is named again: the line above may be another one's.
        named = f"{head}: " if self._heads else "    "
        self._print(f"{named}{outcome} after {seconds:.0f} s", style=_STYLE.get(outcome, ""))

    def _print(self, line: str, style: str = "") -> None:
        with self._lock:
            self._console.print(Text(line, style=style), soft_wrap=True)
