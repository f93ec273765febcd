"""Recorded events in unlikely shapes."""

from __future__ import annotations

from orchestrator.execution.events import Recorder
from orchestrator.execution.results import HostStats, TaskOutcome


def event(kind: str, **data: object) -> dict[str, object]:
    return {"event": kind, "event_data": {"host": "a", "task": "T", "play": "P", **data}}


def test_events_without_data_are_passed_over() -> None:
    recorder = Recorder()
    for odd in ({}, {"event": "EOF"}, {"event": "runner_on_ok"}, {"event": "runner_on_ok",
                "event_data": None}):  # fmt: skip
        assert recorder.take(odd) is None
    assert recorder.stats is None


def test_only_wanted_results_are_kept_and_without_the_arguments() -> None:
    recorder = Recorder({"T"})
    result = {"changed": True, "invocation": {"password": "x"}, "_ansible_no_log": False, "n": 1}
    line = recorder.take(event("runner_on_ok", res=result))
    recorder.take(event("runner_on_ok", task="U", res=result))
    assert line is not None
    assert line.outcome is TaskOutcome.CHANGED
    assert recorder.results == {"T": {"a": {"changed": True, "n": 1}}}


def test_a_failure_without_a_result_is_still_one() -> None:
    recorder = Recorder()
    recorder.take(event("runner_on_failed", res=None))
    (failure,) = recorder.failures
    assert failure.message == "failed without a message"


def test_a_host_that_was_only_processed_is_in_the_statistics() -> None:
    recorder = Recorder()
    recorder.take(event("playbook_on_stats", processed={"a": 1}, dark={"b": 2}, rescued=0))
    assert recorder.stats == {"a": HostStats(), "b": HostStats(unreachable=2)}
