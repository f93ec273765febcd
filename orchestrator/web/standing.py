"""Where a plan stands at one entry of its journal, as JSON values: sent at every change. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from orchestrator.journal.entry import Entry, Kind
from orchestrator.journal.projection import RunView, view
from orchestrator.journal.steps import StepStatus
from orchestrator.model.build import Catalogue
from orchestrator.planfile import SavedPlan
from orchestrator.rules.engine import RuleBook
from orchestrator.web.farm import Farm, farm_of
from orchestrator.web.sentence import sentence
from orchestrator.web.times import expected_end, planned, window_end
from orchestrator.web.verdicts import PathNow, Verdicts


@dataclass(frozen=True)
class Moment:
    """What is known besides the journal's entries.

    Parameters
    ----------
    now : datetime
    running : bool or None
        Whether the process of the run lives; None if that cannot be known here.
    digest : str
        Of the plan folder as it is.
    """

    now: datetime
    running: bool | None
    digest: str


class Standings:
    """Makes the standing of one plan, again and again.

    Parameters
    ----------
    saved : SavedPlan
    book : RuleBook
    catalogue : Catalogue
    """

    def __init__(self, saved: SavedPlan, book: RuleBook, catalogue: Catalogue) -> None:
        self._saved = saved
        self._verdicts = Verdicts(saved.topology, book)
        self._catalogue = catalogue

    def at(self, entries: Sequence[Entry], moment: Moment) -> dict[str, Any]:
        """The standing after some entries; pools and paths in the order of the scene."""
        plan = self._saved.plan
        run = view(entries)
        farm = farm_of(self._saved.topology, plan, entries)
        paths = self._verdicts.of(farm)
        times = planned(plan, run.started or moment.now)
        approved = _approved(entries, moment.digest)
        said = sentence(
            plan,
            run,
            list(zip(self._saved.topology.paths, paths, strict=True)),
            running=moment.running,
            approved=approved,
            paused=_paused(entries),
            until=self._until(run, times, moment),
        )
        return {
            "seq": entries[-1].seq if entries else 0,
            "now": _iso(moment.now),
            "tone": said.tone,
            "text": said.text,
            "broken": said.broken,
            "works": said.works,
            "until": _iso(said.until),
            "window_end": _iso(window_end(plan, moment.now)),
            "approved_by": run.approved_by if approved else "",
            "started": _iso(run.started),
            "ended": _iso(run.ended),
            "done": sum(run.status(step.id).done for step in plan.steps),
            "steps": self._steps(run, times),
            "pools": self._pools(farm),
            "paths": [_path(path) for path in paths],
            "redirection": _redirection(farm, moment.now),
            "can": _can(run, moment, approved=approved),
        }

    def _until(
        self, run: RunView, times: dict[str, tuple[datetime, datetime]], moment: Moment
    ) -> datetime | None:
        if run.finished or (run.started and not run.open):
            return None
        now = [step for step in self._saved.plan.steps if run.status(step.id) is StepStatus.STARTED]
        if now:
            return max(expected_end(self._saved.plan, run, step, times) for step in now)
        # without times of its own, a plan that has not begun ends some time after it will begin
        if self._saved.plan.schedule is None and run.started is None:
            return None
        return max((end for _, end in times.values()), default=None)

    def _steps(self, run: RunView, times: dict[str, tuple[datetime, datetime]]) -> list[list[Any]]:
        """Per step: status, attempt, planned start and end, actual start and end, reason."""
        rows = []
        for step in self._saved.plan.steps:
            known = run.steps.get(step.id)
            start, end = times[step.id]
            row = [str(run.status(step.id)), known.attempt if known else 0, _iso(start), _iso(end)]
            if known is None:
                rows.append([*row, None, None, ""])
                continue
            why = known.reason
            if known.reading:
                why = f"{why}; as read: {known.reading}" if why else f"as read: {known.reading}"
            rows.append([*row, _iso(known.started), _iso(known.ended), why])
        return rows

    def _pools(self, farm: Farm) -> list[list[Any]]:
        """Per pool: builds by name with their servers, whether it changes, what is unread."""
        rows = []
        for pool in self._saved.topology.pools.values():
            builds: dict[str, int] = {}
            for name in pool.servers:
                text = "not read" if name in farm.unknown else str(farm.builds[name])
                if name not in farm.unknown:
                    text = self._catalogue.name(farm.builds[name])
                builds[text] = builds.get(text, 0) + 1
            changing = sum(name in farm.changing for name in pool.servers)
            unread = sum(name in farm.unknown for name in pool.servers)
            rows.append([sorted(builds.items()), changing, unread])
        return rows


def _path(path: PathNow) -> list[Any]:
    """Verdict, rule, how it is reached, whether an unknown verdict was accepted."""
    return [path.verdict, path.rule, str(path.mode), path.accepted]


def _redirection(farm: Farm, now: datetime) -> dict[str, Any]:
    on = [turned for turned in farm.turned if turned.until is None]
    return {
        "users": sum(turned.users for turned in on),
        "labels": [str(turned.label) for turned in on],
        "user_minutes": round(sum(turned.user_minutes(now) for turned in farm.turned), 1),
    }


def _approved(entries: Sequence[Entry], digest: str) -> bool:
    """Whether the last approval names the folder as it is."""
    given = [e.data.get("digest") for e in entries if e.kind == Kind.PLAN_APPROVED]
    return bool(given) and given[-1] == digest


def _paused(entries: Sequence[Entry]) -> bool:
    ends = [entry for entry in entries if entry.kind == Kind.RUN_STOPPED]
    return bool(ends) and ends[-1].data.get("paused") is True


def _can(run: RunView, moment: Moment, *, approved: bool) -> dict[str, bool]:
    """Which buttons make sense; what is allowed is decided where they are answered."""
    going_on = run.open and moment.running is not False
    return {
        "approve": run.started is None and not approved,
        "pause": going_on and not run.pause_by,
        "resume": run.started is not None
        and not going_on
        and not run.finished
        and not run.rollback,
    }


def _iso(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    # whole seconds are what a person reads; a microsecond would be drawn as a difference
    return (moment - timedelta(microseconds=moment.microsecond)).isoformat()
