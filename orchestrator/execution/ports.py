"""What the engine needs from outside, as Protocols; only the command line wires them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from orchestrator.execution.clock import Clock
from orchestrator.execution.looks import Looks
from orchestrator.execution.observed import ObservedFarm
from orchestrator.execution.results import Child, RunResult, TaskEvent, TaskOutcome
from orchestrator.journal.steps import StepStatus
from orchestrator.model.plan import Plan, Probe, Step


class PlaybookPort(Protocol):
    """Runs one playbook; `orchestrator.execution.attempts.StepPlaybooks` is the real one."""

    def __call__(
        self,
        playbook: Path,
        ident: str,
        *,
        on_event: Callable[[TaskEvent], None],
        on_child: Callable[[Child], None],
    ) -> RunResult:
        """Run it to its end; what `on_child` raises comes out once the child has ended."""
        ...


class FarmPort(Protocol):
    """Reads the farm; `orchestrator.execution.attempts.FarmReader` is the real one."""

    def __call__(self) -> ObservedFarm:
        """Read every server once."""
        ...


class LookPort(Protocol):
    """Looks at paths; `orchestrator.execution.attempts.PathLooker` is the real one."""

    def __call__(self, probes: Sequence[Probe]) -> Looks:
        """Send every probe once; what cannot be seen is said in the answer."""
        ...


class Progress(Protocol):
    """What a view is told. `on_task` comes from another thread."""

    def on_run_started(self, plan: Plan, total_minutes: int) -> None:
        """The first step is about to start; minutes are the sum of the estimates."""
        ...

    def on_step_started(self, step: Step, index: int, total: int) -> None:
        """Step `index` of `total`, from 1."""
        ...

    def on_task(self, step: Step, host: str, task: str, outcome: TaskOutcome) -> None:
        """A task started or ended on a host."""
        ...

    def on_step_finished(self, step: Step, seconds: float, outcome: StepStatus) -> None:
        """The step ended and the journal says so."""
        ...


def _never() -> bool:
    return False


def _blind(probes: Sequence[Probe]) -> Looks:
    return Looks(problem="nobody can look at paths here")


def _to_nobody(line: str) -> None:
    pass


@dataclass(frozen=True)
class Ports:
    """Everything the engine needs from outside.

    Parameters
    ----------
    run_playbook : PlaybookPort
    read_farm : FarmPort
    clock : Clock
    progress : Progress
    pause_requested : callable
        Asked before each step; True stops the run there, to be resumed.
    cancelled : callable
        True once somebody asked to end even the step that runs.
    look : LookPort
    say : callable
        Told what a person at the terminal should know at once.
    """

    run_playbook: PlaybookPort
    read_farm: FarmPort
    clock: Clock
    progress: Progress
    pause_requested: Callable[[], bool] = _never
    cancelled: Callable[[], bool] = _never
    look: LookPort = _blind
    say: Callable[[str], None] = _to_nobody


class Muffled:
    """A view that may fail: it is not asked again, and the run goes on."""

    def __init__(self, inner: Progress) -> None:
        self._inner: Progress | None = inner

    def on_run_started(self, plan: Plan, total_minutes: int) -> None:
        """Pass on."""
        self._call(lambda view: view.on_run_started(plan, total_minutes))

    def on_step_started(self, step: Step, index: int, total: int) -> None:
        """Pass on."""
        self._call(lambda view: view.on_step_started(step, index, total))

    def on_task(self, step: Step, host: str, task: str, outcome: TaskOutcome) -> None:
        """Pass on."""
        self._call(lambda view: view.on_task(step, host, task, outcome))

    def on_step_finished(self, step: Step, seconds: float, outcome: StepStatus) -> None:
        """Pass on."""
        self._call(lambda view: view.on_step_finished(step, seconds, outcome))

    def _call(self, tell: Callable[[Progress], None]) -> None:
        if self._inner is None:
            return
        try:
            tell(self._inner)
        except Exception:  # A closed terminal must not leave a farm half-way.
            self._inner = None
