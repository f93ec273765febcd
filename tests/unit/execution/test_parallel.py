"""Several steps at once: real threads and a real journal, playbooks that are functions."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from support.pretended import LIMIT, NEW, OLD, PretendedFarm, failing, plan_of, upgrade

from orchestrator.errors import OrchestratorError, RunStopped
from orchestrator.execution.results import RunResult, RunStatus
from orchestrator.journal.entry import Kind
from orchestrator.journal.projection import view
from orchestrator.journal.steps import StepStatus
from orchestrator.journal.store import Journal
from orchestrator.model.plan import Step

PLAN = plan_of(
    upgrade("rome-1", "rome-cas-01"),
    upgrade("rome-2", "rome-cas-02"),
    upgrade("madrid-1", "madrid-cas-01"),
    upgrade("paris-1", "paris-cas-01", after=("rome-1", "rome-2", "madrid-1")),
)


@pytest.fixture
def farm(tmp_path: Path) -> PretendedFarm:
    farm = PretendedFarm(tmp_path, PLAN)
    farm.terms = replace(farm.terms, max_parallel=3)
    return farm


def meet(*names: str) -> Callable[[Step], None]:
    """Steps that end only once all of them run."""
    barrier = threading.Barrier(len(names), timeout=LIMIT)

    def wait(step: Step) -> None:
        barrier.wait()

    return wait


def until(event: threading.Event) -> Callable[[Step], None]:
    def wait(step: Step) -> None:
        assert event.wait(LIMIT), f"{step.id} waited for nothing"

    return wait


def test_steps_run_together_as_far_as_order_and_minimum_let_them(farm: PretendedFarm) -> None:
    both = meet("rome-1", "madrid-1")
    farm.during = {"rome-1": both, "madrid-1": both}
    report = farm.run()
    assert (report.exit_code, report.stop) == (0, None)
    assert {"rome-1", "madrid-1"} in farm.together
    # Rome keeps one of its two servers, and Paris comes after everything.
    assert not any({"rome-1", "rome-2"} <= group for group in farm.together)
    assert {"paris-1"} in farm.together
    assert farm.ran[-1] == "paris-1"
    run = view(farm.entries())
    assert (run.finished, run.impossible) == (True, ())
    assert {s.status for s in run.steps.values()} == {StepStatus.VERIFIED}
    kinds = farm.kinds()
    begun = [kinds.index(f"step-started {name}") for name in ("rome-1", "madrid-1")]
    ended = [kinds.index(f"step-succeeded {name}") for name in ("rome-1", "madrid-1")]
    assert max(begun) < min(ended)
    assert farm.data("run-started")["max_parallel"] == 3


def test_one_at_a_time_unless_told_otherwise(farm: PretendedFarm) -> None:
    farm.terms = replace(farm.terms, max_parallel=1)
    threads = set()
    farm.during = {s.id: lambda step: threads.add(threading.current_thread()) for s in PLAN.steps}
    assert farm.run().exit_code == 0
    assert farm.ran == [step.id for step in PLAN.steps]
    assert all(len(group) == 1 for group in farm.together)
    assert threads == {threading.main_thread()}


def test_after_a_failure_nothing_more_starts_and_what_runs_ends(farm: PretendedFarm) -> None:
    both, ended = meet("rome-1", "madrid-1"), threading.Event()

    def fail(step: Step) -> RunResult:
        both(step)
        return failing()(step)

    def outlast(step: Step) -> None:
        both(step)
        until(ended)(step)

    farm.instead = {"rome-1": fail}
    farm.during = {"madrid-1": outlast}
    shown = farm.view.on_step_finished

    def told(step: Step, seconds: float, outcome: StepStatus) -> None:
        shown(step, seconds, outcome)
        ended.set()  # Madrid ends only once the failure of Rome is known.

    farm.view.on_step_finished = told  # type: ignore[method-assign]
    stop = farm.run().stop
    assert stop is not None
    assert stop.step is not None
    assert (stop.step.id, stop.done) == ("rome-1", ("madrid-1",))
    assert stop.remaining == ("rome-2", "paris-1")
    assert sorted(farm.ran) == ["madrid-1", "rome-1"]
    assert farm.state.builds["madrid-cas-01"] == NEW
    # Resumed, the failed step comes first and its server counts as out of service.
    del farm.instead["rome-1"]
    farm.during.clear()
    farm.ran.clear()
    assert farm.resume().exit_code == 0
    assert farm.ran == ["rome-1", "rome-2", "paris-1"]


def test_every_step_that_fails_is_named(farm: PretendedFarm) -> None:
    both = meet("rome-1", "madrid-1")

    def fail(step: Step) -> RunResult:
        both(step)
        return failing(f"{step.id} burns")(step)

    farm.instead = {"rome-1": fail, "madrid-1": fail}
    stop = farm.run().stop
    assert stop is not None
    said = "\n".join(stop.lines())
    for name in ("rome-1", "madrid-1"):
        assert f"step {name} is failed" in said
        assert f"{name} burns" in said
    assert (stop.done, stop.remaining) == ((), ("rome-2", "paris-1"))


def test_a_pause_lets_what_runs_end(farm: PretendedFarm) -> None:
    both = meet("rome-1", "madrid-1")

    def ask(step: Step) -> None:
        both(step)
        farm.pause.set()

    farm.during = {"rome-1": ask, "madrid-1": both}
    report = farm.run()
    assert report.stop is not None
    assert report.stop.paused
    assert report.exit_code == 5
    assert sorted(report.done) == ["madrid-1", "rome-1"]
    assert report.stop.lines()[0] == "Paused: before step rome-2, as asked by a signal."


def test_cancelled_steps_are_all_in_doubt(farm: PretendedFarm) -> None:
    both = meet("rome-1", "madrid-1")

    def end(step: Step) -> RunResult:
        both(step)
        farm.cancel.set()
        return RunResult(RunStatus.CANCELLED, 254)

    farm.instead = {"rome-1": end, "madrid-1": end}
    report = farm.run()
    assert report.exit_code == 130
    run = view(farm.entries())
    assert {name: str(s.status) for name, s in run.steps.items()} == {
        "rome-1": "in-doubt",
        "madrid-1": "in-doubt",
    }


def test_resume_after_a_crash_with_two_steps_begun(farm: PretendedFarm) -> None:
    with Journal.open(farm.journal_file, clock=farm.clock) as journal:
        journal.append(Kind.PLAN_APPROVED, digest="sha256:abc", by="ada", host="node-1")
        journal.append(Kind.RUN_STARTED, digest="sha256:abc", who={})
        for name in ("rome-1", "madrid-1"):
            journal.append(Kind.STEP_STARTED, name)
            journal.append(Kind.STEP_CHILD, name, pid=1, identity="", folder="x")
    # One did its work before the end, the other did not.
    farm.state = farm.state.with_builds({"madrid-cas-01": NEW})
    both = meet("rome-1", "madrid-1")
    farm.during = {"rome-1": both, "madrid-1": both}
    assert farm.resume().exit_code == 0
    run = view(farm.entries())
    assert run.impossible == ()
    assert {n: s.attempt for n, s in run.steps.items()} == {
        "rome-1": 2, "madrid-1": 2, "rome-2": 1, "paris-1": 1,
    }  # fmt: skip
    readings = {e.step: e.data["reading"] for e in farm.entries() if e.kind == Kind.STEP_READ}
    assert readings == {"rome-1": "not begun", "madrid-1": "done"}


def test_a_journal_that_cannot_be_written_lets_what_runs_end(
    farm: PretendedFarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    both, refused = meet("rome-1", "madrid-1"), threading.Event()
    farm.during = {
        "rome-1": both,
        "madrid-1": lambda step: (both(step), until(refused)(step))[0],
    }
    written = Journal.append

    def append(self: Journal, kind: Kind, step: str | None = None, **data: object) -> object:
        if kind is Kind.STEP_SUCCEEDED:
            refused.set()
            raise OrchestratorError("the disk is full")
        return written(self, kind, step, **data)  # type: ignore[arg-type]

    monkeypatch.setattr(Journal, "append", append)
    with pytest.raises(RunStopped, match=r"step rome-1 is succeeded; .*disk is full"):
        farm.run()
    assert farm.running == set()
    assert farm.state.builds["madrid-cas-01"] == NEW
    assert farm.state.builds["rome-cas-02"] == OLD


def test_a_child_that_cannot_be_written_down_is_ended_at_once(
    farm: PretendedFarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = Journal.append

    def append(self: Journal, kind: Kind, step: str | None = None, **data: object) -> object:
        if kind is Kind.STEP_CHILD:
            raise OrchestratorError("the disk is full")
        return written(self, kind, step, **data)  # type: ignore[arg-type]

    monkeypatch.setattr(Journal, "append", append)
    with pytest.raises(RunStopped, match=r"in doubt: it was ended as soon as it had begun.*full"):
        farm.run()
    assert farm.ran == []


def test_what_nobody_had_foreseen_comes_out(farm: PretendedFarm) -> None:
    def burst(step: Step) -> RunResult:
        raise ValueError("a mistake of ours")

    farm.instead = {"madrid-1": burst}
    with pytest.raises(ValueError, match="a mistake of ours"):
        farm.run()
    assert farm.running == set()
