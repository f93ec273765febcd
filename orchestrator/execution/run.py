"""One run of a plan: step after step, each change of a step's status written before and after."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.errors import OrchestratorError, RunStopped
from orchestrator.execution.gate import compare
from orchestrator.execution.observed import ObservedFarm
from orchestrator.execution.ports import Muffled, Ports
from orchestrator.execution.position import position
from orchestrator.execution.results import Child, RunResult, RunStatus, TaskEvent
from orchestrator.execution.stop import StopReport, next_steps, stop_facts
from orchestrator.execution.verdict import StepVerdict, judge
from orchestrator.journal.entry import Kind
from orchestrator.journal.steps import StepStatus
from orchestrator.journal.store import Journal
from orchestrator.model.plan import Plan, Step, StepKind

_ENDS = {
    StepStatus.SUCCEEDED: Kind.STEP_SUCCEEDED,
    StepStatus.FAILED: Kind.STEP_FAILED,
    StepStatus.IN_DOUBT: Kind.STEP_IN_DOUBT,
}


@dataclass(frozen=True)
class RunReport:
    """What came of a run.

    Parameters
    ----------
    done : tuple of str
        Steps that are done, those of an earlier part of the run included.
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
        """0 finished, 5 stopped, 130 cancelled."""
        if self.stop is None:
            return 0
        return 130 if self.stop.interrupted else 5


@dataclass(frozen=True)
class Commands:
    """What a stop report tells to type; empty where there is no such way.

    Parameters
    ----------
    resume, rollback : str
    """

    resume: str = ""
    rollback: str = ""


class Run:
    """Goes through the steps of a plan that are not done.

    Parameters
    ----------
    plan : Plan
    playbooks : mapping of step id to Path
    journal : Journal
        Begun or resumed; its last entry is this run's.
    ports : Ports
    commands : Commands
    done : collection of str
        Ids of steps that need not run.
    attempts : mapping of step id to int
        The last attempt of every step that was begun before.
    """

    def __init__(
        self,
        plan: Plan,
        playbooks: Mapping[str, Path],
        journal: Journal,
        ports: Ports,
        commands: Commands,
        *,
        done: Collection[str] = (),
        attempts: Mapping[str, int] | None = None,
    ) -> None:
        self._plan = plan
        self._playbooks = playbooks
        self._journal = journal
        self._ports = ports
        self._commands = commands
        self._progress = Muffled(ports.progress)
        self._done = [step for step in plan.steps if step.id in done]
        self._attempts = dict(attempts or {})
        self._seen = max((entry.seq for entry in journal.entries()), default=0)
        self._began = ports.clock.monotonic()

    def go(self) -> RunReport:
        """Run to the end, or to the first reason to stop.

        Raises
        ------
        RunStopped
            The journal cannot be written any more.
        """
        left = [step for step in self._plan.steps if step not in self._done]
        self._progress.on_run_started(self._plan, sum(step.estimated_minutes for step in left))
        for index, step in enumerate(self._plan.steps, start=1):
            if step not in left:
                continue
            if self._ports.cancelled():
                return self._stop(f"interrupted before step {step.id}", interrupted=True)
            if asked := self._pause_asked():
                return self._stop(f"before step {step.id}, {asked}", paused=True)
            self._progress.on_step_started(step, index, len(self._plan.steps))
            verdict, result = self._step(step)
            if verdict.status is not StepStatus.SUCCEEDED:
                return self._stop(verdict.reason, step=step, status=verdict.status, result=result)
            self._done.append(step)
        return self._finish()

    def _pause_asked(self) -> str:
        """Who asked for a pause, by a signal or through the journal; empty if nobody did."""
        if self._ports.pause_requested():
            return "as asked by a signal"
        try:
            news = self._journal.entries(after=self._seen)
        except OrchestratorError as error:
            raise _unwritten("the journal cannot be read", error) from error
        for entry in news:
            self._seen = entry.seq
            if entry.kind == Kind.PAUSE_REQUESTED:
                return f"as {entry.data.get('by') or 'somebody'} asked"
        return ""

    def _step(self, step: Step) -> tuple[StepVerdict, RunResult | None]:
        self._attempts[step.id] = self._attempts.get(step.id, 0) + 1
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
                    attempt=self._attempts[step.id],
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
        self._verify()
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
        paused: bool = False,
    ) -> RunReport:
        farm, problem = reading or self._read()
        facts = stop_facts(self._plan, self._done, step, farm)
        redirections = facts["redirections_on"] + facts["redirections_possible"]
        failures = result.failures if result else ()
        begun = [step.id] if step else []
        done = tuple(s.id for s in self._done)
        read = farm.state if farm is not None and farm.complete else None
        if read is not None and not position(self._plan, done, begun, read).drift:
            self._verify()
        report = StopReport(
            step=step,
            status=status,
            reason=reason,
            failures=failures,
            output=result.output if result and not failures else (),
            artifacts=result.artifacts if result else None,
            done=done,
            remaining=tuple(s.id for s in self._plan.steps if s.id not in {*done, *begun}),
            farm=farm,
            unread_because=problem,
            next_steps=next_steps(
                status,
                redirections=bool(redirections),
                resume_command=self._commands.resume,
                rollback_command=self._commands.rollback,
                paused=paused,
                disproved=_disproved(step, status),
            ),
            interrupted=interrupted
            or (result is not None and result.status is RunStatus.CANCELLED),
            paused=paused,
            **facts,
        )
        seconds = self._seconds()
        self._write(
            "\n".join(report.lines()),
            Kind.RUN_STOPPED,
            reason=f"step {step.id}: {reason}" if step else reason,
            redirections=list(redirections),
            paused=paused,
            seconds=seconds,
        )
        return RunReport(report.done, seconds, farm, report)

    def _verify(self) -> None:
        if self._done:
            names = [step.id for step in self._done]
            self._write("the farm was read", Kind.STEPS_VERIFIED, steps=names)

    def _read(self) -> tuple[ObservedFarm | None, str]:
        try:
            farm = self._ports.read_farm()
        except OrchestratorError as error:
            return None, error.message
        self._write("the farm was read", Kind.STATE_READ, **farm_data(farm))
        return farm, ""

    def _seconds(self) -> float:
        return round(self._ports.clock.monotonic() - self._began, 3)

    def _write(self, known: str, kind: Kind, step: Step | None = None, **data: Any) -> None:
        attempt = self._attempts.get(step.id, 1) if step else 1
        try:
            self._journal.append(kind, step.id if step else None, attempt=attempt, **data)
        except OrchestratorError as error:
            raise _unwritten(known, error) from error


def farm_data(farm: ObservedFarm) -> dict[str, Any]:
    """A reading as JSON values for the journal."""
    return {
        "builds": {name: str(facts.build) for name, facts in sorted(farm.servers.items())},
        "owa_external_urls": {
            name: facts.external_url for name, facts in sorted(farm.servers.items())
        },
        "problems": [str(problem) for problem in farm.problems],
    }


def _unwritten(known: str, error: OrchestratorError) -> RunStopped:
    return RunStopped(f"{known}; the run stops here: {error.message}", error.remedy)


def _disproved(step: Step | None, status: StepStatus | None) -> tuple[str, ...]:
    """The rules a failed pilot was there to show."""
    if step is None or status is not StepStatus.FAILED:
        return ()
    return step.rules if step.pilot and step.kind is StepKind.VERIFY else ()
