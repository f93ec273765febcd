"""`orchestrator lab demo`: the whole way on the simulated farm, with the commands people use."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from orchestrator.errors import OrchestratorError
from orchestrator.planfile import digest
from orchestrator.report.console import out

INVENTORY = Path("inventories/contoso")
GOALS = ("--to", "2010 SP2 RU2", "--to", "2007 SP3 RU7")


def demo(
    folder: Annotated[Path, typer.Option("--folder", help="Where to leave everything.")] = Path(
        ".demo"
    ),
) -> int:
    """A farm of simulated servers, from "about to break" to "upgraded and verified"."""
    began = time.monotonic()
    if not INVENTORY.is_dir():
        raise OrchestratorError(
            f"there is no {INVENTORY} here", "run the demo from a checkout of the project"
        )
    state, plan, inventory = folder / "lab", folder / "plan", folder / "farm"
    for old in (plan, inventory):
        shutil.rmtree(old, ignore_errors=True)
    # A copy: what a run teaches about durations must not stay with the example.
    shutil.copytree(INVENTORY, inventory, ignore=shutil.ignore_patterns(".orchestrator"))
    farm = ("-i", str(inventory), "-e", f"@{state / 'connection.yml'}")
    _say("Starting the simulated farm", "lab", "up", "--fresh", "--state", str(state))
    try:
        _say("What is broken, and what would break?", "diagnose", *farm, "--live", *GOALS, ends=2)
        _say("In which order does nothing break?", "plan", *farm, "--live", *GOALS, "-o", str(plan))
        approval = ("--approve", digest(plan))
        _say("Doing it", "apply", str(plan), *farm, *approval)
        _say("And now?", "diagnose", *farm, "--live")
        _say("What does the change board file?", "report", str(plan))
    finally:
        _say("Stopping the simulated farm", "lab", "down", "--state", str(state))
    console = out()
    console.rule()
    for line in (
        f"Done in {time.monotonic() - began:.0f} s. What is left to look at:",
        f"  {plan}/report.html   the page for the change board, planned and actual",
        f"  {plan}/plan.json     the plan",
        f"  {plan}/playbooks/    what was run; an operator can run it with ansible-playbook",
        f"  {plan}/rollback/     the way back",
        f"  {plan}/attempts/     what Ansible said, step by step",
        f"  {state}/requests.jsonl   every request the simulated servers saw",
    ):
        console.print(Text(line), soft_wrap=True)
    return 0


def _say(title: str, *arguments: str, ends: int = 0) -> None:
    console = out()
    console.rule(Text(title, style="bold"))
    console.print(Text(f"$ orchestrator {' '.join(_quoted(a) for a in arguments)}", style="dim"))
    # By path, not by PATH: the environment need not be active.
    program = [sys.executable, "-m", "orchestrator", *arguments]
    code = subprocess.run(program, check=False, env=os.environ).returncode  # noqa: S603
    if code != ends:
        raise OrchestratorError(f"orchestrator {arguments[0]} ended with {code}, expected {ends}")


def _quoted(word: str) -> str:
    return f'"{word}"' if " " in word else word
