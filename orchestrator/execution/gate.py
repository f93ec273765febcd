"""What must hold before the first step: a plan that can run, never ran, and fits the farm."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from pathlib import Path

from orchestrator.errors import InvalidInput, OrchestratorError, StalePlan
from orchestrator.execution.observed import OBSERVED_PROTOCOLS, ObservedFarm
from orchestrator.execution.times import Times
from orchestrator.journal.entry import Entry
from orchestrator.journal.projection import RunView, view
from orchestrator.model.plan import Plan
from orchestrator.model.state import State, differences
from orchestrator.model.words import counted

_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")


def require_runnable(plan: Plan, playbooks: Mapping[str, Path]) -> None:
    """Check order and playbooks of a plan.

    Raises
    ------
    OrchestratorError
        If a step comes before one it waits for, or has no playbook, or a name no file can have.
    """
    seen: set[str] = set()
    for step in plan.steps:
        early = [name for name in step.after if name not in seen]
        if early or step.id in seen:
            raise OrchestratorError(
                f"step {step.id} stands before {', '.join(early)}, which it waits for"
                if early
                else f"two steps are called {step.id}",
                "make the plan again; a plan file is never edited by hand",
            )
        seen.add(step.id)
        if not _FILE_NAME.fullmatch(step.id):
            raise OrchestratorError(f'step "{step.id}" has a name no file can have')
        playbook = playbooks.get(step.id)
        if playbook is None or not playbook.is_file():
            raise OrchestratorError(
                f"step {step.id} has no playbook{f' {playbook}' if playbook else ''}",
                "make the plan again; its playbooks were written together with it",
            )


def require_unused(entries: Iterable[Entry]) -> None:
    """A plan is applied once.

    Raises
    ------
    OrchestratorError
        If the journal says that a run of it was begun; says when, by whom and how it ended.
    """
    run = view(entries)
    if run.started is None:
        return
    who = f" by {run.approved_by}" if run.approved_by else ""
    raise OrchestratorError(
        f"this plan was applied already: begun {run.started:%Y-%m-%d %H:%M:%S} UTC{who}, "
        f"{_ending(run)}",
        "a plan is applied once: make a new plan from the farm as it is now"
        if run.finished
        else "go on with it: orchestrator resume DIR -i INVENTORY; or go back: orchestrator "
        "rollback DIR -i INVENTORY; orchestrator status DIR says where it stands",
    )


def require_resumable(run: RunView, digest: str) -> None:
    """There must be something to go on with, and it must be what was approved.

    Raises
    ------
    OrchestratorError
        If nothing was begun, everything is finished, a way back was begun, or the folder is not
        the one that was approved.
    """
    if run.started is None:
        raise OrchestratorError(
            "there is nothing to resume: this plan was never begun",
            "begin it: orchestrator apply DIR -i INVENTORY",
        )
    if run.digest != digest:
        raise OrchestratorError(
            f"the plan that was begun has the digest {run.digest}, but that of the folder is now "
            f"{digest}",
            "something in the folder was changed after the approval; put it back, or make a new "
            "plan from the farm as it is now",
        )
    if run.impossible:
        raise OrchestratorError(
            "the journal holds entries that do not follow from the ones before:\n"
            + "\n".join(f"  {line}" for line in run.impossible),
            "do not rely on it: read the farm, keep the file as evidence and make a new plan",
        )
    if run.rollback:
        raise OrchestratorError(
            f"a way back of this plan was begun in {run.rollback}: going on would undo it",
            f"go on with the way back: orchestrator resume DIR/{run.rollback} -i INVENTORY; or "
            "make a new plan from the farm as it is now",
        )
    if run.finished:
        raise OrchestratorError(
            f"there is nothing to resume: this plan was {_ending(run)}",
            "for anything else make a new plan",
        )


def require_start(plan: Plan, farm: ObservedFarm) -> None:
    """The farm must be read in full and be where the plan starts.

    Raises
    ------
    InvalidInput
        If a server could not be read: every one is named.
    StalePlan
        With every difference.
    """
    if not farm.complete:
        raise InvalidInput(farm.problems)
    found = compare(plan.start, farm.state)
    if found:
        raise StalePlan(
            "the farm is not where this plan starts:\n" + "\n".join(f"  {d}" for d in found),
            "nothing was changed; make a new plan",
        )


def require_same_windows(run: RunView, times: Times | None) -> None:
    """What was begun inside windows goes on inside windows.

    Raises
    ------
    OrchestratorError
        If none are given now.
    """
    if run.windows and times is None:
        raise OrchestratorError(
            f"this run was begun inside the windows of {run.windows}",
            f"give them, or later ones, again: --windows {run.windows}",
        )


def require_windows(plan: Plan, done: Collection[str], times: Times | None, now: datetime) -> None:
    """Every step that is left must fit into some window that is left.

    Raises
    ------
    OrchestratorError
        Naming every step that fits into none.
    """
    if times is None:
        return
    lines = []
    for step in plan.steps:
        found = times.opening(step, now)
        if step.id in done or found.window or found.later:
            continue
        needs = found.minutes + found.reserve
        lines.append(
            f"  {step.id} needs {counted(needs, 'minute')} ({found.reserve} of them to take "
            f"it back); the "
            f"longest window it may run in has {times.longest(step)}"
        )
    if lines:
        raise OrchestratorError(
            f"no window of {times.source} that is not over holds these steps:\n" + "\n".join(lines),
            "nothing was changed; make the plan again with --windows and later or longer windows",
        )


def compare(expected: State, found: State) -> list[str]:
    """Differences in what can be read: builds, URLs of `OBSERVED_PROTOCOLS`, version folders."""
    urls = {key: url for key, url in expected.external_urls.items() if key[1] in OBSERVED_PROTOCOLS}
    return differences(State(expected.builds, urls, expected.version_folders), found)


def _ending(run: RunView) -> str:
    if run.finished:
        return f"finished {run.ended:%Y-%m-%d %H:%M:%S} UTC"
    steps = ", ".join(f"{name} {run.steps[name].status}" for name in run.unfinished)
    open_steps = f" ({steps})" if steps else ""
    if run.ended is not None:
        return f"stopped {run.ended:%Y-%m-%d %H:%M:%S} UTC{open_steps}: {run.reason}"
    return f"and its end was never written: it runs still, or died{open_steps}"
