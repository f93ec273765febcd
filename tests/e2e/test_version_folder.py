"""2007 in front of 2007: the source is newer, stays so, and needs the folder of the older target.

On this farm an update takes away the folders of other builds: the hardest of what is not known.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

BRACKET = Path(__file__).parents[1] / "crash" / "farm"
OLD, MIDDLE, NEW = "8.3.83.6", "8.3.213.1", "8.3.264.0"
PACKAGE = {"path": r"\\files.contoso.example\exchange\Exchange2007-SP3-RU5.msp", "kb": "2602324"}
PATCH = "{A0832131-0000-4000-8000-000083021301}"
SOURCE = "mad-cas-71"
TARGET = "lis-cas-71"
MAILBOX = "probe-lisbon@contoso.example"
GOAL = ("--to", "2007 SP3 RU7")
COPY = "copy-owa-resources-madrid-2007-8-3-83-6"


BELIEVED = {"source-newer": "ok", "same": "ok", "source-older": "broken"}
"""By somebody who has read KB 947168 by half."""
NO_FOLDERS = [
    {
        "id": relation,
        "title": f"2007 in front of 2007, {relation}",
        "protocols": ["owa"],
        "source": {"at_least": "8.0.0.0", "below": "9.0.0.0"},
        "target": {"at_least": "8.0.0.0", "below": "9.0.0.0"},
        "relation": relation,
        "verdict": verdict,
        "confidence": "open",
        "references": ["this test"],
    }
    for relation, verdict in BELIEVED.items()
]


@pytest.fixture(scope="module")
def plan_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("plans") / "plan"


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory, farm_of: Callable[..., Any]) -> Iterator[Any]:
    """Madrid, on 2007 SP3 RU5, proxies to Lisbon, which has no rollup."""
    folder = tmp_path_factory.mktemp("lines") / "farm"
    folder.mkdir()
    texts = {path.name: yaml.safe_load(path.read_text()) for path in BRACKET.glob("*.yml")}
    hosts, lab, wanted = texts["hosts.yml"], texts["lab.yml"], texts["organization.yml"]
    exchange = hosts["all"]["children"]["exchange"]
    sites = {SOURCE: "madrid", TARGET: "lisbon"}
    exchange["hosts"] = {
        name: {"ad_site": site, "exchange_build": OLD if site == "lisbon" else MIDDLE}
        for name, site in sites.items()
    }
    # Out of service until the folders are back.
    exchange["vars"] |= {"exchange_drain_method": "owa", "exchange_drain_quiet_seconds": 0}
    exchange["vars"]["owa_probe_attempts"] = 3
    lab["servers"] = {
        name: {"site": site, "base": OLD, "rollups": [MIDDLE] * (site == "madrid")}
        for name, site in sites.items()
    }
    lab["packages"].append({**PACKAGE, "build": MIDDLE, "patch_code": PATCH})
    content = f"simulated package {MIDDLE}\n".encode()
    wanted["packages"][MIDDLE] = {
        "path": PACKAGE["path"],
        "sha256": hashlib.sha256(content).hexdigest(),
        "patch_code": PATCH,
    }
    lab["published"] = {}
    lab["mailboxes"] = [
        {"address": f"probe-{site}@contoso.example", "site": site, "line": "2007"}
        for site in ("madrid", "lisbon")
    ]
    wanted["pools"] = [
        {"site": site, "product_line": 2007, "outage_consent": True}
        | {"test_mailbox": f"probe-{site}@contoso.example"}
        for site in ("madrid", "lisbon")
    ]
    path = {"source": "madrid", "source_product_line": 2007, "target": "lisbon"}
    wanted["paths"] = [{**path, "product_line": 2007, "protocol": "owa", "users": 45}]
    del wanted["sites"]["rome"]
    for name, content in texts.items():
        (folder / name).write_text(yaml.safe_dump(content), encoding="utf-8")
    found = dataclasses.replace(farm_of(folder.parent / "lab"), inventory=folder)
    found.up()
    found.set("old_folders=removed")
    try:
        yield found
    finally:
        found.down()


def folders(farm: Any) -> dict[str, list[str]]:
    """Version folders of other builds than its own, by server."""
    rows = json.loads((farm.state / "lab-state.json").read_text())["machines"]
    return {name: rows[name]["folders"] for name in (SOURCE, TARGET)}


def work(farm: Any, server: str) -> list[str]:
    """What was done to a server, in its order."""
    done = ("exchange_owa_resources", "exchange_rollup")
    calls = [c for c in farm.module_calls() if c["target"] == server and c["module"] in done]
    return [call["module"].removeprefix("exchange_") for call in calls if not call["check_mode"]]


def test_a_folder_repairs_the_path_and_from_then_on_nobody_is_cut_off(
    lines: Any, run: Callable[..., Any], read_plan: Callable[..., Any], plan_folder: Path
) -> None:
    """The answer of the copy is lost: what became of it is read, and the run resumed."""
    told = run("plan", *lines.options, "--live", *GOAL, "-o", plan_folder).out
    plan = read_plan(plan_folder)
    (copy,) = [step for step in plan["steps"] if step["kind"] == "copy-owa-resources"]
    assert (copy["id"], copy["servers"], copy["folder"]) == (COPY, [SOURCE], OLD)
    assert copy["origins"] == [TARGET]
    assert not any("redirection" in step["kind"] for step in plan["steps"])
    assert f"folder owa\\{OLD} from {TARGET}" in told
    orders = ("lab", "fault", "reset", "--state", lines.state, "--module", "exchange_owa_resources")
    run(*orders, "--at", SOURCE, "--when", "after")
    approve = told.rpartition("Digest ")[2].split()[0]
    with lines.users({SOURCE: [MAILBOX]}):
        stopped = run("apply", plan_folder, *lines.options, "--approve", approve, ends=5).out
        assert f"{SOURCE}: has the version folder of {OLD}, which was not known" in stopped
        copied = time.time()
        resumed = run("resume", plan_folder, *lines.options).text
        assert f"{COPY}: done (" in resumed
        assert f"{SOURCE} has the folder owa\\{OLD}" in resumed
    assert set(lines.builds().values()) == {NEW}
    # The source got the folder, lost it in its update, and got it back.
    assert folders(lines) == {SOURCE: [OLD], TARGET: []}
    assert work(lines, SOURCE) == ["owa_resources", "owa_resources", "rollup", "owa_resources"]
    assert "owa_resources" not in work(lines, TARGET)
    seen = [r for r in lines.requests() if r["client"] == "user" and r["mailbox"] == MAILBOX]
    early = {r["outcome"] for r in seen if r["time"] < copied}
    late = [r for r in seen if r["time"] > copied]
    assert early == {"ok", "broken"}
    assert {r["outcome"] for r in late} <= {"ok", "unavailable"}
    pairs = {(r["source_build"], r["target_build"]) for r in late if r["outcome"] == "ok"}
    assert pairs == {(MIDDLE, OLD), (NEW, OLD), (NEW, NEW)}


def test_the_way_back_finds_the_folders_where_they_were_left(
    lines: Any, run: Callable[..., Any], plan_folder: Path
) -> None:
    """Planned from the farm as read: the target goes back first, its sources have its folder."""
    back = run("rollback", plan_folder, *lines.options).out
    assert "copy-owa-resources" not in back
    digest = back.rpartition("Digest ")[2].split()[0]
    began = time.time()
    with lines.users({SOURCE: [MAILBOX]}):
        run("rollback", plan_folder, *lines.options, "--apply", "--approve", digest)
    assert lines.builds() == {SOURCE: MIDDLE, TARGET: OLD}
    seen = [r for r in lines.requests() if r["client"] == "user" and r["time"] > began]
    assert {r["outcome"] for r in seen} == {"ok", "unavailable"}


def test_on_such_a_farm_a_plan_that_knows_no_folder_is_stopped_by_its_probes(
    lines: Any, run: Callable[..., Any], tmp_path: Path
) -> None:
    """The lab is honest: it is not the plan that makes the folder matter."""
    lines.up()
    document = tmp_path / "organization.yml"
    words = ("plan", "-i", lines.inventory, *GOAL, "-o", tmp_path / "with")
    run(*words, "--write-organization", document)
    content = yaml.safe_load(document.read_text())
    content["rules"] = {"packs": [], "own": NO_FOLDERS}
    document.write_text(yaml.safe_dump(content))
    told = run("plan", "--organization", document, "-o", tmp_path / "without").out
    assert "copy-owa-resources" not in told
    approve = told.rpartition("Digest ")[2].split()[0]
    words = ("apply", tmp_path / "without", *lines.options, "--approve", approve)
    stopped = run(*words, ends=5).out
    assert "Outlook Web App did not find the files for the version" in stopped
