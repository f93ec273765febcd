"""Answers that are not what they should be: nothing is assumed about the server then."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.execution.read_state import TASK, observed
from orchestrator.execution.results import RunResult, RunStatus, TaskFailure

ANSWER: dict[str, Any] = {
    "name": "CAS-01", "fqdn": "cas-01.contoso.example", "ad_site": "rome", "roles": [],
    "build": "14.2.247.5", "rollups": [], "pending_restart": False, "installer_running": False,
    "free_disk_mb": 1, "automatic_updates": "disabled",
    "virtual_directories": {"owa": {"internal_url": None, "external_url": None}},
}  # fmt: skip


def run_with(answer: dict[str, Any]) -> RunResult:
    return RunResult(RunStatus.SUCCESSFUL, 0, results={TASK: {"cas-01": answer}})


def test_a_null_address_is_none_and_a_missing_one_is_no_answer() -> None:
    farm = observed(run_with({"exchange_server": ANSWER}), {"cas-01"})
    assert farm.complete
    assert farm.servers["cas-01"].external_url == ""
    lacking = ANSWER | {"virtual_directories": {"owa": {"internal_url": None}}}
    farm = observed(run_with({"exchange_server": lacking}), {"cas-01"})
    assert farm.servers == {}
    (problem,) = farm.problems
    assert (problem.code, "'external_url'" in problem.message) == ("CAS-E506", True)


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"exchange_server": "garbage"},
        {"exchange_server": {}},
        {"exchange_server": ANSWER | {"build": "soon"}},
        {"exchange_server": ANSWER | {"build": None}},
        {"exchange_server": ANSWER | {"virtual_directories": {"owa": None}}},
        {"exchange_server": ANSWER | {"rollups": None}},
        {"exchange_server": ANSWER | {"free_disk_mb": "much"}},
    ],
)
def test_an_answer_that_cannot_be_used_is_named(answer: dict[str, Any]) -> None:
    farm = observed(run_with(answer), {"cas-01"})
    assert farm.state.builds == {}
    assert [problem.code for problem in farm.problems] == ["CAS-E506"]
    assert not farm.complete


def test_an_interrupted_reading_names_every_server() -> None:
    farm = observed(RunResult(RunStatus.CANCELLED, 254), {"b", "a"})
    (problem,) = farm.problems
    assert (problem.code, problem.subject) == ("CAS-E507", "hosts a, b")


def test_a_sealed_vault_is_told_from_a_broken_server() -> None:
    said = "Task failed: Finalization of task args failed: Attempting to decrypt but no vault ..."
    failure = TaskFailure("a", TASK, said)
    farm = observed(RunResult(RunStatus.FAILED, 2, failures=(failure,)), {"a"})
    assert "--vault-password-file" in farm.problems[0].remedy
