"""One attempt of a step: its playbook is run, its child is written down, its end is judged."""

from __future__ import annotations

from pathlib import Path

from orchestrator.errors import OrchestratorError
from orchestrator.execution.crew import Ended
from orchestrator.execution.diary import unwritten
from orchestrator.execution.ports import Ports
from orchestrator.execution.results import Child, RunResult, TaskEvent
from orchestrator.execution.verdict import StepVerdict, judge
from orchestrator.journal.entry import Kind
from orchestrator.journal.steps import StepStatus
from orchestrator.journal.store import Journal
from orchestrator.model.plan import Step


def attempt(step: Step, number: int, playbook: Path, journal: Journal, ports: Ports) -> Ended:
    """One attempt of a step, in whichever thread; what it raises is in the result.

    Parameters
    ----------
    step : Step
    number : int
        Which attempt, from 1.
    playbook : Path
    journal : Journal
        Told about the child before its first task.
    ports : Ports
    """
    began = ports.clock.monotonic()
    result, error = None, None
    try:
        verdict, result = _run(step, number, playbook, journal, ports)
    except Exception as raised:  # Raised again by the thread that leads the run.
        verdict, error = StepVerdict(StepStatus.IN_DOUBT, str(raised)), raised
    seconds = round(ports.clock.monotonic() - began, 3)
    return Ended(step, verdict, result, seconds, error)


def _run(
    step: Step, number: int, playbook: Path, journal: Journal, ports: Ports
) -> tuple[StepVerdict, RunResult | None]:
    refused: list[OrchestratorError] = []

    def on_child(child: Child) -> None:
        try:
            journal.append(
                Kind.STEP_CHILD,
                step.id,
                attempt=number,
                pid=child.pid,
                identity=child.identity,
                folder=str(child.folder),
            )
        except OrchestratorError as error:
            refused.append(error)
            raise

    def on_event(event: TaskEvent) -> None:
        ports.progress.on_task(step, event.host, event.task, event.outcome)

    try:
        result = ports.run_playbook(playbook, step.id, on_event=on_event, on_child=on_child)
    except OrchestratorError as error:
        if refused:
            raise unwritten(
                f"step {step.id} is in doubt: it was ended as soon as it had begun", error
            ) from error
        return StepVerdict(StepStatus.FAILED, f"it was not started: {error.message}"), None
    return judge(step, result), result
