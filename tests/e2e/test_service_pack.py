"""A farm one service pack behind: planned as stops, run on the lab, and the way back ends on it."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

BRACKET = Path(__file__).parents[1] / "crash" / "farm"
OLD, SP2, RU2 = "14.1.355.2", "14.2.247.5", "14.2.298.4"
SETUP = r"D:\Exchange2010-SP2\setup.com"


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory, farm_of: Callable[..., Any]) -> Iterator[Any]:
    """Madrid proxies to Rome, both on 2010 SP1 RU6; Madrid stays there."""
    folder = tmp_path_factory.mktemp("behind") / "farm"
    folder.mkdir()
    texts = {path.name: yaml.safe_load(path.read_text()) for path in BRACKET.glob("*.yml")}
    hosts, lab, wanted = texts["hosts.yml"], texts["lab.yml"], texts["organization.yml"]
    exchange = hosts["all"]["children"]["exchange"]["hosts"]
    del exchange["lis-cas-71"], lab["servers"]["lis-cas-71"]
    for name in ("mad-cas-01", "rom-cas-01"):
        exchange[name]["exchange_build"] = OLD
        lab["servers"][name] |= {"base": "14.1.218.15", "rollups": [OLD]}
    lab["packages"].append({"path": SETUP, "build": SP2, "restart": True})
    wanted["pools"] = [p for p in wanted["pools"] if p["site"] != "lisbon"]
    wanted["pools"][0] |= {"hold": "its turn is next month"}
    wanted["paths"] = wanted["paths"][:1]
    del wanted["sites"]["lisbon"]
    wanted["packages"][SP2] = {
        "path": SETUP,
        "sha256": hashlib.sha256(f"simulated package {SP2}\n".encode()).hexdigest(),
        "minutes": 90,
    }
    for name, content in texts.items():
        (folder / name).write_text(yaml.safe_dump(content), encoding="utf-8")
    found = dataclasses.replace(farm_of(folder.parent / "lab"), inventory=folder)
    found.up()
    try:
        yield found
    finally:
        found.down()


def test_a_service_pack_is_installed_by_stops_and_is_where_the_way_back_ends(
    behind: Any, run: Callable[..., Any], read_plan: Callable[..., Any], tmp_path: Path
) -> None:
    folder = tmp_path / "plan"
    goals = ("--to", "2010 SP2 RU2")
    told = run("plan", "-i", behind.inventory, *goals, "-o", folder).out
    plan = read_plan(folder)
    changes = [step for step in plan["steps"] if step["kind"] == "upgrade"]
    assert [(s["to_build"], s["reversible"]) for s in changes] == [(SP2, False), (RU2, True)]
    assert [s["estimated_minutes"] for s in changes] == [90, 10]
    assert "the way back ends on 2010 SP2" in told.replace("\n", " ")

    approve = told.rpartition("Digest ")[2].split()[0]
    run("apply", folder, *behind.options, "--approve", approve)
    assert behind.builds() == {"mad-cas-01": OLD, "rom-cas-01": RU2}
    installed = [c["args"] for c in behind.changes() if c["module"] == "exchange_rollup"]
    assert {c["build"]: c["kind"] for c in installed} == {SP2: "service_pack", RU2: "rollup"}

    back = run("rollback", folder, *behind.options).out
    digest = back.rpartition("Digest ")[2].split()[0]
    run("rollback", folder, *behind.options, "--apply", "--approve", digest)
    assert behind.builds() == {"mad-cas-01": OLD, "rom-cas-01": SP2}
