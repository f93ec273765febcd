"""`orchestrator status`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from orchestrator.cli.apply import PlanFolder
from orchestrator.cli.view import show
from orchestrator.errors import OrchestratorError
from orchestrator.execution.leftovers import living
from orchestrator.execution.times import PLAN_TIMES
from orchestrator.execution.way_back import parent_of
from orchestrator.execution.who import runs_still
from orchestrator.journal.projection import RunView, view
from orchestrator.journal.store import JOURNAL_NAME, Journal
from orchestrator.model.plan import Plan
from orchestrator.model.state import State
from orchestrator.model.words import counted
from orchestrator.planfile import read_plan
from orchestrator.report.journal import redirections_implied, status_document, steps_table


def status(
    folder: PlanFolder,
) -> int:
    """Show where a plan stands, as its journal knows; also while it runs. Reads no server.

    Exit codes: 0 shown; 1 the plan or its journal is absent or damaged.
    """
    standing = _standing(folder)
    if standing.run.rollback:
        standing = replace(standing, back=_way_back(folder / standing.run.rollback))
    show(standing)
    return 0


@dataclass(frozen=True)
class _Standing:
    """Where a plan stands, and the way back that was begun last."""

    folder: Path
    plan: Plan
    run: RunView
    running: bool | None
    before: State | None
    back: _Standing | None = None

    def redirections(self) -> tuple[str, ...]:
        """Once a way back was begun, its steps are the ones that turn redirections off."""
        if self.back is not None and self.back.run.started is not None:
            return self.back.redirections()
        return redirections_implied(self.plan, self.run, self.before)

    def print(self, console: Console) -> None:
        """Who, what, every step, and what to do next."""
        _print(console, self)

    def document(self) -> dict[str, Any]:
        """Every step."""
        redirections = self.redirections()
        document = status_document(
            self.plan, self.run, running=self.running, redirections=redirections
        )
        back = None
        if self.back is not None:
            of = self.back.document()
            fields = ("started", "ended", "finished", "running", "reason")
            back = {"folder": str(self.back.folder), **{name: of[name] for name in fields}}
        return document | {"way_back": back}


def _standing(folder: Path) -> _Standing:
    plan = read_plan(folder).plan
    run = RunView()
    if (folder / JOURNAL_NAME).exists():
        with Journal.read(folder / JOURNAL_NAME) as journal:
            journal.verify()
            run = view(journal.entries())
    running = runs_still(run.by) if run.open else False
    parent = parent_of(folder)
    before = read_plan(parent).plan.start if parent is not None else None
    return _Standing(folder, plan, run, running, before)


def _way_back(folder: Path) -> _Standing | None:
    """None if its folder is damaged: what is known of the plan is shown all the same."""
    try:
        return _standing(folder)
    except OrchestratorError:
        return None


def _print(console: Console, standing: _Standing) -> None:
    folder, plan, run, running = standing.folder, standing.plan, standing.run, standing.running
    if run.started is None:
        console.print(f"Not begun: {counted(len(plan.steps), 'step')}, none of them applied.")
        return
    for line in _head(folder, run, running):
        console.print(Text(line), soft_wrap=True)
    if standing.back is not None:
        for line in _head_of_way_back(standing.back):
            console.print(Text(line), soft_wrap=True)
    console.print(steps_table(plan, run))
    redirections = standing.redirections()
    if redirections:
        console.print("Redirections on that were not before the plan, as the journal knows:")
        for line in redirections:
            console.print(Text(f"  {line}"), soft_wrap=True)
    for line in _what_next(standing):
        console.print(Text(line), soft_wrap=True)


def _head_of_way_back(back: _Standing) -> list[str]:
    """How the way back stands, in the words for a run."""
    if back.run.started is None:
        return ["  nothing of it was begun"]
    return [f"  {line}" for line in _head(back.folder, back.run, back.running)[1:]]


def _head(folder: Path, run: RunView, running: bool | None) -> list[str]:
    begun = f"begun {run.started:%Y-%m-%d %H:%M:%S} UTC" if run.started else ""
    who = f"process {run.by.get('pid')} of {run.by.get('by')} on {run.by.get('host')}"
    lines = [f"Plan {run.digest}, approved by {run.approved_by}, {begun}"]
    if running:
        lines.append(f"Running: {who}")
        if run.next_window:
            lines.append(
                f"Waiting for the window from {run.next_window[:16].replace('T', ' ')} UTC"
            )
        if run.pause_by:
            lines.append(f"{run.pause_by} asked for a pause: it stops before its next step")
    elif run.open and running is None:
        lines.append(f"Running or dead, which only that host can tell: {who}")
    elif run.open:
        lines.append(f"Cut off: {who} has died without writing an end")
        if left := living(folder, run):
            lines.append(f"It left at work: process {', '.join(map(str, left))}")
    elif run.next_window:
        lines.append(f"Paused {run.ended:%Y-%m-%d %H:%M:%S} UTC: {run.reason}")
    elif run.finished:
        lines.append(f"Finished {run.ended:%Y-%m-%d %H:%M:%S} UTC")
    else:
        lines.append(f"Stopped {run.ended:%Y-%m-%d %H:%M:%S} UTC: {run.reason}")
    if run.rollback:
        lines.append(f"A way back was begun in {folder / run.rollback}")
    if run.drift:
        lines.append("Resuming was refused, as the farm had moved:")
        lines += [f"  {line}" for line in run.drift]
    lines += [f"Does not follow from what was written before: {line}" for line in run.impossible]
    return lines


def _what_next(standing: _Standing) -> list[str]:
    folder, run = standing.folder, standing.run
    if standing.running:
        return [f"To stop it at the next safe point: orchestrator pause {folder}"]
    if run.rollback:
        lines = [f"What came of the way back: orchestrator status {folder / run.rollback}"]
        back = standing.back
        if back is not None and back.run.started is None:
            return [f"To go back: orchestrator rollback {folder} -i INVENTORY --apply --take-over"]
        return lines if back is None else _what_next(back) or lines
    if run.finished:
        return []
    take_over = " --take-over" if run.open else ""
    if run.windows and run.windows != PLAN_TIMES:
        take_over = f" --windows {run.windows}{take_over}"
    another = "To plan another way back" if parent_of(folder) else "To go back"
    return [
        f"To go on: orchestrator resume {folder} -i INVENTORY{take_over}",
        f"{another}: orchestrator rollback {parent_of(folder) or folder} -i INVENTORY",
    ]
