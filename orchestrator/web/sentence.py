"""The large sentence at the top: what is happening, what is broken, until when. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from orchestrator.journal.projection import RunView
from orchestrator.journal.steps import StepStatus
from orchestrator.model.plan import Plan, Step, StepKind
from orchestrator.model.topology import ProxyPath
from orchestrator.web.verdicts import UNREAD, PathNow

_DOING = {
    StepKind.UPGRADE: "upgrading",
    StepKind.DOWNGRADE: "removing an update from",
    StepKind.ENABLE_REDIRECTION: "redirecting users of",
    StepKind.RESTORE_PROXYING: "ending the redirection of",
    StepKind.COPY_OWA_RESOURCES: "copying a version folder to",
    StepKind.VERIFY: "looking at the paths of",
}


@dataclass(frozen=True)
class Sentence:
    """What everybody reads first.

    Parameters
    ----------
    tone : str
        ``ask``, ``wait``, ``run``, ``good``, ``bad`` or ``doubt``.
    text : str
        What is happening.
    broken : str
        What does not work, or that everything does.
    works : bool
        Whether every path works as far as it is known.
    until : datetime or None
        When the step that runs should end, or the whole plan if none does.
    """

    tone: str
    text: str
    broken: str
    works: bool
    until: datetime | None = None


def sentence(
    plan: Plan,
    run: RunView,
    paths: Sequence[tuple[ProxyPath, PathNow]],
    *,
    running: bool | None,
    approved: bool,
    paused: bool,
    until: datetime | None,
) -> Sentence:
    """Say it.

    Parameters
    ----------
    plan : Plan
    run : RunView
    paths : sequence of (ProxyPath, PathNow)
    running : bool or None
        Whether the run's process is alive; None if that cannot be known here.
    approved : bool
        Whether this very plan was approved.
    paused : bool
        Whether the run stopped because somebody, or its window, asked for it.
    until : datetime or None
        When what goes on should end.
    """
    tone, text = _happening(plan, run, running=running, approved=approved, paused=paused)
    broken, works = _broken(paths)
    if not works and tone == "good":
        tone = "bad"
    return Sentence(tone, text, broken, works, until)


def _happening(
    plan: Plan, run: RunView, *, running: bool | None, approved: bool, paused: bool
) -> tuple[str, str]:
    total = len(plan.steps)
    if run.impossible:
        return (
            "bad",
            "The journal holds entries that do not follow from one another: no trust in it",
        )
    if run.started is None:
        minutes = sum(step.estimated_minutes for step in plan.steps)
        what = f"{_count(total, 'step')}, about {minutes} minutes of work"
        if approved:
            return "wait", f"Approved and not begun: {what}"
        return "ask", f"Waiting for approval: {what}"
    if run.finished:
        return "good", f"Done: {_count(total, 'step')} succeeded and the farm was read"
    if run.rollback:
        return "doubt", f"A way back was begun in {run.rollback}"
    if run.drift:
        return "bad", f"Resuming was refused, the farm had moved: {'; '.join(run.drift[:2])}"
    if not run.open:
        return _stopped(run, paused=paused)
    if running is False:
        return "bad", "Cut off: the process of the run has died in the middle"
    return _going_on(plan, run, running=running)


def _going_on(plan: Plan, run: RunView, *, running: bool | None) -> tuple[str, str]:
    total = len(plan.steps)
    now = [step for step in plan.steps if run.status(step.id) is StepStatus.STARTED]
    done = sum(run.status(step.id).done for step in plan.steps)
    if not now and run.next_window:
        opens = datetime.fromisoformat(run.next_window)
        text = f"{done} of {total} steps done, waiting for the window from {opens:%a %H:%M} UTC"
    elif not now:
        text = f"Between steps: {done} of {total} done"
        if done == total:
            text = "Every step succeeded: the farm is read once more"
    elif len(now) == 1:
        number = 1 + plan.steps.index(now[0])
        text = f"Step {number} of {total}: {doing(now[0])}"
    else:
        text = f"{len(now)} steps at once ({done} of {total} done): {doing(now[0])} and others"
    if running is None:
        return "doubt", f"{text}, if it still runs: its process is on {run.by.get('host')}"
    if run.pause_by:
        return "wait", f"{text}; then it pauses, as {run.pause_by} asked"
    return "run", text


def _stopped(run: RunView, *, paused: bool) -> tuple[str, str]:
    if paused:
        return "wait", f"Paused {run.reason}" if run.reason[:6] == "before" else (
            f"Paused: {run.reason}"
        )
    tone = "doubt" if StepStatus.IN_DOUBT in {s.status for s in run.steps.values()} else "bad"
    return tone, f"Stopped at {run.reason}" if run.unfinished else f"Stopped: {run.reason}"


def doing(step: Step) -> str:
    """What a step does, in the present tense."""
    if step.kind is StepKind.VERIFY and not step.pilot:
        return "looking at every path"
    who = f" ({', '.join(step.servers[:3])}{' …' if len(step.servers) > 3 else ''})"
    return f"{_DOING[step.kind]} {step.pool}{who if step.servers else ''}"


def _broken(paths: Sequence[tuple[ProxyPath, PathNow]]) -> tuple[str, bool]:
    unread = [path for path, now in paths if now.rule == UNREAD]
    broken = [path for path, now in paths if now.blocks and now.rule != UNREAD]
    said = []
    if broken:
        users = sum(path.users for path in broken)
        said.append(
            f"{_count(len(broken), 'path')} broken or not known to work, {_count(users, 'user')}: "
            f"{broken[0]}{' and others' if len(broken) > 1 else ''}"
        )
    if unread:
        said.append(f"{_count(len(unread), 'path')} not known until the servers are read")
    if said:
        return "; ".join(said), False
    return "No path is broken, as far as the rules know", True


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
