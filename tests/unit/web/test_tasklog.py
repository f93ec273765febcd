"""What a look told about each of its probes, which are sent side by side in one task."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from orchestrator.web.tasklog import AttemptLog

ITEM = [{"target_site": "rome", "target_product_line": "2010", "mailbox": "m"}, "mad-cas-01"]


def log_of(folder: Path, *events: dict[str, Any]) -> AttemptLog:
    attempt = folder / "verify-1"
    where = attempt / "artifacts" / attempt.name / "job_events"
    where.mkdir(parents=True)
    for number, event in enumerate(events, 1):
        (where / f"{number}-x.json").write_text(json.dumps({"created": "now", **event}))
    return AttemptLog(attempt)


def look(*results: Any, action: str = "owa_probes") -> dict[str, Any]:
    data = {"host": "localhost", "task": "Probe", "task_action": action}
    return {"event": "runner_on_ok", "event_data": {**data, "res": {"results": list(results)}}}


def test_every_probe_of_a_look_is_a_row(tmp_path: Path) -> None:
    good = {
        "item": ITEM, "outcome": "proxied", "as_expected": True, "why": "as expected: proxied 2",
        "coverage": {"text": "1 of 1 targets"},
    }  # fmt: skip
    untried = {"item": ITEM, "msg": "not tried, so that the mailbox is not locked out"}
    lines, probes = log_of(tmp_path, look(good, untried)).news()
    assert [line.task for line in lines] == ["Probe"]
    assert [probe.row()[1:] for probe in probes] == [
        ["mad-cas-01", "rome/2010", "proxied", True, good["why"], "1 of 1 targets"],
        ["mad-cas-01", "rome/2010", "unknown", False, untried["msg"], ""],
    ]


def test_what_is_no_probe_is_none(tmp_path: Path) -> None:
    strange = look(None, {"item": "x"}, {"item": [1, 2]})
    _, probes = log_of(tmp_path, strange, look({"item": ITEM}, action="debug")).news()
    assert probes == []


def test_an_event_that_is_written_by_half_is_read_once_it_is_whole(tmp_path: Path) -> None:
    log = log_of(tmp_path, look(), look())
    last = tmp_path / "verify-1" / "artifacts" / "verify-1" / "job_events" / "2-x.json"
    whole = last.read_text()
    last.write_text(whole[:20])
    assert len(log.news()[0]) == 1
    last.write_text(whole)
    assert len(log.news()[0]) == 1
    assert log.news() == ([], [])
