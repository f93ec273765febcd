"""The live page during a real window on the simulated farm: approve, watch, pause, resume."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect
from support.served import FARM, GOALS, PROJECT, Command, environment, wait_for

from orchestrator.execution import process
from orchestrator.journal.entry import Kind
from orchestrator.journal.store import JOURNAL_NAME, Journal
from orchestrator.lab.lab import Lab

SLOW = 90_000
"""Milliseconds; a loaded machine takes long for a step of the lab."""


@dataclass
class Window:
    """A farm, a plan for it, and the command line."""

    folder: Path
    options: tuple[str, ...]

    @property
    def plan(self) -> Path:
        return self.folder / "plan"

    def run(self, *words: str) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "orchestrator", *words, *self.options],
            check=False, capture_output=True, text=True, cwd=PROJECT, env=environment(),
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr

    def apply(self) -> subprocess.Popen[str]:
        """Without --approve and with nobody to ask: only an approval in the journal will do."""
        return subprocess.Popen(
            [sys.executable, "-m", "orchestrator", "apply", str(self.plan), *self.options],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            cwd=PROJECT, env=environment(),
        )  # fmt: skip

    def kinds(self) -> list[str]:
        with Journal.read(self.plan / JOURNAL_NAME) as journal:
            return [entry.kind for entry in journal.entries()]


@pytest.fixture
def window(tmp_path: Path) -> Iterator[Window]:
    shutil.copytree(FARM, tmp_path / "farm")
    lab = Lab(tmp_path / "farm", tmp_path / "lab", fresh=True)
    lab.start()
    made = Window(tmp_path, ("-i", str(tmp_path / "farm"), "-e", f"@{lab.connection_file}"))
    try:
        made.run("plan", *GOALS, "-o", str(made.plan))
        yield made
    finally:
        process.end_run(made.plan.absolute())
        lab.stop()


def answer(page: Page, button: str, name: str = "Ada Lovelace") -> None:
    """Press a button and say who presses it, without a mouse."""
    page.get_by_role("button", name=button).focus()
    page.keyboard.press("Enter")
    expect(page.locator("#ask")).to_be_visible()
    page.keyboard.type(name)
    page.keyboard.press("Enter")
    expect(page.locator("#ask")).to_be_hidden()


def box(page: Page, pool: str) -> Locator:
    return page.locator(f"#graph g.pool[data-pools*='{pool}']")


def test_a_window_is_approved_watched_paused_and_resumed(
    window: Window, visit: Callable[..., Any], picture: Callable[..., None]
) -> None:
    with Command(folder=window.plan, options=window.options) as served:
        seen = visit()
        page = seen.page
        page.goto(f"{served.url}#token={served.token}")
        expect(page.get_by_role("heading", level=1)).to_contain_text("Waiting for approval")
        assert "token" not in page.url
        expect(box(page, "madrid/2010")).to_contain_text("SP2")
        before = box(page, "rome/2010").bounding_box()

        answer(page, "Approve")
        expect(page.locator("#sentence")).to_contain_text("Approved and not begun")
        running = window.apply()
        try:
            expect(page.locator("#sentence")).to_contain_text("Step 1 of 7", timeout=SLOW)
            expect(page.locator("#graph .server.status-started").first).to_be_visible()
            expect(page.locator("#hosts tbody tr").first).to_be_visible(timeout=SLOW)
            # the first step switches a redirection on: the graph shows it once it is done
            expect(page.locator("#steps tr[data-status=succeeded]")).to_have_count(1, timeout=SLOW)
            expect(page.locator("#graph g.path.route-redirect")).to_have_count(1)
            expect(page.locator("#figure-users")).to_have_text("90")
            assert float(page.locator("#figure-hours").inner_text()) >= 0
            answer(page, "Pause")
            expect(page.locator("#sentence")).to_contain_text(
                "then it pauses, as Ada Lovelace (live page) asked"
            )
            picture(page, "live-page")
            expect(page.locator("#sentence")).to_contain_text("Paused before step", timeout=SLOW)
        finally:
            out, _ = running.communicate(timeout=SLOW / 1000)
        assert running.returncode == 5, out
        assert "Approved by Ada Lovelace on 127.0.0.1" in out
        assert window.kinds().count(Kind.PLAN_APPROVED) == 1
        expect(page.locator("#steps tr[data-status=verified]")).to_have_count(2)
        expect(page.locator("#probes tbody tr").first).to_contain_text("✓")
        assert seen.faults() == []
        # what has changed has not moved
        assert box(page, "rome/2010").bounding_box() == before

        answer(page, "Resume")
        expect(page.locator("#sentence")).to_contain_text("Step 3 of 7", timeout=SLOW)
        seen.require_quiet(served.url)

        # the server dies and comes back; the page finds it and the run has not noticed
        served.restart()
        expect(page.locator("#link-text")).to_have_text("live", timeout=SLOW)
        expect(page.locator("#sentence")).to_contain_text("Step 4 of 7", timeout=SLOW)
        numbers = page.locator("#journal li").evaluate_all("all => all.map(li => +li.dataset.seq)")
        assert numbers == sorted(set(numbers))
        # the token was another one: the page asks for the new one before it does anything
        page.get_by_role("button", name=re.compile("Pause")).click()
        page.locator("#by").fill("Ada Lovelace")
        page.keyboard.press("Enter")
        expect(page.locator("#sign-in")).to_be_visible()
        page.locator("#token").fill(served.token)
        page.keyboard.press("Enter")
        expect(page.locator("#sign-in")).to_be_hidden()
        expect(page.locator("#ask")).to_be_visible()
        page.keyboard.press("Enter")
        wait_for(lambda: window.kinds().count(Kind.RUN_STOPPED) == 2, SLOW / 1000)
        expect(page.locator("#sentence")).to_contain_text("Paused before step")
