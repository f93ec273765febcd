"""Logs are read without what a planner needs: the whole command stays below 60 MB."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from support.iis_logs import head, log_on, poll
from support.memory import megabytes, watched

from orchestrator.cli.main import COMMANDS

LOADED = "import sys, json; from orchestrator.cli.main import main; main(sys.argv[1:]); {}".format(
    "print(json.dumps(sorted(sys.modules)), file=sys.stderr)"
)


def test_reading_logs_loads_no_planner(tmp_path: Path) -> None:
    log = tmp_path / "u_ex1.log"
    log.write_text(head() + log_on() + poll() * 1000)
    command = [sys.executable, "-c", LOADED, "diagnose", "--iis-logs", str(log)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stderr.splitlines()[-1]))
    assert not loaded & {"networkx", "scipy", "ansible", "ansible_runner", "orchestrator.planner"}
    assert "orchestrator.discovery.answer" in loaded


def test_the_whole_command_keeps_to_60_megabytes(tmp_path: Path) -> None:
    log = tmp_path / "u_ex1.log"
    log.write_text(head() + (log_on() + poll() * 50) * 4000)
    command = watched("orchestrator", "diagnose", "--iis-logs", str(log))
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert megabytes(done.stderr) < 60


def test_every_command_is_a_module_of_its_name() -> None:
    folder = Path(sys.modules["orchestrator.cli.main"].__file__ or "").parent
    assert {name for name in COMMANDS if not (folder / f"{name}.py").is_file()} == set()
