"""One run at a time, also between real processes and after a kill -9."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestrator.errors import OrchestratorError
from orchestrator.execution.lock import LOCK_PATH, run_lock

HOLDER = """
import sys, time
from pathlib import Path
from orchestrator.execution.clock import SystemClock
from orchestrator.execution.lock import run_lock
with run_lock(Path(sys.argv[1]), plan="sha256:first", clock=SystemClock()):
    print("held", flush=True)
    sys.stdin.read()
"""

RACER = """
import sys, time
from pathlib import Path
from orchestrator.errors import OrchestratorError
from orchestrator.execution.clock import SystemClock
from orchestrator.execution.lock import run_lock
sys.stdin.readline()
try:
    with run_lock(Path(sys.argv[1]), plan="x", clock=SystemClock()):
        time.sleep(2)
        print("won")
except OrchestratorError as error:
    print(error.message)
"""


class Fixed:
    def now(self) -> datetime:
        return datetime(2012, 4, 23, 22, 0, tzinfo=UTC)

    def monotonic(self) -> float:
        return 0.0


def start(code: str, folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_the_lock_says_who_and_goes_away_also_after_an_error(tmp_path: Path) -> None:
    path = tmp_path / LOCK_PATH

    def fail() -> None:
        with run_lock(tmp_path, plan="sha256:abc", clock=Fixed()):
            said = json.loads(path.read_text())
            assert (said["pid"], said["plan"]) == (os.getpid(), "sha256:abc")
            assert said["host"] == socket.gethostname()
            assert said["since"] == "2012-04-23T22:00:00+00:00"
            raise KeyError("x")

    with pytest.raises(KeyError):
        fail()
    assert list(path.parent.iterdir()) == []


def test_a_second_operator_is_told_and_a_killed_one_leaves_a_stale_lock(tmp_path: Path) -> None:
    with start(HOLDER, tmp_path) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "held\n"
        with (
            pytest.raises(OrchestratorError, match="another run holds") as caught,
            run_lock(tmp_path, plan="sha256:second", clock=Fixed()),
        ):
            pytest.fail("two runs at once")
        for part in (f"process {first.pid}", socket.gethostname(), "since 20", "sha256:first"):
            assert part in caught.value.message
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
    path = tmp_path / LOCK_PATH
    with (
        pytest.raises(OrchestratorError, match="run that has died") as caught,
        run_lock(tmp_path, plan="sha256:second", clock=Fixed()),
    ):
        pytest.fail("a stale lock was taken over")
    assert f"resume DIR -i {tmp_path} --take-over" in caught.value.remedy
    with run_lock(tmp_path, plan="sha256:second", clock=Fixed(), take_over=True) as held:
        assert held.taken_from is not None
        assert (held.taken_from.pid, held.taken_from.plan) == (first.pid, "sha256:first")
        assert json.loads(path.read_text())["plan"] == "sha256:second"
    assert not path.exists()


def test_a_lock_that_is_alive_is_never_taken_over(tmp_path: Path) -> None:
    path = tmp_path / LOCK_PATH
    with run_lock(tmp_path, plan="a", clock=Fixed()):
        fields = json.loads(path.read_text())
        with (
            pytest.raises(OrchestratorError, match="another run holds"),
            run_lock(tmp_path, plan="b", clock=Fixed(), take_over=True),
        ):
            pytest.fail("a living lock was taken over")
    # Whether a process of another host lives cannot be known: only its time counts.
    late = {**fields, "host": "elsewhere", "expires": "2012-04-23T22:00:00+00:00"}
    path.write_text(json.dumps({**late, "expires": "2012-04-23T22:00:01+00:00"}))
    with (
        pytest.raises(OrchestratorError, match="another run holds"),
        run_lock(tmp_path, plan="b", clock=Fixed(), take_over=True),
    ):
        pytest.fail("a lock of another host was taken over before its time")
    path.write_text(json.dumps(late))
    with run_lock(tmp_path, plan="b", clock=Fixed(), take_over=True) as held:
        assert held.taken_from is not None
        assert held.taken_from.host == "elsewhere"


def test_of_several_that_take_over_at_once_one_wins(tmp_path: Path) -> None:
    path = tmp_path / LOCK_PATH
    with run_lock(tmp_path, plan="a", clock=Fixed()):
        fields = json.loads(path.read_text())
    path.write_text(json.dumps({**fields, "identity": "earlier-boot/17"}))
    code = RACER.replace('plan="x"', 'take_over=True, plan="x"')
    racers = [start(code, tmp_path) for _ in range(3)]
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    said = [racer.communicate(timeout=30)[0].strip() for racer in racers]
    assert said.count("won") == 1
    assert sum("another run holds" in line for line in said) == 2


def test_a_reused_pid_does_not_keep_a_lock_alive(tmp_path: Path) -> None:
    path = tmp_path / LOCK_PATH
    with run_lock(tmp_path, plan="a", clock=Fixed()):
        fields = json.loads(path.read_text())
    path.write_text(json.dumps({**fields, "identity": "earlier-boot/17"}))
    with (
        pytest.raises(OrchestratorError, match="run that has died"),
        run_lock(tmp_path, plan="b", clock=Fixed()),
    ):
        pytest.fail("a stale lock was taken over")
    path.write_text(json.dumps({**fields, "pid": 1, "identity": "", "host": "elsewhere"}))
    with (
        pytest.raises(OrchestratorError, match="another run holds") as caught,
        run_lock(tmp_path, plan="b", clock=Fixed()),
    ):
        pytest.fail("a lock of another host was taken over")
    assert "died on elsewhere" in caught.value.remedy


def test_of_processes_at_once_exactly_one_wins(tmp_path: Path) -> None:
    racers = [start(RACER, tmp_path) for _ in range(4)]
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    said = [racer.communicate(timeout=30)[0].strip() for racer in racers]
    assert said.count("won") == 1
    assert sum("another run holds" in line for line in said) == 3


def test_an_unreadable_lock_still_holds(tmp_path: Path) -> None:
    path = tmp_path / LOCK_PATH
    path.parent.mkdir()
    path.write_text("")
    with (
        pytest.raises(OrchestratorError, match="does not say who"),
        run_lock(tmp_path, plan="a", clock=Fixed()),
    ):
        pytest.fail("an unreadable lock was taken over")
    assert path.exists()


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with (
        pytest.raises(OrchestratorError, match="cannot write the lock"),
        run_lock(tmp_path / "nowhere", plan="a", clock=Fixed()),
    ):
        pytest.fail("locked nothing")
