"""A farm on which an older 2010 source is refused: what the documents leave open, and the pilot
is there to find out.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

GOALS = ("--to", "2010 SP2 RU2", "--to", "2007 SP3 RU7")


@pytest.fixture(scope="module")
def stopped(
    farm: Any, run: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Any, Path]:
    """The end of `apply` on that farm."""
    farm.set("older_2010_source=refuses")
    folder = tmp_path_factory.mktemp("pilot") / "plan"
    approved = run("plan", "-i", farm.inventory, *GOALS, "-o", folder).out.rpartition("Digest ")[2]
    words = ("apply", folder, *farm.options, "--approve", approved.split()[0])
    return run(*words, ends=5), folder


def test_the_pilot_stops_the_plan_with_the_event_named(stopped: tuple[Any, Path]) -> None:
    out = stopped[0].out
    assert "Stopped: step verify-pilot is failed" in out
    assert "refused by version (event 46)" in out
    assert "logged event 46 of MSExchange OWA" in out


def test_the_stop_says_where_the_farm_is_and_what_to_do(
    farm: Any, stopped: tuple[Any, Path]
) -> None:
    lines = [line.strip() for line in stopped[0].out.splitlines()]
    read = lines.index("The farm as read after the stop:")
    assert lines[read + 1] == "ber-cas-01: build 14.2.298.4, expected 14.2.247.5"
    assert any(line.startswith("Steps done: upgrade-berlin-2010-1. Not begun:") for line in lines)
    assert f"Or go back to the state before: orchestrator rollback {stopped[1]}" in stopped[0].out
    assert "make a new plan with --strict owa-2010-older-source" in stopped[0].out
    # One server, the pilot's, and no other: what the stop said is what the farm is.
    old = {**farm.builds(), "ber-cas-01": "14.2.247.5"}
    assert old == {
        name: {"par": "14.2.283.3", "lis": "8.3.245.2"}.get(name[:3], "14.2.247.5")
        for name in old
        if name != "ber-cas-71"
    } | {"ber-cas-71": "8.3.245.2"}


def test_what_the_pilot_showed_is_kept_with_its_source(
    farm: Any, run: Callable[..., Any], stopped: tuple[Any, Path]
) -> None:
    """Nobody has to remember --strict: the next plan and diagnosis know, and say from where."""
    kept = yaml.safe_load((farm.inventory / "findings.yml").read_text())["disproved"]
    assert [(entry["rule"], entry["event"]) for entry in kept] == [("owa-2010-older-source", 46)]
    journal = json.loads(run("journal", stopped[1], "--json").out.splitlines()[-1])
    assert (journal["kind"], journal["link"]) == ("rule-disproved", kept[0]["journal"])
    assert "Kept in" in stopped[0].err
    says = f"seen on this farm on {kept[0]['seen'][:10]}, event 46 (step verify-pilot of plan "
    diagnosed = run("diagnose", *farm.options, "--live", ends=2).out
    assert f"Rule owa-2010-older-source is taken as broken: {says}" in diagnosed
    refused = run("plan", *farm.options, "--live", *GOALS, ends=3).err
    assert "is broken by rule owa-2010-older-source" in refused


def test_the_next_plan_does_without_what_was_disproved_or_says_why_it_cannot(
    farm: Any, run: Callable[..., Any], stopped: tuple[Any, Path], tmp_path: Path
) -> None:
    before = farm.picture()
    words = ("plan", *farm.options, "--live", "--strict", "owa-2010-older-source", *GOALS)
    ended = run(*words, "-o", tmp_path / "plan", ends=3)
    assert "No safe plan: these demands form a cycle" in ended.err
    assert (
        "madrid/2010 must change before berlin/2010: otherwise madrid/2010 -> berlin/2010 (owa) is "
        "broken by rule owa-2010-older-source" in ended.err
    )
    assert (
        "owa of berlin/2010 cannot be redirected meanwhile: its pool has no redirect_url\n"
        in ended.err
    )
    assert "What to do: publish owa of berlin/2010 and owa of rome/2010" in ended.err
    assert not (tmp_path / "plan").exists()
    assert farm.picture() == before


def test_with_the_missing_addresses_the_next_plan_avoids_what_was_disproved(
    farm: Any, run: Callable[..., Any], stopped: tuple[Any, Path], tmp_path: Path, read_plan: Any
) -> None:
    """The cures that certificates name are cures: no state of the new plan rests on that rule."""
    organization = farm.inventory / "organization.yml"
    text = organization.read_text()
    published = text
    for site in ("berlin", "rome"):
        pool = f"  - site: {site}\n    product_line: 2010\n"
        address = f"    redirect_url: https://mail-{site}.contoso.example/owa\n"
        published = published.replace(pool, pool + address)
    organization.write_text(published)
    try:
        words = ("plan", *farm.options, "--live", "--strict", "owa-2010-older-source", *GOALS)
        run(*words, "-o", tmp_path / "plan")
    finally:
        organization.write_text(text)
    plan = read_plan(tmp_path / "plan")
    assert plan["evidence"]["leans_on"] == []
    kinds = {(step["kind"], step["site"]) for step in plan["steps"]}
    assert {("enable-redirection", "berlin"), ("enable-redirection", "rome")} <= kinds
    assert not any(step["pilot"] for step in plan["steps"])
