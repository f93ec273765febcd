"""Runs a plan step by step, writes down what it does, and stops at the first failure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.errors import OrchestratorError, RunStopped
from orchestrator.execution.gate import compare, require_runnable, require_start, require_unused
from orchestrator.execution.observed import ObservedFarm
from orchestrator.execution.ports import Muffled, Ports
from orchestrator.execution.results import Child, RunResult, RunStatus, TaskEvent
from orchestrator.execution.stop import StopReport, next_steps, stop_facts
from orchestrator.execution.verdict import StepVerdict, judge
from orchestrator.journal.entry import Kind
from orchestrator.journal.projection import StepStatus
from orchestrator.journal.store import Journal
from orchestrator.model.plan import Plan, Step

_ENDS = {
    StepStatus.SUCCEEDED: Kind.STEP_SUCCEEDED,
    StepStatus.FAILED: Kind.STEP_FAILED,
    StepStatus.IN_DOUBT: Kind.STEP_IN_DOUBT,
}


@dataclass(frozen=True)
class Approval:
    """Who approved which plan, and where."""

    digest: str
    by: str
    host: str


@dataclass(frozen=True)
class RunReport:
    """What came of a run.

    Parameters
    ----------
    done : tuple of str
        Steps that succeeded.
    seconds : float
    farm : ObservedFarm or None
        As read at the end.
    stop : StopReport or None
        None if the plan was finished and the farm is where it ends.
    """

    done: tuple[str, ...]
    seconds: float
    farm: ObservedFarm | None
    stop: StopReport | None = None

    @property
    def exit_code(self) -> int:
        """0 finished, 5 stopped, 130 interrupted."""
        if self.stop is None:
            return 0
        return 130 if self.stop.interrupted else 5


def run_plan(
    plan: Plan,
    playbooks: Mapping[str, Path],
    *,
    approval: Approval,
    observed: ObservedFarm,
    journal: Journal,
    ports: Ports,
    rollback_command: str = "",
) -> RunReport:
    """Apply a plan, one step at a time.

    Parameters
    ----------
    plan : Plan
    playbooks : mapping of step id to Path
    approval : Approval
    observed : ObservedFarm
        The farm, read under the lock just now.
    journal : Journal
        Of this plan; the lock of the organisation must be held.
    ports : Ports
    rollback_command : str
        Shown when the run stops.

    Raises
    ------
    OrchestratorError
        Before anything is started: the plan cannot run, was applied already, or a server could
        not be read (`InvalidInput`).
    StalePlan
        The farm is not where the plan starts.
    RunStopped
        The journal cannot be written any more; says what is known of the step.
    """
    require_runnable(plan, playbooks)
    require_unused(journal.entries())
    require_start(plan, observed)
    journal.append(Kind.PLAN_APPROVED, digest=approval.digest, by=approval.by, host=approval.host)
    journal.append(Kind.STATE_READ, **_farm_data(observed))
    journal.append(Kind.RUN_STARTED, digest=approval.digest, steps=[s.id for s in plan.steps])
    return _Run(plan, playbooks, journal, ports, rollback_command).go()


class _Run:
    def __init__(
        self,
        plan: Plan,
        playbooks: Mapping[str, Path],
        journal: Journal,
        ports: Ports,
        rollback_command: str,
    ) -> None:
        self._plan = plan
        self._playbooks = playbooks
        self._journal = journal
        self._ports = ports
        self._rollback_command = rollback_command
        self._progress = Muffled(ports.progress)
        self._done: list[Step] = []
        self._began = ports.clock.monotonic()

    def go(self) -> RunReport:
        steps = self._plan.steps
        self._progress.on_run_started(self._plan, sum(step.estimated_minutes for step in steps))
        for index, step in enumerate(steps, start=1):
            if self._ports.stop_requested():
                return self._stop(f"interrupted before step {step.id}", interrupted=True)
            self._progress.on_step_started(step, index, len(steps))
            verdict, result = self._step(step)
            if verdict.status is not StepStatus.SUCCEEDED:
                return self._stop(verdict.reason, step=step, status=verdict.status, result=result)
            self._done.append(step)
        return self._finish()

    def _step(self, step: Step) -> tuple[StepVerdict, RunResult | None]:
        self._write(f"step {step.id} was not started", Kind.STEP_STARTED, step)
        began = self._ports.clock.monotonic()
        verdict, result = self._attempt(step)
        seconds = round(self._ports.clock.monotonic() - began, 3)
        data: dict[str, Any] = {"seconds": seconds}
        if verdict.status is not StepStatus.SUCCEEDED:
            data["reason"] = verdict.reason
            data["failures"] = [
                {"host": f.host, "task": f.task, "message": f.message, "in_doubt": f.in_doubt}
                for f in (result.failures if result else ())
            ]
        self._write(f"step {step.id} is {verdict.status}", _ENDS[verdict.status], step, **data)
        self._progress.on_step_finished(step, seconds, verdict.status)
        return verdict, result

    def _attempt(self, step: Step) -> tuple[StepVerdict, RunResult | None]:
        unwritten: list[OrchestratorError] = []

        def on_child(child: Child) -> None:
            try:
                self._journal.append(
                    Kind.STEP_CHILD,
                    step.id,
                    pid=child.pid,
                    identity=child.identity,
                    folder=str(child.folder),
                )
            except OrchestratorError as error:
                unwritten.append(error)
                raise

        def on_event(event: TaskEvent) -> None:
            self._progress.on_task(step, event.host, event.task, event.outcome)

        try:
            result = self._ports.run_playbook(
                self._playbooks[step.id], step.id, on_event=on_event, on_child=on_child
            )
        except OrchestratorError as error:
            if unwritten:
                raise _unwritten(
                    f"step {step.id} is in doubt: it was ended as soon as it had begun", error
                ) from error
            return StepVerdict(StepStatus.FAILED, f"it was not started: {error.message}"), None
        return judge(step, result), result

    def _finish(self) -> RunReport:
        farm, problem = self._read()
        wrong = compare(self._plan.end, farm.state) if farm is not None else []
        if farm is None or not farm.complete or wrong:
            reason = "every step succeeded, but the farm is not where the plan ends"
            if farm is None or not farm.complete:
                reason = "every step succeeded, but the farm could not be read at the end"
            return self._stop(reason, reading=(farm, problem))
        seconds = self._seconds()
        self._write("every step succeeded", Kind.RUN_FINISHED, seconds=seconds)
        return RunReport(tuple(step.id for step in self._done), seconds, farm)

    def _stop(
        self,
        reason: str,
        *,
        step: Step | None = None,
        status: StepStatus | None = None,
        result: RunResult | None = None,
        reading: tuple[ObservedFarm | None, str] | None = None,
        interrupted: bool = False,
    ) -> RunReport:
        farm, problem = reading or self._read()
        facts = stop_facts(self._plan, self._done, step, farm)
        redirections = facts["redirections_on"] + facts["redirections_possible"]
        failures = result.failures if result else ()
        begun = {s.id for s in self._done} | ({step.id} if step else set())
        report = StopReport(
            step=step,
            status=status,
            reason=reason,
            failures=failures,
            output=result.output if result and not failures else (),
            artifacts=result.artifacts if result else None,
            done=tuple(s.id for s in self._done),
            remaining=tuple(s.id for s in self._plan.steps if s.id not in begun),
            farm=farm,
            unread_because=problem,
            next_steps=next_steps(
                status, redirections=bool(redirections), rollback_command=self._rollback_command
            ),
            interrupted=interrupted
            or (result is not None and result.status is RunStatus.CANCELLED),
            **facts,
        )
        seconds = self._seconds()
        self._write(
            "\n".join(report.lines()),
            Kind.RUN_STOPPED,
            reason=f"step {step.id}: {reason}" if step else reason,
            redirections=list(redirections),
            seconds=seconds,
        )
        return RunReport(report.done, seconds, farm, report)

    def _read(self) -> tuple[ObservedFarm | None, str]:
        try:
            farm = self._ports.read_farm()
        except OrchestratorError as error:
            return None, error.message
        self._write("the farm was read", Kind.STATE_READ, **_farm_data(farm))
        return farm, ""

    def _seconds(self) -> float:
        return round(self._ports.clock.monotonic() - self._began, 3)

    def _write(self, known: str, kind: Kind, step: Step | None = None, **data: Any) -> None:
        try:
            self._journal.append(kind, step.id if step else None, **data)
        except OrchestratorError as error:
            raise _unwritten(known, error) from error


def _unwritten(known: str, error: OrchestratorError) -> RunStopped:
    return RunStopped(f"{known}; the run stops here: {error.message}", error.remedy)


def _farm_data(farm: ObservedFarm) -> dict[str, Any]:
    return {
        "builds": {name: str(facts.build) for name, facts in sorted(farm.servers.items())},
        "owa_external_urls": {
            name: facts.external_url for name, facts in sorted(farm.servers.items())
        },
        "problems": [str(problem) for problem in farm.problems],
    }
