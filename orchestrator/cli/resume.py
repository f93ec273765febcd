"""`orchestrator resume`."""

from __future__ import annotations

from orchestrator.cli.apply import PlanFolder, plan_and_farm, require_sound
from orchestrator.cli.notices import Notify
from orchestrator.cli.options import ExtraVars, InventoryOption, VaultPasswordFile
from orchestrator.cli.running import (
    EndChild,
    Job,
    MaxParallel,
    TakeOver,
    Wait,
    WindowsFileOption,
    inputs_of,
    resume_job,
    show_report,
)
from orchestrator.cli.to_type import commands_for
from orchestrator.cli.view import show
from orchestrator.report.results import Said


def resume(
    folder: PlanFolder,
    inventory: InventoryOption,
    take_over: TakeOver = False,
    end_child: EndChild = False,
    max_parallel: MaxParallel = None,
    notify: Notify = None,
    windows: WindowsFileOption = None,
    wait: Wait = False,
    extra_vars: ExtraVars = None,
    vault_password_file: VaultPasswordFile = None,
) -> int:
    """Go on with a plan that was paused, stopped or cut off, at its first unfinished step.

    Waits for what the interrupted run left working, reads the farm, and refuses one that moved.
    DIR is a plan, or a way back (DIR/runs/N). Exit codes: 0 done, 1 error before anything was
    changed, 4 the farm moved meanwhile, 5 stopped again or paused, 130 ended in the middle of a
    step.
    """
    saved, loaded = plan_and_farm(folder, inventory, vault_password_file, extra_vars)
    require_sound(saved, folder)
    job = Job(
        folder=folder,
        plan=saved.plan,
        inventory=loaded,
        inputs=inputs_of(loaded, extra_vars, vault_password_file),
        commands=commands_for(folder, inventory, extra_vars, vault_password_file, windows),
        take_over=take_over,
        end_child=end_child,
        max_parallel=max_parallel,
        notify=notify,
        windows=windows,
        wait=wait,
    )
    report = resume_job(job)
    if report is None:
        done = [step.id for step in saved.plan.steps]
        show(
            Said(
                "Nothing to resume: this plan is finished.",
                {"done": done, "seconds": 0.0, "stop": None},
            )
        )
        return 0
    return show_report(report)
