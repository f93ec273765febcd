"""Generated playbooks: pure, safe against hostile names, clean for Ansible's own tools."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.cases import FOLDER, Case, load_case

from orchestrator.errors import OrchestratorError
from orchestrator.model.plan import Plan
from orchestrator.planner import make_plan
from orchestrator.playbook import playbook_files, step_playbook
from orchestrator.shipped import catalogue, playbook_parts

BIN = Path(sys.executable).parent


@pytest.fixture
def case() -> Case:
    return load_case(FOLDER / "03-pair-one-capable.yml")


def planned(case: Case) -> Plan:
    return make_plan(case.topology, case.start, case.end, case.book, catalogue())


@pytest.fixture
def folder(case: Case, tmp_path: Path) -> Path:
    files = playbook_files(case.topology, planned(case), playbook_parts(), assert_state=True)
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    hosts = {"exchange": {"hosts": dict.fromkeys(case.topology.servers)}}
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump(hosts))
    return tmp_path


def test_a_pure_function_of_the_plan(case: Case) -> None:
    one = playbook_files(case.topology, planned(case), {})
    two = playbook_files(case.topology, planned(case), {})
    assert one == two
    assert str(Path.cwd()) not in "".join(one.values())


def test_one_file_per_step_in_order_and_one_that_runs_them_all(case: Case) -> None:
    plan = planned(case)
    files = playbook_files(case.topology, plan, {})
    names = [step_playbook(n, step) for n, step in enumerate(plan.steps, 1)]
    imported = [
        play["ansible.builtin.import_playbook"] for play in yaml.safe_load(files["site.yml"])
    ]
    assert imported == names == sorted(names)
    assert {*files} == {*names, "site.yml"}


def test_hosts_are_literal_and_checked_before_anything_else(case: Case) -> None:
    plan = planned(case)
    files = playbook_files(case.topology, plan, {})
    for number, step in enumerate(plan.steps, 1):
        plays = yaml.safe_load(files[step_playbook(number, step)])
        assert plays[0]["hosts"] == "localhost"
        assert {*step.servers} <= {*plays[0]["tasks"][0]["loop"]}
        middle = [play["hosts"] for play in plays[1:-1]]
        assert middle == ([list(step.servers)] if step.servers else [])
        assert plays[-1]["roles"] == [{"role": "exchange_verify"}]


def test_text_that_looks_like_a_template_is_never_taken_for_one(case: Case) -> None:
    pools = {
        name: dataclasses.replace(pool, test_mailbox="{{ lookup('pipe', 'id') }}@x")
        for name, pool in case.topology.pools.items()
    }
    hostile = dataclasses.replace(case.topology, pools=pools)
    files = playbook_files(hostile, planned(case), {})
    text = "".join(files.values())
    assert text.count("lookup('pipe'") == text.count('!unsafe "{{ lookup(')
    assert "lookup('pipe'" in text


def test_a_name_that_is_a_pattern_is_refused(case: Case) -> None:
    server = next(iter(case.topology.servers.values()))
    odd = {**case.topology.servers, "all:!x": dataclasses.replace(server, name="all:!x")}
    with pytest.raises(OrchestratorError, match="pattern"):
        playbook_files(dataclasses.replace(case.topology, servers=odd), planned(case), {})


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "ANSIBLE_HOME": str(folder / ".ansible"),
        "XDG_CACHE_HOME": str(folder / ".cache"),
        "ANSIBLE_LIBRARY": "library",
        "ANSIBLE_ROLES_PATH": "roles",
    }
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_ansible_accepts_the_syntax_of_every_playbook(folder: Path) -> None:
    done = run(folder, "ansible-playbook", "-i", "hosts.yml", "--syntax-check", "site.yml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_host_that_is_not_in_the_inventory_stops_the_step(folder: Path) -> None:
    (folder / "hosts.yml").write_text("exchange: {hosts: {somebody-else: }}\n")
    first = sorted(folder.glob("001-*.yml"))[0].name
    done = run(folder, "ansible-playbook", "-i", "hosts.yml", first)
    assert done.returncode != 0
    assert "is not in the inventory; nothing was changed" in done.stdout


def test_ansible_lint_finds_nothing(folder: Path) -> None:
    """The steps themselves; the roles beside them have a test of their own."""
    steps = sorted(path.name for path in folder.glob("*.yml") if path.name != "hosts.yml")
    done = run(
        folder,
        *("ansible-lint", "--offline", "--nocolor", "--profile=production", "--project-dir=."),
        *("--exclude", "roles", "--exclude", "library", *steps),
    )
    assert done.returncode == 0, done.stdout + done.stderr


COPY = "copy-owa-resources-paris-2007-8-3-245-2"


def step_values(files: dict[str, str], step: str) -> dict[str, Any]:
    (name,) = [name for name in files if name.endswith(f"-{step}.yml")]
    plays = yaml.safe_load(files[name])
    return dict(plays[0]["vars"]["exchange_step"])


def test_a_folder_is_copied_and_put_back_in_every_later_change_of_its_servers() -> None:
    case = load_case(FOLDER / "73-2007-in-front-of-2007.yml")
    files = playbook_files(case.topology, planned(case), {})
    folder = {"build": "8.3.245.2", "origins": ["rome-2007-1"]}
    assert step_values(files, COPY)["owa_resources"] == [folder]
    kept = {**folder, "servers": ["paris-2007-1"], "if_nobody_has_it": "leave"}
    assert step_values(files, "upgrade-paris-2007-1")["owa_resources"] == [kept]
    assert "owa_resources" not in step_values(files, "upgrade-rome-2007-1")
    roles = [
        [role["role"] for play in yaml.safe_load(text) for role in play.get("roles", [])]
        for name, text in files.items()
        if name.endswith(f"{COPY}.yml")
    ]
    assert roles == [["exchange_precheck", "exchange_owa_resources", "exchange_verify"]]


def test_a_way_back_keeps_the_folders_it_starts_with_and_asserts_them() -> None:
    case = load_case(FOLDER / "136-way-back-with-folders.yml")
    files = playbook_files(case.topology, planned(case), {}, assert_state=True)
    (kept,) = step_values(files, "downgrade-paris-2007-1")["owa_resources"]
    assert (kept["build"], kept["origins"]) == ("8.3.83.6", ["rome-2007-1"])
    (play,) = yaml.safe_load(files["000-assert-state.yml"])
    expected = play["vars"]["exchange_expected"]
    assert expected["paris-2007-1"]["owa_version_folders"] == ["8.3.83.6"]
    assert "owa_version_folders" not in expected["rome-2007-1"]
    assert "is subset(exchange_now.exchange_server.owa_version_folders)" in str(play["tasks"])
