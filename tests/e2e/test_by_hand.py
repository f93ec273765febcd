"""Generated playbooks in an operator's hands: ansible-playbook, and no trace of the program."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

GOALS = ("--to", "2010 SP2 RU2", "--to", "2007 SP3 RU7")
COOKIE = "Invalid user context cookie found in proxy response"


@pytest.fixture(scope="module")
def plan(
    farm: Any, run: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """The playbooks of a plan of contoso by step, made before anything is changed."""
    folder = tmp_path_factory.mktemp("by-hand") / "plan"
    run("plan", "-i", farm.inventory, *GOALS, "-o", folder)
    return {"": folder} | {path.stem[4:]: path for path in folder.glob("playbooks/0*.yml")}


@pytest.fixture(scope="module")
def by_hand(farm: Any, tools: Any, plan: dict[str, Path]) -> Callable[..., Any]:
    hosts = farm.inventory / "hosts.yml"

    def play(step: str, *, inventory: Path = hosts, ends: int = 0) -> Any:
        words = ("-i", inventory, "-e", f"@{farm.connection}", plan[step])
        return tools.ansible_playbook(*words, ends=ends)

    return play


def test_a_host_the_inventory_does_not_hold_is_refused_by_the_first_play(
    farm: Any, by_hand: Callable[..., Any], tmp_path: Path
) -> None:
    """Ansible itself would skip it and end with 0."""
    hosts = yaml.safe_load((farm.inventory / "hosts.yml").read_text())
    children = hosts["all"]["children"]
    for group in ("exchange_2010", "site_berlin"):
        del children[group]["hosts"]["ber-cas-01"]
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump(hosts))
    (tmp_path / "group_vars").symlink_to(farm.inventory / "group_vars")
    before = farm.module_calls()
    ended = by_hand("upgrade-berlin-2010-1", inventory=tmp_path / "hosts.yml", ends=2)
    said = "host ber-cas-01 of this step is not in the inventory; nothing was changed"
    assert said in ended.out
    assert farm.module_calls() == before


@pytest.fixture(scope="module")
def first_step(farm: Any, by_hand: Callable[..., Any]) -> tuple[Any, Any]:
    """The first step of the plan, done by hand; the farm before and after."""
    before = farm.picture()
    by_hand("upgrade-berlin-2010-1")
    return before, farm.picture()


def test_a_step_changes_the_build_and_doing_it_again_is_harmless(
    farm: Any, by_hand: Callable[..., Any], first_step: tuple[Any, Any]
) -> None:
    before, after = first_step
    assert after["builds"] == {**before["builds"], "ber-cas-01": "14.2.298.4"}
    assert {(call["module"], call["target"]) for call in farm.changes()} == {
        ("exchange_rollup", "ber-cas-01"),
        ("exchange_restart", "ber-cas-01"),
    }
    called = len(farm.module_calls())
    ended = by_hand("upgrade-berlin-2010-1")
    assert farm.picture() == after, "not even a restart"
    assert {call["result"] for call in farm.module_calls()[called:]} == {"ok"}
    recap = [line for line in ended.out.splitlines() if line.startswith("ber-cas-01")][-1]
    assert "changed=0" in recap


def test_a_farm_that_moved_since_the_plan_is_refused_by_apply(
    farm: Any, plan: dict[str, Path], run: Callable[..., Any], first_step: tuple[Any, Any]
) -> None:
    before = farm.picture()
    ended = run("apply", plan[""], *farm.options, ends=4)
    assert "the farm is not where this plan starts" in ended.err
    assert "ber-cas-01: build 14.2.298.4, expected 14.2.247.5" in ended.err
    assert "What to do: nothing was changed; make a new plan" in ended.err
    assert farm.picture() == before


def test_sources_first_shows_the_cookie_error_and_its_event(
    farm: Any, by_hand: Callable[..., Any], user_paths: dict[str, list[str]]
) -> None:
    """Madrid before rome and without redirection: what the plan's order is there to prevent."""
    to_rome = {"mad-cas-01": ["probe-rome-2010@contoso.example"]}
    (seen,) = {visit.outcome for visit in farm.users(to_rome).once()}
    assert seen == "ok"
    assert [event for event in farm.events("mad-cas-01") if event["id"] == 4999] == []

    ended = by_hand("upgrade-madrid-2010-1", ends=2)
    assert "mad-cas-01 to rome/2010" in ended.out
    assert COOKIE in ended.out
    assert "mad-cas-01 logged event 4999 of MSExchange Common" in ended.out

    visits = farm.users(to_rome).once()
    assert {visit.outcome for visit in visits} == {"broken"}
    assert all(COOKIE in visit.detail for visit in visits)
    events = [event for event in farm.events("mad-cas-01") if event["id"] == 4999]
    assert events
    assert "UpdateProxyUserContextIdFromResponse" in events[-1]["message"]
    assert "14.02.0298.004" in events[-1]["message"]
    broken = [r for r in farm.requests() if r["outcome"] == "broken"]
    assert ("mad-cas-01", "rom-cas-01", COOKIE) in {
        (r["source"], r["target"], r["text"]) for r in broken
    }
