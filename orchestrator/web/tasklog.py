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

PROBE = "owa_probe"
_LOUD = frozenset({TaskOutcome.FAILED, TaskOutcome.UNREACHABLE, TaskOutcome.IGNORED})
_ITEMS = frozenset({"runner_item_on_ok", "runner_item_on_failed"})


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
            except (OSError, ValueError):
                continue  # taken away or damaged: a log must not stop the page
            if not isinstance(event, dict):
                continue
            line, probe = _line(event), _probe(event)
            lines += [line] if line else []
            probes += [probe] if probe else []
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
        self._seen.update(fresh)
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


def _probe(event: Mapping[str, Any]) -> ProbeSeen | None:
    data = event.get("event_data") or {}
    if event.get("event") not in _ITEMS or PROBE not in str(data.get("task_action")):
        return None
    result = data.get("res")
    item = result.get("item") if isinstance(result, Mapping) else None
    match item:
        case [dict() as looked_at, str() as source]:  # a probe, and one of its sources
            pass
        case _:
            return None
    if not isinstance(result, Mapping):
        return None
    coverage = result.get("coverage")
    return ProbeSeen(
        time=str(event.get("created", "")),
        source=source,
        target=f"{looked_at.get('target_site', '')}/{looked_at.get('target_product_line', '')}",
        outcome=str(result.get("outcome") or "unknown"),
        # a probe that does not say so saw nothing
        as_expected=result.get("as_expected") is True,
        why=shown(str(result.get("why") or result.get("msg") or "")),
        coverage=str(coverage.get("text", "")) if isinstance(coverage, Mapping) else "",
    )
