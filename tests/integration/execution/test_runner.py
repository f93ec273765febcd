"""What the adapter makes of real runs; each test is one line of docs/ansible-runner.md."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time

import pytest

from orchestrator.errors import OrchestratorError
from orchestrator.execution import process
from orchestrator.execution.results import RunStatus, TaskEvent, TaskOutcome

from .conftest import Bench


def play(*tasks: str, hosts: str = "exchange") -> str:
    lines = "\n".join(f"    - {task}" for task in tasks)
    return f"- hosts: {hosts}\n  gather_facts: false\n  tasks:\n{lines}\n"


def test_success_tells_hosts_results_and_progress(bench: Bench) -> None:
    seen: list[TaskEvent] = []
    children = []
    bench.write("vars.yml", "colour: green\n")
    result = bench.run(
        play('{name: Say, ansible.builtin.debug: {msg: "{{ colour }}"}}'),
        on_event=seen.append,
        on_child=children.append,
        extra_vars=(f"@{os.path.relpath(bench.folder / 'vars.yml')}",),
    )
    assert result.status is RunStatus.SUCCESSFUL
    assert (result.rc, result.failures, result.in_doubt) == (0, (), False)
    assert result.hosts == {"cas-01", "cas-02"}
    assert result.stats["cas-01"].ok == 1
    assert result.results["Say"]["cas-02"]["msg"] == "green"
    assert TaskEvent("cas-01", "exchange", "Say", TaskOutcome.OK) in seen
    assert [child.pid for child in children] == [result.child and result.child.pid]
    assert children[0].identity
    assert not process.alive(children[0].pid, children[0].identity)


def test_failure_names_host_task_and_message(bench: Bench) -> None:
    result = bench.run(
        play(
            "{name: Break, ansible.builtin.fail: {msg: 'no disk left'},"
            " when: inventory_hostname == 'cas-02'}",
            "{name: Loop, ansible.builtin.fail: {msg: 'item {{ item }}'}, loop: [1, 2],"
            " when: item == 2}",
        )
    )
    assert result.status is RunStatus.FAILED
    assert not result.in_doubt
    said = [(f.host, f.task, f.message) for f in result.failures]
    assert said == [("cas-02", "Break", "no disk left"), ("cas-01", "Loop", "item 2")]


def test_an_ignored_failure_is_none_and_a_rescued_one_is(bench: Bench) -> None:
    ignored = bench.run(play("{name: X, ansible.builtin.fail: {msg: x}, ignore_errors: true}"))
    assert (ignored.status, ignored.failures) == (RunStatus.SUCCESSFUL, ())
    rescued = bench.run(
        play(
            "block: [{name: X, ansible.builtin.fail: {msg: half done}}]\n"
            "      rescue: [{ansible.builtin.debug: {msg: all is well}}]"
        )
    )
    assert rescued.rc == 0
    assert rescued.stats["cas-01"].rescued == 1
    assert rescued.status is RunStatus.FAILED
    assert {f.message for f in rescued.failures} == {"half done"}


def test_a_host_that_refuses_the_connection_is_unreachable_and_not_in_doubt(bench: Bench) -> None:
    result = bench.run(play("{name: Ping, ansible.builtin.ping: }", hosts="exchange,away"))
    assert result.status is RunStatus.UNREACHABLE
    assert result.rc == 4
    (failure,) = result.failures
    assert (failure.host, failure.unreachable, failure.in_doubt) == ("gone-01", True, False)
    assert "refused" in failure.message.lower()
    assert result.hosts == {"cas-01", "cas-02", "gone-01"}


def test_an_absent_host_gives_rc_0_and_is_missing_from_the_hosts(bench: Bench) -> None:
    result = bench.run(play("{ansible.builtin.debug: {msg: x}}", hosts="cas-01,cas-99"))
    assert (result.rc, result.status) == (0, RunStatus.SUCCESSFUL)
    assert result.hosts == {"cas-01"}
    assert any("cas-99" in line for line in result.output)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- hosts: [", "YAML parsing failed"),
        (play("{no_such_module_anywhere: {}}"), "no_such_module_anywhere"),
    ],
)
def test_an_unparsable_playbook_has_no_statistics(bench: Bench, text: str, said: str) -> None:
    result = bench.run(text)
    assert result.rc == 4  # The same as for an unreachable host.
    assert result.status is RunStatus.NO_STATS
    assert result.in_doubt
    assert any(said in line for line in result.output)
    assert not any("\x1b" in line for line in result.output)


def test_a_broken_inventory_is_no_empty_one(bench: Bench) -> None:
    bench.hosts.write_text("exchange: [unclosed")
    result = bench.run(play("{ansible.builtin.debug: {msg: x}}", hosts="localhost"))
    assert result.status is RunStatus.NO_STATS


def test_cancel_leaves_no_process_behind(bench: Bench) -> None:
    cancel = threading.Event()
    mark = bench.folder / "mark"
    began: list[float] = []

    def wait_for_the_module() -> None:
        while not mark.exists():
            time.sleep(0.05)
        began.append(time.monotonic())
        cancel.set()

    waiting = threading.Thread(target=wait_for_the_module, daemon=True)
    result = bench.run(
        play(f"{{ansible.builtin.shell: touch {mark} && sleep 60}}", hosts="cas-01"),
        on_child=lambda child: waiting.start(),
        cancel=cancel,
    )
    assert result.status is RunStatus.CANCELLED
    assert result.in_doubt
    assert result.hosts == frozenset()
    assert time.monotonic() - began[0] < 20
    # The worker has a session of its own and survives what ansible-runner kills.
    assert any("ended with the run" in line for line in result.output)
    assert result.child is not None
    assert process.of_run(result.child.folder) == []


def test_the_time_out_leaves_the_outcome_open(bench: Bench) -> None:
    result = bench.run(
        play("{name: Sleep, ansible.builtin.command: sleep 60}", hosts="cas-01"), timeout=3
    )
    assert (result.status, result.in_doubt) == (RunStatus.TIMED_OUT, True)


def test_a_hostile_observer_loses_no_event(bench: Bench) -> None:
    def hostile(event: TaskEvent) -> None:
        raise OSError("no space left on device")

    result = bench.run(play("{name: Say, ansible.builtin.debug: {msg: x}}"), on_event=hostile)
    assert result.status is RunStatus.SUCCESSFUL
    assert set(result.results["Say"]) == result.hosts == {"cas-01", "cas-02"}
    assert isinstance(result.observer_error, OSError)
    assert result.artifacts is not None
    stored = [json.loads(p.read_text()) for p in (result.artifacts / "job_events").glob("*.json")]
    assert "playbook_on_stats" in {event["event"] for event in stored}


def test_a_child_that_cannot_be_journalled_is_cancelled_before_its_first_task(
    bench: Bench,
) -> None:
    def full(child: object) -> None:
        raise OrchestratorError("the disk is full")

    mark = bench.folder / "mark"
    with pytest.raises(OrchestratorError, match="the disk is full"):
        bench.run(
            play(
                "{ansible.builtin.pause: {seconds: 5}}",
                f"{{ansible.builtin.command: touch {mark}}}",
                hosts="cas-01",
            ),
            on_child=full,
        )
    assert not mark.exists()


def test_transport_lost_in_mid_task_leaves_the_outcome_open(bench: Bench) -> None:
    plugin = """
