"""The live page while very much happens at once, measured in the browser itself."""

from __future__ import annotations

import itertools
import json
import os
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import expect
from support.large import write_large
from support.served import Served, begin, write_journal

from orchestrator.cli.serve import Options
from orchestrator.journal.entry import Kind

HOSTS = 500
LIMIT = 100
"""Milliseconds from an update's arrival to the frame after it."""


def write_events(attempt: Path, hosts: list[str]) -> None:
    """A playbook that ends on all hosts at once: each has begun and ended three tasks."""
    rows = [
        (kind, host, task)
        for task in ("Install the package", "Restart", "Wait for its services")
        for kind in ("runner_on_start", "runner_on_ok")
        for host in hosts
    ]
    folder = attempt / "artifacts" / attempt.name / "job_events"
    folder.mkdir(parents=True)
    for number, (kind, host, task) in enumerate(rows, 1):
        event = {
            "event": kind, "created": "2026-11-25T18:48:20+00:00",
            "event_data": {"host": host, "task": task, "res": {"changed": True}},
        }  # fmt: skip
        (folder / f"{number}-x.json").write_text(json.dumps(event))


def test_500_hosts_that_finish_at_once(tmp_path: Path, visit: Callable[..., Any]) -> None:
    folder = tmp_path / "plan"
    saved = write_large(folder, sites=50, servers=HOSTS // 50)
    hosts = sorted(saved.topology.servers)
    steps = [step.id for step in saved.plan.steps if step.servers]
    with write_journal(folder) as journal, Served(options=Options(folder, port=0)) as served:
        seen = visit()
        page = seen.page
        page.goto(served.url)
        expect(page.locator("#sentence")).to_contain_text("Waiting for approval")
        begin(journal, folder)
        processor = _Processor(page)
        spent, waited = [], []
        rounds = [steps[number::5] for number in range(5)]
        for number, names in enumerate(rounds, 1):
            for name in names:
                journal.append(Kind.STEP_STARTED, name)
            attempt = folder / "attempts" / f"{names[0]}-1"
            write_events(attempt, hosts)
            journal.append(Kind.STEP_CHILD, names[0], pid=1, identity="", folder=str(attempt))
            for name in names:
                journal.append(Kind.STEP_SUCCEEDED, name, seconds=1)
            done = sum(len(names) for names in rounds[:number])
            expect(page.locator("#figure-steps")).to_have_text(
                f"{done} of {len(saved.plan.steps)}", timeout=60_000
            )
            expect(page.locator("#hosts-count")).to_have_text(str(HOSTS), timeout=60_000)
            page.wait_for_timeout(300)
            spent.append(processor.milliseconds())
            waited.append(_measured(page, "update"))
        pictures = _measured(page, "picture")
        seen.require_quiet(served.url)
    each = [round(work / len(found), 1) for work, found in zip(spent, waited, strict=True)]
    figures = f"processor {each} ms an update; waited {waited} ms; pictures {pictures} ms"
    if os.environ.get("FIGURES"):
        print(figures)  # noqa: T201
    assert max(each) < LIMIT, figures
    # the clock on the wall tells of this page only as far as nobody else uses the machine
    crowd = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
    assert statistics.median(itertools.chain(*waited)) < LIMIT * crowd, figures
    assert statistics.median(pictures) < LIMIT * crowd, figures


class _Processor:
    """Time the page's main thread spent working, which others on the machine do not lengthen."""

    def __init__(self, page: Any) -> None:
        self._session = page.context.new_cdp_session(page)
        self._session.send("Performance.enable", {"timeDomain": "threadTicks"})
        self._before = self._read()

    def milliseconds(self) -> float:
        """Since the last call."""
        now = self._read()
        spent, self._before = now - self._before, now
        return spent * 1000

    def _read(self) -> float:
        rows = self._session.send("Performance.getMetrics")["metrics"]
        found = {row["name"]: float(row["value"]) for row in rows}
        # what the test itself asks the page is not the page's work
        return found["TaskDuration"] - found["DevToolsCommandDuration"]


def _measured(page: Any, name: str) -> list[float]:
    """Lengths of what the page measured under a name, the longest first."""
    script = """name => {
        const found = performance.getEntriesByName(name).map(entry => entry.duration);
        performance.clearMeasures(name);
        return found;
    }"""
    return sorted((round(float(value), 1) for value in page.evaluate(script, name)), reverse=True)
