"""One run of a plan: each change of a step's status is written before and after."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from orchestrator.errors import OrchestratorError, RunStopped
from orchestrator.execution.crew import Alone, Ended, crew_of
from orchestrator.execution.gate import compare
from orchestrator.execution.observed import ObservedFarm
from orchestrator.execution.ports import Muffled, Ports
from orchestrator.execution.position import position, redirections_on
from orchestrator.execution.results import Child, RunResult, RunStatus, TaskEvent
from orchestrator.execution.room import ready
from orchestrator.execution.stop import StopReport, next_steps, stop_facts
from orchestrator.execution.terms import Terms
from orchestrator.execution.times import Opening, earliest, show
from orchestrator.execution.verdict import StepVerdict, judge
from orchestrator.journal.entry import Kind
from orchestrator.journal.steps import StepStatus
from orchestrator.journal.store import Journal
from orchestrator.model.plan import Plan, Step, StepKind, after_all

_LOOK_SECONDS = 2.0
"""How often a run that waits for its window looks whether somebody asked it to end."""

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


@dataclass(frozen=True)
class Halt:
    """Why no further step is started.

    Parameters
    ----------
    reason : str
    paused, interrupted : bool
        Somebody, or the end of the window, asked for it: to go on later, or at once.
    next_window : datetime or None
        When what is left may go on, if it is a window that is missing.
    """

    reason: str
    paused: bool = False
    interrupted: bool = False
    next_window: datetime | None = None


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
    terms : Terms
    done, begun : collection of str
        Ids of steps that need not run, and of those that were begun and are not done.
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
        terms: Terms,
        *,
        done: Collection[str] = (),
        begun: Collection[str] = (),
        attempts: Mapping[str, int] | None = None,
    ) -> None:
        self._plan = plan
        self._playbooks = playbooks
        self._journal = journal
        self._ports = ports
        self._commands = commands
        self._terms = terms
        self._progress = Muffled(ports.progress)
        self._done = [step for step in plan.steps if step.id in done]
        self._begun = [step for step in plan.steps if step.id in begun]
        self._running: list[Step] = []
        self._attempts = dict(attempts or {})
        self._crew = crew_of(terms.max_parallel)
        self._seen = max((entry.seq for entry in journal.entries()), default=0)
        self._began = ports.clock.monotonic()

    def go(self) -> RunReport:
        """Run to the end, or to the first reason to stop; what runs then is waited for.

        Raises
        ------
        RunStopped
            The journal cannot be written any more.
        """
        left = sum(s.estimated_minutes for s in self._plan.steps if s not in self._done)
        self._progress.on_run_started(self._plan, left)
        failed: list[Ended] = []
        halt: Halt | None = None
        try:
            while len(self._done) < len(self._plan.steps):
                if halt is None and not failed:
                    halt = self._start_what_may()
                if not self._running:
                    break
                ended = self._take()
                if ended.verdict.status is not StepStatus.SUCCEEDED:
                    failed.append(ended)
        finally:
            while self._running:  # Nobody leaves while a step runs.
                self._running.remove(self._crew.take().step)
        if failed:
            return self._stop(Halt(failed[0].verdict.reason), failed)
        return self._finish() if halt is None else self._stop(halt)

    def _start_what_may(self) -> Halt | None:
        """Start every step that may start now; why the run halts, if it does."""
        while len(self._running) < self._terms.max_parallel:
            waiting = self._ready()
            if not waiting:
                return None
            if self._ports.cancelled():
                return Halt(f"interrupted before step {waiting[0].id}", interrupted=True)
            if asked := self._pause_asked():
                return Halt(f"before step {waiting[0].id}, {asked}", paused=True)
            hindered = {step.id: self._hindrance(step) for step in waiting}
            free = [step for step in waiting if not hindered[step.id]]
            if not free:
                if self._running:
                    return None
                lines = "; ".join(f"{name}: {why}" for name, why in hindered.items())
                return Halt(f"no step may start: {lines}")
            openings = self._openings(free)
            fitting = [step for step in free if not openings or openings[step.id].window]
            if fitting:
                self._start(fitting[0], openings.get(fitting[0].id))
            elif self._running:
                return None
            elif halt := self._await_window(openings):
                return halt
            if isinstance(self._crew, Alone) and fitting:
                return None
        return None

    def _openings(self, steps: Sequence[Step]) -> dict[str, Opening]:
        """When steps may start; empty without windows."""
        if self._terms.times is None:
            return {}
        now = self._ports.clock.now()
        return {step.id: self._terms.times.opening(step, now) for step in steps}

    def _await_window(self, openings: Mapping[str, Opening]) -> Halt | None:
        """Nothing that is left fits now: wait until something does, or halt until then."""
        until = earliest(openings.values())
        why = "; ".join(f"{name}: {opening.why}" for name, opening in openings.items())
        done = [step.id for step in self._done]
        on = redirections_on(self._plan, done, after_all(self._plan.start, self._done))
        self._write(
            "nothing more was started",
            Kind.WINDOW_AWAITED,
            until=until.isoformat() if until else None,
            steps={name: opening.why for name, opening in openings.items()},
            redirections=list(on),
            waits=self._terms.wait and until is not None,
        )
        if until is None:
            return Halt(f"no window is left for what remains ({why})")
        text = f"nothing that is left fits before the end of the window ({why}); "
        text += f"the next one opens {show(until)}"
        if not self._terms.wait:
            return Halt(text, paused=True, next_window=until)
        self._ports.say(f"Waiting: {text}. Ctrl-C, or orchestrator pause, ends the waiting.")
        for line in on:
            self._ports.say(f"  meanwhile on: {line}")
        return self._sleep(until) or self._look_again(until)

    def _sleep(self, until: datetime) -> Halt | None:
        while (left := (until - self._ports.clock.now()).total_seconds()) > 0:
            if self._ports.cancelled():
                return Halt("interrupted while waiting for the window", interrupted=True)
            if asked := self._pause_asked():
                text = f"while waiting for the window from {show(until)}, {asked}"
                return Halt(text, paused=True, next_window=until)
            self._ports.clock.sleep(min(left, _LOOK_SECONDS))
        return None

    def _look_again(self, opened: datetime) -> Halt | None:
        """Much may have happened while nobody looked: read the farm before going on."""
        farm, problem = self._read()
        if farm is None or not farm.complete:
            said = "; ".join(str(p) for p in farm.problems) if farm else problem
            return Halt(f"the farm could not be read when the window opened: {said}")
        done, begun = ([step.id for step in steps] for steps in (self._done, self._begun))
        if drift := position(self._plan, done, begun, farm.state).drift:
            return Halt(f"the farm moved while the window was awaited: {'; '.join(drift)}")
        self._write("nothing more was started", Kind.WINDOW_OPENED, window=show(opened))
        return None

    def _ready(self) -> list[Step]:
        """Steps whose predecessors are done; only those begun before, while there are any."""
        running = [step.id for step in self._running]
        found = ready(self._plan, [step.id for step in self._done], running)
        return [step for step in found if step in self._begun] or found

    def _hindrance(self, step: Step) -> str:
        begun = [other for other in self._begun if other is not step]
        return self._terms.room.hindrance(step, [*self._running, *begun])

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

    def _start(self, step: Step, opening: Opening | None) -> None:
        number = self._attempts[step.id] = self._attempts.get(step.id, 0) + 1
        self._progress.on_step_started(
            step, self._plan.steps.index(step) + 1, len(self._plan.steps)
        )
        room = _room_of(opening) if opening else {}
        self._write(f"step {step.id} was not started", Kind.STEP_STARTED, step, **room)
        self._running.append(step)
        self._crew.start(lambda: self._attempt(step, number))

    def _take(self) -> Ended:
        """Wait for a step to end and write down how."""
        ended = self._crew.take()
        step, verdict = ended.step, ended.verdict
        self._running.remove(step)
        if ended.error is not None:
            raise ended.error
        data: dict[str, Any] = {"seconds": ended.seconds}
        if verdict.status is not StepStatus.SUCCEEDED:
            data["reason"] = verdict.reason
            data["failures"] = [
                {"host": f.host, "task": f.task, "message": f.message, "in_doubt": f.in_doubt}
                for f in (ended.result.failures if ended.result else ())
            ]
        self._write(f"step {step.id} is {verdict.status}", _ENDS[verdict.status], step, **data)
        if verdict.status is StepStatus.SUCCEEDED:
            self._done.append(step)
            self._begun = [other for other in self._begun if other is not step]
        self._progress.on_step_finished(step, ended.seconds, verdict.status)
        return ended

    def _attempt(self, step: Step, number: int) -> Ended:
        """One attempt of a step, in whichever thread; what it raises is in the result."""
        began = self._ports.clock.monotonic()
        result, error = None, None
        try:
            verdict, result = self._run_playbook(step, number)
        except Exception as raised:  # Raised again by the thread that leads the run.
            verdict, error = StepVerdict(StepStatus.IN_DOUBT, str(raised)), raised
        seconds = round(self._ports.clock.monotonic() - began, 3)
        return Ended(step, verdict, result, seconds, error)

    def _run_playbook(self, step: Step, number: int) -> tuple[StepVerdict, RunResult | None]:
        unwritten: list[OrchestratorError] = []

        def on_child(child: Child) -> None:
            try:
                self._journal.append(
                    Kind.STEP_CHILD,
                    step.id,
                    attempt=number,
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
            return self._stop(Halt(reason), reading=(farm, problem))
        self._verify()
        seconds = self._seconds()
        self._write("every step succeeded", Kind.RUN_FINISHED, seconds=seconds)
        return RunReport(tuple(step.id for step in self._done), seconds, farm)

    def _stop(
        self,
        halt: Halt,
        failed: Sequence[Ended] = (),
        *,
        reading: tuple[ObservedFarm | None, str] | None = None,
    ) -> RunReport:
        farm, problem = reading or self._read()
        not_done = [*(ended.step for ended in failed)]
        not_done += [step for step in self._begun if step not in not_done]
        facts = stop_facts(self._plan, self._done, not_done, farm)
        redirections = facts["redirections_on"] + facts["redirections_possible"]
        begun = [step.id for step in not_done]
        done = tuple(s.id for s in self._done)
        read = farm.state if farm is not None and farm.complete else None
        if read is not None and not position(self._plan, done, begun, read).drift:
            self._verify()
        first = failed[0] if failed else None
        results = [ended.result for ended in failed if ended.result is not None]
        failures = tuple(failure for result in results for failure in result.failures)
        statuses = [ended.verdict.status for ended in failed]
        doubt = StepStatus.IN_DOUBT in statuses
        report = StopReport(
            step=first.step if first else None,
            status=first.verdict.status if first else None,
            reason=halt.reason,
            others=tuple(
                f"step {e.step.id} is {e.verdict.status}: {e.verdict.reason}" for e in failed[1:]
            ),
            failures=failures,
            output=() if failures else tuple(line for r in results for line in r.output),
            artifacts=tuple(r.artifacts for r in results if r.artifacts is not None),
            done=done,
            remaining=tuple(s.id for s in self._plan.steps if s.id not in {*done, *begun}),
            farm=farm,
            unread_because=problem,
            next_steps=next_steps(
                StepStatus.IN_DOUBT if doubt else first.verdict.status if first else None,
                redirections=bool(redirections),
                resume_command=self._commands.resume,
                rollback_command=self._commands.rollback,
                paused=halt.paused,
                disproved=tuple(rule for e in failed for rule in _disproved(e)),
                next_window=show(halt.next_window) if halt.next_window else "",
            ),
            interrupted=halt.interrupted or any(r.status is RunStatus.CANCELLED for r in results),
            paused=halt.paused,
            **facts,
        )
        seconds = self._seconds()
        more: dict[str, Any] = {}
        if halt.next_window is not None:
            more["next_window"] = halt.next_window.isoformat()
        self._write(
            "\n".join(report.lines()),
            Kind.RUN_STOPPED,
            reason=f"step {first.step.id}: {halt.reason}" if first else halt.reason,
            redirections=list(redirections),
            paused=halt.paused,
            seconds=seconds,
            **more,
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


def _room_of(opening: Opening) -> dict[str, Any]:
    end = opening.window.end.isoformat() if opening.window else ""
    return {"minutes": opening.minutes, "reserve": opening.reserve, "until": end}


def _unwritten(known: str, error: OrchestratorError) -> RunStopped:
    return RunStopped(f"{known}; the run stops here: {error.message}", error.remedy)


def _disproved(ended: Ended) -> tuple[str, ...]:
    """The rules a failed pilot was there to show."""
    step = ended.step
    if ended.verdict.status is not StepStatus.FAILED:
        return ()
    return step.rules if step.pilot and step.kind is StepKind.VERIFY else ()