from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.connection.local import Connection as Local
DOCUMENTATION = '''
name: {name}
short_description: breaks
description: breaks
options: {{}}
'''
class Connection(Local):
    transport = "{name}"
    def exec_command(self, *args, **kwargs):
        raise {error}
"""
    errors = {
        "reset": 'ConnectionResetError(104, "Connection reset by peer")',
        "hole": 'AnsibleConnectionFailure("HTTP read timeout during PSRP script execution")',
        "shut": 'AnsibleConnectionFailure("failed to authenticate with the server")',
    }
    for name, error in errors.items():
        bench.write(f"connection_plugins/{name}.py", plugin.format(name=name, error=error))
    bench.hosts.write_text(
        "all:\n  hosts:\n"
        + "".join(f"    {name}: {{ansible_connection: {name}}}\n" for name in errors)
    )
    result = bench.run(play("{name: Install, ansible.builtin.ping: }", hosts="all"))
    found = {f.host: (f.unreachable, f.in_doubt) for f in result.failures}
    assert found == {"reset": (False, True), "hole": (True, True), "shut": (True, False)}
    assert result.in_doubt


def test_a_garbled_answer_and_a_task_time_out_leave_the_outcome_open(bench: Bench) -> None:
    bench.write("library/garbled.py", "#!/usr/bin/python\nprint('no json')\n")
    result = bench.run(
        play(
            "{name: Garbled, garbled: , when: inventory_hostname == 'cas-01'}",
            "{name: Slow, ansible.builtin.command: sleep 9, timeout: 1}",
        )
    )
    assert {f.task: f.in_doubt for f in result.failures} == {"Garbled": True, "Slow": True}


def test_a_mistake_in_the_playbook_is_a_definite_failure(bench: Bench) -> None:
    result = bench.run(
        play("{name: Say, ansible.builtin.debug: {msg: '{{ nowhere }}'}}", hosts="cas-01")
    )
    assert (result.status, result.in_doubt) == (RunStatus.FAILED, False)


def test_nothing_of_our_environment_reaches_child_or_disk(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FARM_PASSWORD", "correct-horse")
    monkeypatch.setenv("ANSIBLE_STDOUT_CALLBACK", "no_such_callback")
    result = bench.run(
        play(
            "{name: Look, ansible.builtin.debug: {msg: \"{{ lookup('env', 'FARM_PASSWORD') }}\"}}",
            "{name: Hide, ansible.builtin.debug: {msg: battery-staple}, no_log: true}",
        )
    )
    assert result.status is RunStatus.SUCCESSFUL
    assert result.results["Look"]["cas-01"]["msg"] == ""
    assert "battery-staple" not in str(result.results)
    assert result.artifacts is not None
    folder = result.artifacts.parent.parent
    assert folder.stat().st_mode & 0o777 == 0o700
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    for path in files:
        text = path.read_text(errors="replace")
        assert "correct-horse" not in text, path
        assert "battery-staple" not in text, path
    assert capfd.readouterr() == ("", "")


def test_missing_input_and_a_used_folder_are_said_before_anything_runs(bench: Bench) -> None:
    with pytest.raises(OrchestratorError, match=r"extra variables .*nowhere.yml does not exist"):
        bench.run("[]", extra_vars=("@nowhere.yml",))
    (bench.folder / "runs").mkdir()
    (bench.folder / "runs" / "2").mkdir()
    with pytest.raises(OrchestratorError, match="exists already"):
        bench.run("[]")


def test_the_vault_password_file_is_passed_through(bench: Bench) -> None:
    secret = bench.write("vault.password", "correct-horse\n")
    encrypted = subprocess.run(
        [
            *(sys.executable, "-m", "ansible", "vault", "encrypt_string"),
            *("--vault-password-file", str(secret), "--name", "colour", "green"),
        ],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    bench.write("group_vars/exchange.yml", encrypted)
    text = play("{name: Say, ansible.builtin.debug: {msg: '{{ colour }}'}}", hosts="cas-01")
    result = bench.run(text, vault_password_file=secret)
    assert result.results["Say"]["cas-01"]["msg"] == "green"
    without = bench.run(text)
    assert without.status is RunStatus.FAILED
    assert not without.in_doubt
