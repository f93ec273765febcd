"""What if: the same planner as `plan`, asked over HTTP, in a process of its own."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.examples import contoso
from support.served import FARM, GOALS, Served

from orchestrator.cli.main import main
from orchestrator.cli.serve import Options

RU2, RU7 = "14.2.298.4", "8.3.264.0"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("what-if") / "plan"
    inventory = contoso(folder.parent / "contoso")
    words = ["plan", "-i", str(inventory), "-e", "exchange_secrets_folder=/nowhere", *GOALS]
    assert main([*words, "--windows", str(inventory / "windows.yml"), "-o", str(folder)]) == 0
    with Served(options=Options(folder, port=0)) as made:
        yield made


def as_saved(served: Served) -> dict[str, Any]:
    choices = served.ask("POST", "/api/what-if", {"choices": True}).json
    chosen = [b["build"] for line in choices["goals"].values() for b in line if b["chosen"]]
    return {
        "goals": chosen,
        "hold": [pool["id"] for pool in choices["pools"] if pool["hold"]],
        "accept": [rule["id"] for rule in choices["rules"] if rule["accepted"]],
        "strict": [rule["id"] for rule in choices["rules"] if rule["strict"]],
        "windows": [],
    }


def ask(served: Served, **changed: Any) -> Any:
    answer = served.ask("POST", "/api/what-if", {**as_saved(served), **changed})
    assert answer.status == 200, answer.text
    return answer.json


def test_the_saved_choices_give_the_saved_plan(served: Served) -> None:
    choices = served.ask("POST", "/api/what-if", {"choices": True}).json
    answer = ask(served)
    assert answer["costs"] == choices["costs"]
    saved = json.loads((served.page.options.folder / "plan.json").read_text())
    assert [step["id"] for step in answer["steps"]] == [step["id"] for step in saved["steps"]]
    assert answer["costs"]["redirected_user_hours"] == saved["schedule"]["user_minutes"] / 60


def test_another_goal_is_another_plan(served: Served) -> None:
    only_2007 = ask(served, goals=[RU7])
    assert {step["pool"] for step in only_2007["steps"] if step["servers"]} == {"lisbon/2007"}
    assert only_2007["costs"]["redirected_users"] == 0
    assert ask(served, goals=[])["costs"]["steps"] == 0


def test_a_forbidden_rule_leaves_no_plan_and_says_why(served: Served) -> None:
    answer = ask(served, strict=["owa-2010-older-source"])
    assert answer["ok"] is False
    assert "owa-2010-older-source" in answer["text"]
    refused = ask(served, strict=["no-such-rule"])
    assert "CAS-E307" in refused["text"]


def test_a_held_pool_is_left_alone(served: Served) -> None:
    held = as_saved(served)["hold"]
    answer = ask(served, hold=[*held, "rome/2010"])
    if answer["ok"]:
        assert "rome/2010" not in {s["pool"] for s in answer["steps"] if s["servers"]}
    else:
        assert "rome/2010" in answer["text"]
    assert ask(served, hold=["nowhere/2010"])["text"] == "there is no pool nowhere/2010"


def test_a_window_that_is_moved_moves_the_plan(served: Served) -> None:
    (start, end), *_ = served.ask("POST", "/api/what-if", {"choices": True}).json["windows"]
    before = ask(served)["costs"]["end"]
    later = [start, end, start.replace("T22", "T23"), end.replace("T04", "T05")]
    assert later[2:] != later[:2]
    answer = ask(served, windows=[later])
    assert answer["ok"], answer
    assert answer["costs"]["end"] > before
    for bad in ([start, end, end, start], [start, end, "soon", end], [start, end]):
        assert ask(served, windows=[bad])["ok"] is False


def test_pictures_are_kept_for_a_while(served: Served) -> None:
    number = ask(served)["id"]
    for name in ("before", "during", "after", "when"):
        answer = served.ask("GET", f"/api/what-if/{number}/{name}.svg")
        assert answer.headers["content-type"] == "image/svg+xml"
        assert answer.text.startswith("<svg")
        assert "<style" not in answer.text
        assert " style=" not in answer.text
    assert served.ask("GET", f"/api/what-if/{number}/other.svg").status == 404
    assert served.ask("GET", "/api/what-if/999999/when.svg").status == 404


@pytest.mark.parametrize(
    "body", [{"goals": "14"}, {"goals": [["x"]]}, {"hold": {"a": 1}}, {"goals": ["2010 SP9"]}]
)
def test_nonsense_is_answered_in_words(served: Served, body: dict[str, Any]) -> None:
    answer = served.ask("POST", "/api/what-if", body).json
    assert answer["ok"] is False
    assert answer["text"]


def test_another_site_cannot_ask(served: Served) -> None:
    answer = served.ask("POST", "/api/what-if", {}, Origin="https://evil.example")
    assert answer.status == 403


def test_planning_does_not_hold_up_the_page(served: Served) -> None:
    """While questions are answered, what the page reads is answered as well."""
    question = as_saved(served)
    over = threading.Event()

    def keep_asking() -> None:
        while not over.is_set():
            served.ask("POST", "/api/what-if", question)

    asking = threading.Thread(target=keep_asking)
    asking.start()
    try:
        waits = []
        for _ in range(20):
            began = time.monotonic()
            assert served.ask("GET", "/api/session").status == 200
            waits.append(time.monotonic() - began)
    finally:
        over.set()
        asking.join()
    planning = time.monotonic()
    served.ask("POST", "/api/what-if", question)
    planning = time.monotonic() - planning
    assert sorted(waits)[10] < planning / 2, (waits, planning)


def test_a_planner_that_dies_is_started_again(tmp_path: Path) -> None:
    import asyncio
    import sys

    from orchestrator.web.child import Child

    program = tmp_path / "dies.py"
    program.write_text(
        "import sys, json\n"
        "for line in sys.stdin:\n"
        "    if json.loads(line).get('die'): sys.exit(3)\n"
        "    print(json.dumps({'ok': True, 'pictures': {'a': '<svg/>'}}), flush=True)\n"
    )

    async def story() -> None:
        child = Child([sys.executable, str(program)])
        assert (await child.ask({}))["id"] == 1
        assert (await child.ask({"die": 1}))["ok"] is False
        assert (await child.ask({}))["id"] == 2
        assert child.picture(1, "a") == "<svg/>"
        await child.close()

    asyncio.run(story())


def test_windows_of_a_file_serve_a_plan_without_times(tmp_path: Path) -> None:
    farm = shutil.copytree(FARM, tmp_path / "farm")
    words = ["plan", "-i", str(farm), "-e", "exchange_secrets_folder=/nowhere", *GOALS]
    assert main([*words, "-o", str(tmp_path / "plan")]) == 0
    windows = tmp_path / "windows.yml"
    windows.write_text(
        "version: 1\nzone: Europe/Paris\nfrom: '2026-11-01'\nuntil: '2026-12-31'\n"
        "windows:\n  - days: [sat]\n    start: '20:00'\n    duration: '9h'\n"
    )
    with Served(options=Options(tmp_path / "plan", port=0, windows=windows)) as served:
        choices = served.ask("POST", "/api/what-if", {"choices": True}).json
        assert choices["zone"] == "Europe/Paris"
        answer = ask(served)
        assert answer["ok"], answer
        assert answer["costs"]["end"]
    windows.write_text("version: 1\nzone: Mars\n")
    assert main(["serve", str(tmp_path / "plan"), "--windows", str(windows)]) == 1
