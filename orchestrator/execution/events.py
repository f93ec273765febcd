"""From ansible-runner's events to values; no I/O, so it can be fed with recorded events."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

from orchestrator.execution.doubt import message_of, outcome_unknown
from orchestrator.execution.results import HostStats, TaskEvent, TaskFailure, TaskOutcome

_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_OUTPUT_LINES = 40

_OUTCOMES = {
    "runner_on_start": TaskOutcome.STARTED,
    "runner_on_ok": TaskOutcome.OK,
    "runner_on_skipped": TaskOutcome.SKIPPED,
    "runner_retry": TaskOutcome.RETRY,
    "runner_on_failed": TaskOutcome.FAILED,
    "runner_on_unreachable": TaskOutcome.UNREACHABLE,
}

_COUNTS = {
    "ok": "ok",
    "changed": "changed",
    "failures": "failures",
    "dark": "unreachable",
    "skipped": "skipped",
    "rescued": "rescued",
    "ignored": "ignored",
}


class Recorder:
    """Collects what the events of one run say.

    Parameters
    ----------
    results_of : iterable of str or None
        Tasks whose results are kept; None keeps all.
    """

    def __init__(self, results_of: Iterable[str] | None = None) -> None:
        self._wanted = None if results_of is None else frozenset(results_of)
        self._output: deque[str] = deque(maxlen=_OUTPUT_LINES)
        self.results: dict[str, dict[str, Mapping[str, Any]]] = {}
        self.failures: list[TaskFailure] = []
        self.stats: dict[str, HostStats] | None = None
        self.task_started = False

    @property
    def output(self) -> tuple[str, ...]:
        """The last lines outside tasks."""
        return tuple(self._output)

    def take(self, event: Mapping[str, Any]) -> TaskEvent | None:
        """Take in one event; returns the line of progress it is worth, if any."""
        kind = event.get("event", "")
        data = event.get("event_data") or {}
        if kind in {"verbose", "error", "warning", "system_warning"}:
            self._say(str(event.get("stdout") or ""))
        if kind == "playbook_on_stats":
            self.stats = _stats(data)
        outcome = _OUTCOMES.get(kind)
        if outcome is None or "host" not in data:
            return None
        return self._take_task(outcome, data)

    def _take_task(self, outcome: TaskOutcome, data: Mapping[str, Any]) -> TaskEvent:
        self.task_started = True
        host, task = str(data["host"]), str(data.get("task") or "")
        result = data.get("res")
        result = result if isinstance(result, Mapping) else {}
        if outcome is TaskOutcome.FAILED and data.get("ignore_errors"):
            outcome = TaskOutcome.IGNORED
        if outcome is TaskOutcome.OK and result.get("changed"):
            outcome = TaskOutcome.CHANGED
        if outcome in {TaskOutcome.FAILED, TaskOutcome.UNREACHABLE}:
            unreachable = outcome is TaskOutcome.UNREACHABLE
            self.failures.append(
                TaskFailure(
                    host=host,
                    task=task,
                    message=message_of(result),
                    unreachable=unreachable,
                    in_doubt=outcome_unknown(result, unreachable=unreachable),
                )
            )
        wanted = self._wanted is None or task in self._wanted
        if wanted and outcome not in {TaskOutcome.STARTED, TaskOutcome.RETRY}:
            self.results.setdefault(task, {})[host] = _kept(result)
        return TaskEvent(host, str(data.get("play") or ""), task, outcome)

    def _say(self, text: str) -> None:
        self._output.extend(
            line.rstrip() for line in _COLOUR.sub("", text).splitlines() if line.strip()
        )


def _kept(result: Mapping[str, Any]) -> dict[str, Any]:
    # The invocation repeats every argument, also of each item; what is not needed is not kept.
    kept = {k: v for k, v in result.items() if k != "invocation" and not k.startswith("_ansible")}
    if isinstance(items := kept.get("results"), list):
        kept["results"] = [_kept(i) if isinstance(i, Mapping) else i for i in items]
    return kept


def _stats(data: Mapping[str, Any]) -> dict[str, HostStats]:
    counts: dict[str, dict[str, int]] = {str(host): {} for host in data.get("processed") or ()}
    for theirs, ours in _COUNTS.items():
        for host, number in (data.get(theirs) or {}).items():
            counts.setdefault(str(host), {})[ours] = int(number)
    return {host: HostStats(**numbers) for host, numbers in counts.items()}
