"""Asks the gates and writes down what they saw: before the first change, and after each step."""

from __future__ import annotations

from orchestrator.errors import OrchestratorError
from orchestrator.execution.crew import Ended
from orchestrator.execution.diary import Diary
from orchestrator.execution.gates import Gates
from orchestrator.execution.looks import Baseline, Looks, looks_of
from orchestrator.execution.outcome import Halt
from orchestrator.execution.ports import Ports
from orchestrator.execution.verdict import StepVerdict
from orchestrator.journal.entry import Kind
from orchestrator.journal.steps import StepStatus
from orchestrator.model.state import State
from orchestrator.model.words import counted


class Gatekeeper:
    """The gates of a run.

    Parameters
    ----------
    gates : Gates or None
        None: nothing is asked.
    baseline : Baseline or None
        What was seen before the first change; None: nobody has looked yet.
    ports : Ports
    diary : Diary
    """

    def __init__(
        self, gates: Gates | None, baseline: Baseline | None, ports: Ports, diary: Diary
    ) -> None:
        self._gates = gates
        self.baseline = baseline
        self._ports = ports
        self._diary = diary

    def look_first(self, start: State) -> Halt | None:
        """Look at every path before the first change; why the run halts, if it does."""
        self.baseline = Baseline()
        gates = self._gates
        if gates is None or not gates.thresholds.baseline:
            return None
        probes = gates.baseline_probes(start)
        ways = sum(len(probe.sources) for probe in probes)
        self._ports.say(
            f"Looking at every path before the first change: {counted(ways, 'probe')} ..."
        )
        try:
            looks = self._ports.look(probes) if probes else Looks(problem="no path can be probed")
        except OrchestratorError as error:
            looks = Looks(problem=error.message)
        self._diary.write(
            "nothing was started",
            Kind.BASELINE_PROBED,
            paths=[look.data() for look in looks.paths],
            unread=looks.problem,
        )
        self.baseline = Baseline.of(looks.paths)
        for line in gates.said_of(looks):
            self._ports.say(line)
        if reason := gates.refuses(looks):
            return Halt(reason)
        return None

    def passes(self, ended: Ended, number: int) -> StepVerdict:
        """Write down what the sources saw; a step whose gates do not hold has failed."""
        step, verdict, gates = ended.step, ended.verdict, self._gates
        if gates is None or ended.result is None or not step.probes:
            return verdict
        looks = looks_of(ended.result)
        if not looks.paths and not looks.events:
            return verdict
        found = gates.judge(step, looks, self.baseline or Baseline())
        self._diary.write(
            f"step {step.id} is {verdict.status}",
            Kind.PATHS_PROBED,
            step,
            attempt=number,
            paths=[look.data() for look in looks.paths],
            events=[event.data() for event in looks.events],
            events_unread=list(looks.events_unread),
            lost=list(found.lost),
            unknown=list(found.unknown),
        )
        for line in (*found.lost, *found.unknown):
            self._ports.say(f"    {line}")
        if found.reasons and verdict.status is StepStatus.SUCCEEDED:
            return StepVerdict(StepStatus.FAILED, "; ".join(found.reasons))
        return verdict
