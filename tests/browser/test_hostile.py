"""Names and texts somebody made to do harm: nothing executes, nothing breaks."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect
from support.served import FARM, GOALS, Served, begin, write_journal

from orchestrator.cli.main import main
from orchestrator.cli.serve import Options
from orchestrator.journal.entry import Kind

HARM = "window.harmed=(window.harmed||0)+1"
SITE = f"</script><script>{HARM}</script>"
SERVER = f'"\'><img src=x onerror="{HARM}">😈\u202egnp.exe'
ORGANIZATION = f"]]><svg onload={HARM}><!--&amp;\u2066"
URL = f'https://x"onmouseover="{HARM}".example/<script>{HARM}</script>'
TEXT = f"<iframe srcdoc='<script>parent.{HARM}</script>'></iframe> javascript:{HARM} {{{{7*7}}}}"
KEPT = {"id", "after", "kind", "verdict", "rules"}


def hostile(value: Any, key: str = "") -> Any:
    """The same document with other names; ids of steps are made by us and stay."""
    if isinstance(value, dict):
        return {
            (name if key in {"", "topology"} else renamed(name)): hostile(inner, name)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [hostile(inner, key) for inner in value]
    return renamed(value) if isinstance(value, str) and key not in KEPT else value


def renamed(text: str) -> str:
    text = text.replace("rom-cas-01", SERVER).replace("rome", SITE)
    if text == "bracket":
        return ORGANIZATION
    return text.replace("https://mail-madrid.contoso.example/owa", URL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("hostile") / "plan"
    words = ["plan", "-i", str(FARM), "-e", "exchange_secrets_folder=/nowhere", *GOALS]
    assert main([*words, "-o", str(made)]) == 0
    document = hostile(json.loads((made / "plan.json").read_text()))
    document["remarks"] = [TEXT]
    for step in document["steps"]:
        step["reason"] = TEXT
    (made / "plan.json").write_text(json.dumps(document))
    step = "upgrade-rome-2010-1"
    attempt = made / "attempts" / f"{step}-1"
    events = attempt / "artifacts" / attempt.name / "job_events"
    events.mkdir(parents=True)
    data = {"host": SERVER, "task": TEXT, "res": {"msg": TEXT}}
    probe = {
        "host": SERVER, "task": "probe", "task_action": "owa_probes",
        "res": {"results": [{
            "outcome": TEXT, "as_expected": False, "why": TEXT, "coverage": {"text": TEXT},
            "item": [{"target_site": SITE, "target_product_line": "2010"}, SERVER],
        }]},
    }  # fmt: skip
    now = "2026-11-25T18:48:20+00:00"
    for number, (kind, given) in enumerate(
        [("runner_on_failed", data), ("runner_on_failed", probe)], 1
    ):
        event = {"event": kind, "created": now, "event_data": given}
        (events / f"{number}-x.json").write_text(json.dumps(event))
    with write_journal(made) as journal:
        begin(journal, made)
        journal.append(Kind.STEP_STARTED, step)
        journal.append(Kind.STEP_CHILD, step, pid=1, identity="", folder=str(attempt))
        journal.append(
            Kind.STEP_FAILED, step, seconds=1, reason=TEXT,
            failures=[{"host": SERVER, "task": TEXT, "message": TEXT, "in_doubt": False}],
        )  # fmt: skip
        journal.append(Kind.RUN_STOPPED, reason=f"step {step}: {TEXT}")
    return made


def harmless(seen: Any, origin: str) -> None:
    page = seen.page
    assert page.evaluate("window.harmed") is None
    # what is not markup of ours is nowhere in the page
    assert page.locator("img, iframe, svg[onload], [onerror], [onmouseover]").count() == 0
    seen.require_quiet(origin)


def test_the_live_page(folder: Path, visit: Callable[..., Any]) -> None:
    with Served(options=Options(folder, port=0)) as served:
        seen = visit()
        page = seen.page
        page.goto(served.url)
        expect(page.locator("#sentence")).to_contain_text("<iframe")
        expect(page.locator("#organization")).to_have_text(ORGANIZATION)
        expect(page.locator("#hosts td").first).to_have_text(SERVER)
        expect(page.locator("#probes td").first).to_have_text(SERVER)
        expect(page.locator("#log")).to_contain_text("<iframe")
        expect(page.locator("#journal")).to_contain_text("<iframe")
        pools = page.locator("#graph g.pool").evaluate_all(
            "all => all.flatMap(one => JSON.parse(one.dataset.pools))"
        )
        assert f"{SITE}/2010" in pools
        page.locator("#graph .pool .box").last.hover()
        assert seen.sideways() == 0
        harmless(seen, served.url)


def test_the_what_if_page(folder: Path, visit: Callable[..., Any]) -> None:
    with Served(options=Options(folder, port=0)) as served:
        seen = visit()
        page = seen.page
        page.goto(f"{served.url}what-if")
        # the first answer waits for the planner's process
        expect(page.locator("#sentence")).not_to_have_text("Asking …", timeout=60_000)
        expect(page.locator("#pools")).to_contain_text("<script>")
        assert seen.sideways() == 0
        harmless(seen, served.url)


def test_the_report(folder: Path, visit: Callable[..., Any]) -> None:
    assert main(["report", str(folder)]) == 0
    seen = visit()
    seen.page.goto((folder / "report.html").as_uri())
    expect(seen.page.locator("svg.graph").first).to_be_visible()
    harmless(seen, folder.as_uri())
