"""One run of a plan: each change of a step's status is written before and after."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from orchestrator.execution.attempt import attempt
from orchestrator.execution.crew import Alone, Ended, crew_of
from orchestrator.execution.diary import Diary
from orchestrator.execution.ending import stop_report
from orchestrator.execution.gate import compare
from orchestrator.execution.gatekeeper import Gatekeeper
from orchestrator.execution.looks import Baseline
from orchestrator.execution.observed import ObservedFarm
from orchestrator.execution.outcome import Commands, Halt, RunReport
from orchestrator.execution.patience import Patience
from orchestrator.execution.ports import Muffled, Ports
from orchestrator.execution.position import position
from orchestrator.execution.room import ready
from orchestrator.execution.terms import Terms
from orchestrator.execution.times import Opening
from orchestrator.journal.entry import Kind
from orchestrator.journal.steps import StepStatus
from orchestrator.journal.store import Journal
from orchestrator.model.plan import Plan, Step

__all__ = ["Commands", "Run", "RunReport"]

_ENDS = {
    StepStatus.SUCCEEDED: Kind.STEP_SUCCEEDED,
    StepStatus.FAILED: Kind.STEP_FAILED,
    StepStatus.IN_DOUBT: Kind.STEP_IN_DOUBT,
}


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
    baseline : Baseline or None
        What paths were like before the first change; None: to be looked at first.
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
        baseline: Baseline | None = None,
    ) -> None:
        self._plan = plan
        self._playbooks = playbooks
        self._ports = replace(ports, progress=Muffled(ports.progress))
        self._commands = commands
        self._terms = terms
        self._diary = Diary(journal, ports)
        self._gates = Gatekeeper(terms.gates, baseline, ports, self._diary)
        self._patience = Patience(plan, ports, self._diary, wait=terms.wait)
        self._done = [step for step in plan.steps if step.id in done]
        self._begun = [step for step in plan.steps if step.id in begun]
        self._running: list[Step] = []
        self._attempts = dict(attempts or {})
        self._crew = crew_of(terms.max_parallel)
        self._began = ports.clock.monotonic()

    def go(self) -> RunReport:
        """Run to the end, or to the first reason to stop; what runs then is waited for.

        Raises
        ------
        RunStopped
            The journal cannot be written any more.
        """
        left = sum(s.estimated_minutes for s in self._plan.steps if s not in self._done)
        self._ports.progress.on_run_started(self._plan, left)
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
            if halt := self._wished(waiting[0]):
                return halt
            room = self._terms.room
            hindered = {step.id: room.hindrance(step, self._running) for step in waiting}
            free = [step for step in waiting if not hindered[step.id]]
            if not free:
                lines = "; ".join(f"{name}: {why}" for name, why in hindered.items())
                return None if self._running else Halt(f"no step may start: {lines}")
            openings = self._openings(free)
            fitting = [step for step in free if not openings or openings[step.id].window]
            if fitting and self._gates.baseline is None:
                if halt := self._gates.look_first(self._plan.start):
                    return halt
                continue  # Looking takes time: what fitted before may not fit now.
            if fitting:
                self._start(fitting[0], openings.get(fitting[0].id))
                if isinstance(self._crew, Alone):
                    return None
            elif self._running:
                return None
            elif halt := self._patience.await_window(openings, self._done, self._begun):
                return halt
        return None

    def _wished(self, step: Step) -> Halt | None:
        """Whether somebody asked for an end before a step."""
        if self._ports.cancelled():
            return Halt(f"interrupted before step {step.id}", interrupted=True)
        if asked := self._diary.pause_asked():
            return Halt(f"before step {step.id}, {asked}", paused=True)
        return None

    def _openings(self, steps: Sequence[Step]) -> dict[str, Opening]:
        """When steps may start; empty without windows."""
        if self._terms.times is None:
            return {}
        now = self._ports.clock.now()
        return {step.id: self._terms.times.opening(step, now) for step in steps}

    def _ready(self) -> list[Step]:
        """Steps whose predecessors are done; only those begun before, while there are any."""
        running = [step.id for step in self._running]
        found = ready(self._plan, [step.id for step in self._done], running)
        return [step for step in found if step in self._begun] or found

    def _start(self, step: Step, opening: Opening | None) -> None:
        number = self._attempts[step.id] = self._attempts.get(step.id, 0) + 1
        place = self._plan.steps.index(step) + 1
        self._ports.progress.on_step_started(step, place, len(self._plan.steps))
        known = f"step {step.id} was not started"
        self._diary.write(known, Kind.STEP_STARTED, step, attempt=number, **_room_of(opening))
        book, journal = self._playbooks[step.id], self._diary.journal
        self._crew.start(lambda: attempt(step, number, book, journal, self._ports))
        self._running.append(step)

    def _take(self) -> Ended:
        """Wait for a step to end and write down how."""
        ended = self._crew.take()
        step, number = ended.step, self._attempts[ended.step.id]
        self._running.remove(step)
        if ended.error is not None:
            raise ended.error
        verdict = self._gates.passes(ended, number)
        ended = replace(ended, verdict=verdict)
        data: dict[str, Any] = {"seconds": ended.seconds}
        if verdict.status is not StepStatus.SUCCEEDED:
            data["reason"] = verdict.reason
            data["failures"] = [
                {"host": f.host, "task": f.task, "message": f.message, "in_doubt": f.in_doubt}
                for f in (ended.result.failures if ended.result else ())
            ]
        known = f"step {step.id} is {verdict.status}"
        self._diary.write(known, _ENDS[verdict.status], step, attempt=number, **data)
        if verdict.status is StepStatus.SUCCEEDED:
            self._done.append(step)
            self._begun = [other for other in self._begun if other is not step]
        self._ports.progress.on_step_finished(step, ended.seconds, verdict.status)
        return ended

    def _finish(self) -> RunReport:
        farm, problem = self._diary.read_farm()
        wrong = compare(self._plan.end, farm.state) if farm is not None else []
        if farm is None or not farm.complete or wrong:
            reason = "every step succeeded, but the farm is not where the plan ends"
            if farm is None or not farm.complete:
                reason = "every step succeeded, but the farm could not be read at the end"
            return self._stop(Halt(reason), reading=(farm, problem))
        self._verify()
        seconds = self._seconds()
        self._diary.write("every step succeeded", Kind.RUN_FINISHED, seconds=seconds)
        return RunReport(tuple(step.id for step in self._done), seconds, farm)

    def _stop(
        self,
        halt: Halt,
        failed: Sequence[Ended] = (),
        *,
        reading: tuple[ObservedFarm | None, str] | None = None,
    ) -> RunReport:
        reading = reading or self._diary.read_farm()
        begun = [ended.step for ended in failed]
        begun += [step for step in self._begun if step not in begun]
        farm = reading[0]
        if farm is not None and farm.complete:
            done, open_ends = ([step.id for step in steps] for steps in (self._done, begun))
            if not position(self._plan, done, open_ends, farm.state).drift:
                self._verify()
        report = stop_report(
            self._plan,
            halt,
            failed,
            done=self._done,
            begun=begun,
            reading=reading,
            commands=self._commands,
            undoing=self._terms.undoing,
        )
        seconds = self._seconds()
        self._diary.write(
            "\n".join(report.lines()),
            Kind.RUN_STOPPED,
            reason=f"step {report.step.id}: {halt.reason}" if report.step else halt.reason,
            redirections=[*report.redirections_on, *report.redirections_possible],
            paused=halt.paused,
            seconds=seconds,
            **halt.data(),
        )
        return RunReport(report.done, seconds, farm, report)

    def _verify(self) -> None:
        if self._done:
            names = [step.id for step in self._done]
            self._diary.write("the farm was read", Kind.STEPS_VERIFIED, steps=names)

    def _seconds(self) -> float:
        return round(self._ports.clock.monotonic() - self._began, 3)


def _room_of(opening: Opening | None) -> dict[str, Any]:
    if opening is None:
        return {}
    end = opening.window.end.isoformat() if opening.window else ""
    return {"minutes": opening.minutes, "reserve": opening.reserve, "until": end}
