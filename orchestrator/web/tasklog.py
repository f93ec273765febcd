"""What Ansible did on each host, from the artifacts of an attempt: chosen fields only.

ansible-runner leaves one file per event, made whole under another name first.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestrator.execution.doubt import message_of
from orchestrator.execution.events import Recorder
from orchestrator.execution.results import TaskOutcome
from orchestrator.web.secrets import shown

PROBES = "owa_probes"
_LOUD = frozenset({TaskOutcome.FAILED, TaskOutcome.UNREACHABLE, TaskOutcome.IGNORED})
_ENDED = frozenset({"runner_on_ok", "runner_on_failed"})


@dataclass(frozen=True)
class TaskLine:
    """A task on a host: one line of the log."""

    time: str
    host: str
    task: str
    outcome: str
    message: str = ""

    def row(self) -> list[str]:
        """As JSON values."""
        return [self.time, self.host, self.task, self.outcome, self.message]


@dataclass(frozen=True)
class ProbeSeen:
    """What a probe saw through a source."""

    time: str
    source: str
    target: str
    outcome: str
    as_expected: bool
    why: str
    coverage: str

    def row(self) -> list[Any]:
        """As JSON values."""
        return [
            self.time, self.source, self.target, self.outcome, self.as_expected, self.why,
            self.coverage,
        ]  # fmt: skip


@dataclass
class AttemptLog:
    """Reads the events of one attempt as they come.

    Parameters
    ----------
    folder : Path
        The attempt's private folder.
    """

    folder: Path
    _seen: set[str] = field(default_factory=set)

    def news(self) -> tuple[list[TaskLine], list[ProbeSeen]]:
        """What came since the last call, in the order of the events."""
        events = self.folder / "artifacts" / self.folder.name / "job_events"
        lines: list[TaskLine] = []
        probes: list[ProbeSeen] = []
        for name in self._new(events):
            try:
                event = json.loads((events / name).read_text(encoding="utf-8"))
            except ValueError:
                continue  # written by half so far, or damaged: looked at again the next time
            except OSError:
                event = None  # taken away: a log must not stop the page
            self._seen.add(name)
            if not isinstance(event, dict):
                continue
            line = _line(event)
            lines += [line] if line else []
            probes += _probes(event)
        return lines, probes

    def _new(self, events: Path) -> list[str]:
        try:
            names = [entry.name for entry in os.scandir(events)]
        except OSError:
            return []
        fresh = [
            name
            for name in names
            if name not in self._seen
            and name.endswith(".json")
            and name.partition("-")[0].isdigit()
        ]
        return sorted(fresh, key=lambda name: int(name.partition("-")[0]))


def _line(event: Mapping[str, Any]) -> TaskLine | None:
    seen = Recorder(()).take(event)
    if seen is None:
        return None
    data = event.get("event_data") or {}
    message = ""
    if seen.outcome in _LOUD and isinstance(data.get("res"), Mapping):
        message = shown(message_of(data["res"]))
    return TaskLine(str(event.get("created", "")), seen.host, seen.task, seen.outcome, message)


def _probes(event: Mapping[str, Any]) -> list[ProbeSeen]:
    """Every probe of a look: they are sent side by side, and told at its end."""
    data = event.get("event_data") or {}
    if event.get("event") not in _ENDED or PROBES not in str(data.get("task_action")):
        return []
    result = data.get("res")
    results = result.get("results") if isinstance(result, Mapping) else None
    if not isinstance(results, list):
        return []
    when = str(event.get("created", ""))
    return [seen for each in results if (seen := _probe(when, each)) is not None]


def _probe(when: str, result: object) -> ProbeSeen | None:
    if not isinstance(result, Mapping):
        return None
    match result.get("item"):
        case [dict() as looked_at, str() as source]:  # a probe, and one of its sources
            pass
        case _:
            return None
    coverage = result.get("coverage")
    return ProbeSeen(
        time=when,
        source=source,
        target=f"{looked_at.get('target_site', '')}/{looked_at.get('target_product_line', '')}",
        outcome=str(result.get("outcome") or "unknown"),
        # a probe that does not say so saw nothing
        as_expected=result.get("as_expected") is True,
        why=shown(str(result.get("why") or result.get("msg") or "")),
        coverage=str(coverage.get("text", "")) if isinstance(coverage, Mapping) else "",
    )
