"""The program is killed in the middle of a step: what is left, and what is still known."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from orchestrator.errors import OrchestratorError
from orchestrator.execution import process
from orchestrator.execution.gate import require_unused
from orchestrator.journal.projection import view
from orchestrator.journal.steps import StepStatus
from orchestrator.journal.store import Journal

from .conftest import Bench

PROGRAM = """
import sys, threading
from pathlib import Path
from orchestrator.execution.attempts import AnsibleInputs, StepPlaybooks
from orchestrator.execution.clock import SystemClock
from orchestrator.execution.engine import Approval, run_plan
from orchestrator.execution.observed import ObservedFarm
from orchestrator.execution.ports import Ports
from orchestrator.execution.run import Commands
from orchestrator.execution.who import Who
from orchestrator.journal.store import Journal
from orchestrator.model.plan import Plan, Step, StepKind
from orchestrator.model.state import State
from orchestrator.model.topology import PoolId

class Silent:
    def __getattr__(self, name):
        return lambda *a: None

folder = Path(sys.argv[1])
step = Step("verify-rome", StepKind.VERIFY, PoolId("rome", "2010"), (), (), (), 5, "")
state = State({}, {})
ports = Ports(
    StepPlaybooks(AnsibleInputs((folder / "hosts.yml",)), folder / "runs", threading.Event()),
    ObservedFarm, SystemClock(), Silent(),
)
with Journal.open(folder / "journal.sqlite3", clock=SystemClock()) as journal:
    run_plan(Plan((step,), state, state), {"verify-rome": folder / "step.yml"},
             approval=Approval("d", Who.here()), observed=ObservedFarm(), journal=journal,
             ports=ports, commands=Commands())
"""


def until(path: Path) -> None:
    deadline = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} never came"
        time.sleep(0.05)


def test_kill_9_leaves_a_journal_that_names_the_living_child(bench: Bench) -> None:
    mark = bench.folder / "mark"
    bench.write(
        "step.yml",
        "- hosts: localhost\n  gather_facts: false\n  tasks:\n"
        f"    - ansible.builtin.shell: touch {mark} && sleep 60\n",
    )
    with subprocess.Popen([sys.executable, "-c", PROGRAM, str(bench.folder)]) as program:
        until(mark)
        os.kill(program.pid, signal.SIGKILL)
    with Journal.read(bench.folder / "journal.sqlite3") as journal:
        journal.verify()
        entries = journal.entries()
    run = view(entries)
    assert run.steps["verify-rome"].status is StepStatus.STARTED
    child = run.steps["verify-rome"].child
    folder = Path(child["folder"])
    try:
        assert process.alive(child["pid"], child["identity"])
        assert child["pid"] in process.of_run(folder)
        assert len(process.of_run(folder)) > 1  # The worker and its module, too.
        with pytest.raises(OrchestratorError, match="its end was never written"):
            require_unused(entries)
    finally:
        ended = process.end_run(folder)
    assert child["pid"] in ended
    assert process.of_run(folder) == []
    assert not process.alive(child["pid"], child["identity"])
