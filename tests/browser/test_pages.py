"""Report, replay and what-if in the browser: quiet, by keyboard, wide and narrow."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect
from support.examples import contoso
from support.served import GOALS, Served, begin, write_journal

from orchestrator.cli.main import main
from orchestrator.cli.serve import Options
from orchestrator.journal.entry import Kind

WIDE, NARROW = 1280, 390
Visits = Callable[..., Any]


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Contoso with its windows, and the journal of a run that has stopped on its way."""
    folder = tmp_path_factory.mktemp("pages") / "plan"
    inventory = contoso(folder.parent / "contoso")
    words = ["plan", "-i", str(inventory), "-e", "exchange_secrets_folder=/nowhere", *GOALS]
    assert main([*words, "--windows", str(inventory / "windows.yml"), "-o", str(folder)]) == 0
    steps = [step["id"] for step in json.loads((folder / "plan.json").read_text())["steps"]]
    with write_journal(folder) as journal:
        begin(journal, folder)
        for name in steps[:3]:
            journal.append(Kind.STEP_STARTED, name)
            journal.append(Kind.STEP_SUCCEEDED, name, seconds=1)
        journal.append(Kind.STEP_STARTED, steps[3])
        journal.append(Kind.STEP_FAILED, steps[3], seconds=1, reason="1603 from msiexec")
        journal.append(Kind.RUN_STOPPED, reason=f"step {steps[3]}: 1603 from msiexec")
    return folder


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_report_opens_from_a_disk_without_a_network(
    plan: Path, visit: Visits, picture: Callable[..., None], scheme: str
) -> None:
    seen = visit(color_scheme=scheme)
    page = seen.page
    page.goto((plan / "report.html").as_uri())
    expect(page.locator("svg.graph").first).to_be_visible()
    assert seen.faults() == []
    if scheme == "light":
        picture(page, "report")
    page.set_viewport_size({"width": NARROW, "height": 800})
    assert seen.sideways() == 0
    seen.require_quiet(plan.as_uri())


@pytest.mark.parametrize(("width", "scheme"), [(WIDE, "dark"), (NARROW, "light")])
def test_a_stopped_run_is_said_to_be(plan: Path, visit: Visits, width: int, scheme: str) -> None:
    with Served(options=Options(plan, port=0)) as served:
        seen = visit(width=width, color_scheme=scheme, reduced_motion="reduce")
        page = seen.page
        page.goto(served.url)
        expect(page.locator("#state")).to_have_attribute("data-tone", "bad")
        expect(page.locator("#sentence")).to_contain_text("1603 from msiexec")
        # its servers were not read since: nobody knows what their paths do
        expect(page.locator("#broken")).to_contain_text("not known until the servers are read")
        expect(page.locator("#graph g.path.verdict-unknown").first).to_be_attached()
        expect(page.locator("#gantt .bar.status-failed")).to_have_count(1)
        assert seen.faults() == []
        assert seen.sideways() == 0
        seen.require_quiet(served.url)


def test_a_window_is_played_again_by_keyboard(plan: Path, visit: Visits) -> None:
    with Served(options=Options(plan, port=0, replay=True)) as served:
        seen = visit()
        page = seen.page
        page.goto(served.url)
        place = page.locator("#place-text")
        expect(place).to_have_text("before the first entry")
        expect(page.get_by_role("button", name="Approve")).to_be_hidden()
        for _ in range(3):
            page.keyboard.press("ArrowRight")
        expect(place).to_contain_text("3 of 11")
        expect(page.locator("#sentence")).to_contain_text("Step 1 of 13")
        page.keyboard.press("End")
        expect(page.locator("#sentence")).to_contain_text("1603 from msiexec")
        page.keyboard.press("ArrowLeft")
        expect(place).to_contain_text("10 of 11")
        page.keyboard.press("Home")
        expect(page.locator("#sentence")).to_contain_text("Waiting for approval")
        page.locator("#speed").select_option("1800")
        page.locator("h1").click()
        page.keyboard.press("Space")
        expect(page.locator("#sentence")).to_contain_text("1603 from msiexec")
        expect(page.locator("#play")).to_have_text("Play")
        assert seen.faults() == []
        seen.require_quiet(served.url)


def test_what_if_answers_at_once(plan: Path, visit: Visits, picture: Callable[..., None]) -> None:
    with Served(options=Options(plan, port=0)) as served:
        seen = visit()
        page = seen.page
        page.goto(f"{served.url}what-if")
        expect(page.locator("#sentence")).to_have_text(
            "A safe plan of 13 steps, finished 25 Oct 2026, 02:25 Europe/Paris"
        )
        expect(page.locator("#graph g.path.route-redirect")).not_to_have_count(0)
        assert seen.faults() == []
        picture(page, "what-if")
        # by keyboard alone: the first select is the goal of 2007
        page.locator("select[name=goal]").nth(1).focus()
        page.keyboard.press("Home")
        expect(page.locator("#sentence")).to_contain_text("A safe plan of 3 steps")
        expect(page.locator("[data-figure=redirected_users]")).to_have_text("0 (−90)")
        page.get_by_role("button", name="As in the saved plan").click()
        expect(page.locator("#sentence")).to_contain_text("A safe plan of 13 steps")
        page.locator("select[data-rule=owa-2010-older-source]").select_option("strict")
        expect(page.locator("#sentence")).to_have_text("There is no such plan")
        expect(page.locator("#because")).to_contain_text("owa-2010-older-source")
        page.set_viewport_size({"width": NARROW, "height": 800})
        assert seen.faults() == []
        assert seen.sideways() == 0
        seen.require_quiet(served.url)
