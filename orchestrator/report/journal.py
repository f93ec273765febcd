"""Journal entries and the standing of a run, for a person and for a program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.table import Table
from rich.text import Text

from orchestrator.execution.position import redirections_on
from orchestrator.journal.entry import Entry, Kind, canonical
from orchestrator.journal.projection import RunView
from orchestrator.journal.steps import StepStatus
from orchestrator.model.plan import Plan, StepKind
from orchestrator.model.state import State
from orchestrator.model.words import counted

_STYLE = {
    StepStatus.STARTED: "yellow",
    StepStatus.SUCCEEDED: "green",
    StepStatus.VERIFIED: "green",
    StepStatus.FAILED: "bold red",
    StepStatus.IN_DOUBT: "bold magenta",
    StepStatus.COMPENSATED: "cyan",
}

_SHOWN_AS_COUNT = frozenset({"builds", "owa_external_urls"})


def entry_line(entry: Entry) -> str:
    """An entry as one line of JSON; the data stand as they were written."""
    return canonical(
        {
            "seq": entry.seq,
            "time": entry.time.isoformat(),
            "kind": entry.kind,
            "step": entry.step,
            "attempt": entry.attempt,
            "data": entry.data,
            "link": entry.link,
        }
    )


def entry_text(entry: Entry) -> Text:
    """An entry as one line for a person."""
    what = " ".join([entry.kind, *([entry.step] if entry.step else [])])
    attempt = f" (attempt {entry.attempt})" if entry.attempt > 1 else ""
    said = "; ".join(f"{key}: {_short(key, value)}" for key, value in entry.data.items())
    style = "red" if entry.kind in {Kind.STEP_FAILED, Kind.STEP_IN_DOUBT, Kind.DRIFT_FOUND} else ""
    line = Text(f"{entry.seq:>4}  {entry.time:%Y-%m-%d %H:%M:%S}  ")
    line.append(f"{what}{attempt}", style=style)
    return line.append(f"  {said}") if said else line


def steps_table(plan: Plan, run: RunView) -> Table:
    """Every step of a plan with its status, in the plan's order."""
    table = Table(box=None)
    table.add_column("step", overflow="fold")
    for name in ("status", "attempt", "begun (UTC)", "seconds"):
        table.add_column(name, no_wrap=True)
    table.add_column("why", overflow="fold")
    for step in plan.steps:
        known = run.steps.get(step.id)
        status = run.status(step.id)
        styled = Text(str(status), style=_STYLE.get(status, ""))
        if known is None:
            table.add_row(step.id, styled)
            continue
        seconds = f"{(known.ended - known.started).total_seconds():.0f}" if known.ended else ""
        why = known.reason
        if known.reading:
            why = f"{why}; as read since: {known.reading}" if why else f"as read: {known.reading}"
        table.add_row(
            Text(step.id),
            styled,
            str(known.attempt),
            f"{known.started:%H:%M:%S}",
            seconds,
            Text(why),
        )
    return table


def status_document(
    plan: Plan, run: RunView, *, running: bool | None, redirections: Sequence[str]
) -> dict[str, Any]:
    """The standing of a plan as JSON values.

    Parameters
    ----------
    plan : Plan
    run : RunView
    running : bool or None
        Whether the process of the run is alive; None if that cannot be known here.
    redirections : sequence of str
        That are on and were not before, and which step turns each off.
    """
    return {
        "digest": run.digest,
        "approved_by": run.approved_by,
        "started": _iso(run.started),
        "ended": _iso(run.ended),
        "finished": run.finished,
        "running": running,
        "reason": run.reason,
        "pause_by": run.pause_by,
        "rollback": run.rollback,
        "drift": list(run.drift),
        "redirections": list(redirections),
        "steps": [
            {
                "id": step.id,
                "status": str(run.status(step.id)),
                "attempt": run.steps[step.id].attempt if step.id in run.steps else 0,
                "reason": run.steps[step.id].reason if step.id in run.steps else "",
                "reading": run.steps[step.id].reading if step.id in run.steps else "",
            }
            for step in plan.steps
        ],
    }


def redirections_implied(plan: Plan, run: RunView, before: State | None = None) -> tuple[str, ...]:
    """Redirections that steps begun so far switched on and none switched off; nothing is read.

    Parameters
    ----------
    plan : Plan
    run : RunView
    before : State, optional
        Of a way back: before the plan that it undoes.
    """
    done = [step.id for step in plan.steps if run.status(step.id).done]
    state = plan.start
    for step in plan.steps:
        switching_on = step.kind is StepKind.ENABLE_REDIRECTION and run.status(step.id).begun
        if step.id in done or switching_on:
            state = step.apply(state)
    return redirections_on(plan, done, state, before)


def _iso(time: datetime | None) -> str | None:
    return time.isoformat(timespec="seconds") if time else None


def _short(key: str, value: object) -> str:
    if key in _SHOWN_AS_COUNT and isinstance(value, Mapping):
        return counted(len(value), "server")
    if isinstance(value, Mapping):
        return ", ".join(f"{k} {v}" for k, v in value.items() if v != "")
    if isinstance(value, list):
        return _several(key, value)
    return str(value)


def _several(key: str, values: list[Any]) -> str:
    """A list in few words: of many looks at paths only those that tell something."""
    if key != "paths":
        return ", ".join(map(_one, values)) or "none"
    told = [look for look in values if look.get("coverage") not in {"covered", "redirected"}]
    each = [f"{k.get('path')} through {k.get('source')}: {k.get('why')}" for k in told]
    return "; ".join([f"{len(values) - len(told)} of {len(values)} work", *each])


def _one(value: object) -> str:
    if isinstance(value, Mapping) and {"server", "id"} <= value.keys():
        return f"{value['id']} of {value['server']} at {value.get('time')}"
    if isinstance(value, Mapping) and {"host", "message"} <= value.keys():
        return f"{value['host']}: {value['message']}"
    return str(value)
