"""A farm in memory for the engine: playbooks are functions, nothing is started."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from orchestrator.execution.engine import Approval, resume_plan, run_plan
from orchestrator.execution.observed import ObservedFarm, ServerFacts
from orchestrator.execution.ports import Ports
from orchestrator.execution.position import Position
from orchestrator.execution.results import (
    Child,
    HostStats,
    RunResult,
    RunStatus,
    TaskEvent,
    TaskFailure,
    TaskOutcome,
)
from orchestrator.execution.room import Room
from orchestrator.execution.run import Commands, RunReport
from orchestrator.execution.terms import Terms
from orchestrator.execution.who import Who
from orchestrator.journal.entry import Entry
from orchestrator.journal.steps import StepStatus
from orchestrator.journal.store import Journal
from orchestrator.model.build import Build
from orchestrator.model.plan import Plan, Step, StepKind
from orchestrator.model.state import State
from orchestrator.model.topology import Pool, PoolId, Protocol

OLD, NEW = Build.parse("14.2.247.5"), Build.parse("14.2.298.4")
ADA = Who("ada", "node-1", 17, "")
APPROVAL = Approval("sha256:abc", ADA)
COMMANDS = Commands("orchestrator resume DIR -i X", "orchestrator rollback DIR -i X")
NIGHT = datetime(2026, 11, 7, 21, 0, tzinfo=UTC)
LIMIT = 20.0
"""Seconds after which a test that waits for another thread has failed."""


class FakeClock:
    """Moves only when told, or when somebody sleeps: then at once to shortly before `far`."""

    def __init__(self, start: datetime = NIGHT) -> None:
        self.start = start
        self.far = start
        self._seconds = 0.0
        self._lock = threading.Lock()

    def now(self) -> datetime:
        return self.start + timedelta(seconds=self._seconds)

    def monotonic(self) -> float:
        return self._seconds

    def sleep(self, seconds: float) -> None:
        left = (self.far - self.now()).total_seconds() - 60
        self.forward(seconds=max(seconds, left))

    def forward(self, *, minutes: float = 0, seconds: float = 0) -> None:
        with self._lock:
            self._seconds += minutes * 60 + seconds


class Silent:
    """A view that keeps the lines of steps."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def on_run_started(self, plan: Plan, total_minutes: int) -> None:
        self.lines.append(f"run of {total_minutes} min")

    def on_step_started(self, step: Step, index: int, total: int) -> None:
        self.lines.append(f"{index}/{total} {step.id}")

    def on_task(self, step: Step, host: str, task: str, outcome: TaskOutcome) -> None:
        pass

    def on_step_finished(self, step: Step, seconds: float, outcome: StepStatus) -> None:
        self.lines.append(f"{step.id} {outcome}")


def upgrade(name: str, *servers: str, after: Iterable[str] = (), **more: Any) -> Step:
    """An upgrade of the servers of a pool, which is called like the first of its name's words."""
    defaults: dict[str, Any] = {
        "pool": PoolId(servers[0].split("-")[0], "2010"),
        "estimated_minutes": 30,
        "from_build": OLD,
        "to_build": NEW,
    }
    return Step(
        id=name, kind=StepKind.UPGRADE, servers=servers, protocols=(Protocol.OWA,),
        after=tuple(after), reason="", **{**defaults, **more},
    )  # fmt: skip


def switch(name: str, *servers: str, urls: tuple[str, str], **more: Any) -> Step:
    """A switch of a pool's ExternalUrl from one value to another."""
    before, then = urls
    kind = StepKind.ENABLE_REDIRECTION if then else StepKind.RESTORE_PROXYING
    return replace(
        upgrade(name, *servers, **more),
        kind=kind,
        from_build=None,
        to_build=None,
        prior_urls=dict.fromkeys(servers, before),
        new_urls=dict.fromkeys(servers, then),
    )


def plan_of(*steps: Step) -> Plan:
    """A plan of steps that start from the old build everywhere."""
    start = State({name: OLD for step in steps for name in step.servers}, {})
    end = start
    for step in steps:
        end = step.apply(end)
    return Plan(steps, start, end)


def pools_of(plan: Plan, minimum: int | None = None) -> dict[PoolId, Pool]:
    """The pools of a plan's servers; the minimum is all but one if not given."""
    names: dict[PoolId, dict[str, None]] = {}
    for step in plan.steps:
        names.setdefault(step.pool, {}).update(dict.fromkeys(step.servers))
    return {
        pool: Pool(
            pool,
            tuple(servers),
            minimum_in_service=len(servers) - 1 if minimum is None else minimum,
            outage_consent=len(servers) == 1,
        )
        for pool, servers in names.items()
    }


