"""Running a checked plan of a folder: the wiring `apply` and `rollback --apply` share."""

from __future__ import annotations

import getpass
import socket
from dataclasses import dataclass
from pathlib import Path

import typer
from rich.text import Text

from orchestrator.cli.live import ansible_inputs, read_farm
from orchestrator.errors import OrchestratorError
from orchestrator.execution.attempts import AnsibleInputs, FarmReader, StepPlaybooks
from orchestrator.execution.clock import SystemClock
from orchestrator.execution.engine import Approval, RunReport, run_plan
from orchestrator.execution.gate import require_start, require_unused
from orchestrator.execution.interrupt import interruptible
from orchestrator.execution.lock import run_lock
from orchestrator.execution.ports import Ports
from orchestrator.inventory import Inventory
from orchestrator.journal.store import JOURNAL_NAME, Journal
from orchestrator.model.plan import Plan
from orchestrator.planfile import digest
from orchestrator.playbook import step_playbook
from orchestrator.report.console import err, out
from orchestrator.report.progress import LineProgress


@dataclass(frozen=True)
class Job:
    """A plan folder to be run.

    Parameters
    ----------
    folder : Path
        Holds plan.json and playbooks/; journal and attempts go there, too.
    plan : Plan
    inventory : Inventory
    inputs : AnsibleInputs
    approve : str
        The digest given on the command line; empty asks.
    rollback_command : str
        Shown when the run stops.
    """

    folder: Path
    plan: Plan
    inventory: Inventory
    inputs: AnsibleInputs
    approve: str = ""
    rollback_command: str = ""


def run_job(job: Job) -> RunReport:
    """Read the farm, refuse what does not fit, ask, and run the plan.

    Raises
    ------
    OrchestratorError, StalePlan, InvalidInput
        Before anything was changed.
    """
    clock = SystemClock()
    mark = digest(job.folder)
    if job.approve and job.approve != mark:
        raise OrchestratorError(
            f"--approve names {job.approve}, but the digest of {job.folder} is {mark}",
            "something in the folder was changed after the approval, or it is another plan",
        )
    with (
        run_lock(job.inventory.folder, plan=mark, clock=clock),
        Journal.open(job.folder / JOURNAL_NAME, clock=clock) as journal,
    ):
        require_unused(journal.entries())
        observed = read_farm(job.inputs, job.inventory)
        require_start(job.plan, observed)
        _ask(mark, job.approve, len(job.plan.steps))
        with interruptible() as cancel:
            attempts = job.folder / "attempts"
            ports = Ports(
                run_playbook=StepPlaybooks(job.inputs, attempts, cancel),
                read_farm=FarmReader(job.inputs, attempts, sorted(job.inventory.topology.servers)),
                clock=clock,
                progress=LineProgress(err()),
                stop_requested=cancel.is_set,
            )
            return run_plan(
                job.plan,
                _playbooks(job),
                approval=Approval(mark, getpass.getuser(), socket.gethostname()),
                observed=observed,
                journal=journal,
                ports=ports,
                rollback_command=job.rollback_command,
            )


def show_report(report: RunReport) -> int:
    """Print how it ended; the exit code."""
    console = out()
    if report.stop is None:
        console.print(
            Text(
                f"Done: {len(report.done)} steps in {report.seconds:.0f} s; every probe saw what "
                "the plan expects, and the farm was read and is where the plan ends.",
                style="green",
            )
        )
    else:
        for line in report.stop.lines():
            console.print(Text(line), soft_wrap=True)
    return report.exit_code


def inputs_of(
    inventory: Inventory, extra_vars: list[str] | None, vault_password_file: Path | None
) -> AnsibleInputs:
    """Shorthand for the options of both commands."""
    return ansible_inputs(inventory, extra_vars or [], vault_password_file)


def _playbooks(job: Job) -> dict[str, Path]:
    return {
        step.id: job.folder / "playbooks" / step_playbook(number, step)
        for number, step in enumerate(job.plan.steps, 1)
    }


def _ask(mark: str, approved: str, steps: int) -> None:
    err().print(Text(f"Digest {mark}"), soft_wrap=True)
    if approved:
        return
    if not typer.confirm(f"Run these {steps} steps on the farm?", default=False, err=True):
        raise OrchestratorError("not approved; nothing was changed")