class PretendedFarm:
    """Servers in memory; a step does what it says, unless told to do something else.

    `instead[step]` is called in place of the step, with the step; what it returns is the run's
    result, None for a good one. `during[step]` is called before the step does its work.
    """

    def __init__(self, folder: Path, plan: Plan, minimum: int | None = None) -> None:
        self.folder = folder
        self.plan = plan
        self.state = plan.start
        self.clock = FakeClock()
        self.view = Silent()
        self.terms = Terms(Room(pools_of(plan, minimum)))
        self.instead: dict[str, Callable[[Step], RunResult | None]] = {}
        self.during: dict[str, Callable[[Step], None]] = {}
        self.ran: list[str] = []
        self.reads = 0
        self.running: set[str] = set()
        self.together: list[set[str]] = []
        self.pause, self.cancel = threading.Event(), threading.Event()
        self._lock = threading.Lock()
        self._books = {}
        for step in plan.steps:
            book = folder / f"{step.id}.yml"
            book.write_text("[]\n")
            self._books[step.id] = book

    # ---- the ports ----------------------------------------------------------------------------

    def run_playbook(
        self,
        playbook: Path,
        ident: str,
        *,
        on_event: Callable[[TaskEvent], None],
        on_child: Callable[[Child], None],
    ) -> RunResult:
        step = next(s for s in self.plan.steps if s.id == ident)
        on_child(Child(1, "", self.folder))
        with self._lock:
            self.ran.append(ident)
            self.running.add(ident)
            self.together.append({*self.running})
        try:
            if ident in self.during:
                self.during[ident](step)
            result = self.instead[ident](step) if ident in self.instead else None
            if ident not in self.instead:
                with self._lock:
                    self.state = step.apply(self.state)
        finally:
            with self._lock:
                self.running.remove(ident)
        return result or well(step)

    def read_farm(self) -> ObservedFarm:
        with self._lock:
            self.reads += 1
            return observed(self.state)

    def ports(self, **more: Any) -> Ports:
        ports = Ports(
            run_playbook=self.run_playbook,
            read_farm=self.read_farm,
            clock=self.clock,
            progress=self.view,
            pause_requested=self.pause.is_set,
            cancelled=self.cancel.is_set,
        )
        return replace(ports, **more)

    # ---- runs ---------------------------------------------------------------------------------

    @property
    def journal_file(self) -> Path:
        return self.folder / "journal.sqlite3"

    def run(self, **more: Any) -> RunReport:
        with Journal.open(self.journal_file, clock=self.clock) as journal:
            return run_plan(
                self.plan,
                self._books,
                approval=APPROVAL,
                observed=observed(self.state),
                journal=journal,
                ports=self.ports(**more),
                commands=COMMANDS,
                terms=self.terms,
            )

    def resume(self, **more: Any) -> RunReport:
        with Journal.open(self.journal_file, clock=self.clock) as journal:
            return resume_plan(
                self.plan,
                self._books,
                approval=APPROVAL,
                observed=observed(self.state),
                journal=journal,
                ports=self.ports(**more),
                commands=COMMANDS,
                on_position=self._note,
                terms=self.terms,
            )

    def _note(self, where: Position) -> None:
        self.where = where

    def entries(self) -> list[Entry]:
        with Journal.read(self.journal_file) as journal:
            journal.verify()
            return journal.entries()

    def kinds(self) -> list[str]:
        return [f"{e.kind} {e.step}" if e.step else e.kind for e in self.entries()]

    def data(self, kind: str, step: str | None = None) -> dict[str, Any]:
        """Of the last entry of a kind."""
        return dict([e for e in self.entries() if (e.kind, e.step) == (kind, step)][-1].data)


def well(step: Step) -> RunResult:
    """The result of a run in which everything went well."""
    return RunResult(
        RunStatus.SUCCESSFUL, 0, stats={name: HostStats(ok=1) for name in step.servers}
    )


def failing(message: str = "msiexec ended with 1603") -> Callable[[Step], RunResult]:
    """A step whose first server says no."""

    def fail(step: Step) -> RunResult:
        failure = TaskFailure(step.servers[0], "Install", message)
        return replace(well(step), status=RunStatus.FAILED, rc=2, failures=(failure,))

    return fail


def observed(state: State) -> ObservedFarm:
    """A reading of a farm in that state."""
    servers = {}
    for name, build in state.builds.items():
        url = state.external_urls.get((name, Protocol.OWA)) or None
        answer = {
            "name": name, "fqdn": name, "ad_site": "", "roles": [], "build": str(build),
            "rollups": [], "pending_restart": False, "installer_running": False,
            "free_disk_mb": 1, "automatic_updates": "disabled",
            "virtual_directories": {"owa": {"internal_url": None, "external_url": url}},
        }  # fmt: skip
        servers[name] = ServerFacts.from_answer(name, answer)
    return ObservedFarm(servers)
