"""What users get wrong, and what goes wrong around them: a message with place and remedy, the
right exit code, nothing changed.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from orchestrator.planfile import digest

PROJECT = Path(__file__).resolve().parents[2]
GOALS = ("--to", "2010 SP2 RU2", "--to", "2007 SP3 RU7")


# ---- what is wrong in files, found without asking any host ------------------------------------


@dataclass(frozen=True)
class Fault:
    """One text of contoso's files replaced by another, and what the user must be told."""

    file: str
    old: str
    new: str
    says: tuple[str, ...]


FAULTS = {
    "unknown build": Fault(
        "hosts.yml",
        "par-cas-01: {exchange_build: 14.2.283.3}",
        "par-cas-01: {exchange_build: 14.2.28}",
        (
            'CAS-E101 host par-cas-01: build "14.2.28" is not a known Exchange build',
            "/hosts.yml:20); did you mean 14.2.283.3 (2010 SP2 RU1)?",
        ),
    ),
    "site without servers": Fault(
        "organization.yml",
        "  rome: {domain_controller: dc-rome.contoso.example}",
        "  rome: {domain_controller: dc-rome.contoso.example}\n  oslo:",
        (
            "CAS-E202 site oslo: has no servers in the group exchange",
            "/organization.yml:12); remove the site, or give its hosts this ad_site",
        ),
    ),
    "path to an unknown site": Fault(
        "organization.yml",
        "{source: madrid, target: rome,",
        "{source: madrid, target: roma,",
        (
            'CAS-E208 path madrid -> roma/2010: unknown site "roma"',
            "/organization.yml:45); did you mean rome?",
        ),
    ),
    "host without ad_site": Fault(
        "hosts.yml",
        "        ad_site: rome\n",
        "",
        (
            "CAS-E104 host rom-cas-01: has no ad_site",
            "add ad_site: SITE for it or for a group it is in",
        ),
    ),
    "YAML error": Fault(
        "organization.yml",
        "protocol: owa, users: 150}",
        "protocol: owa, users: 150",
        (
            "CAS-E006",
            "/organization.yml: YAML error",
            "while parsing a flow mapping begun in line 45",
            "check indentation, quotes and colons",
        ),
    ),
    "below PowerShell 5.1 without management host": Fault(
        "hosts.yml",
        "        ad_site: rome\n        exchange_management_host: mgmt-south\n",
        "        ad_site: rome\n",
        (
            "CAS-E111 host rom-cas-01: Exchange 2010 runs on Windows without PowerShell 5.1",
            "it has no exchange_management_host",
            "name a Windows Server 2016 or later of the group management",
        ),
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_in_the_inventory(
    name: str, run: Callable[..., Any], contoso: Callable[[Path], Path], tmp_path: Path
) -> None:
    fault, inventory = FAULTS[name], contoso(tmp_path / "contoso")
    file = inventory / fault.file
    text = file.read_text()
    assert text.count(fault.old) == 1, "the example has changed: adapt this test"
    file.write_text(text.replace(fault.old, fault.new))
    ended = run("plan", "-i", inventory, *GOALS, "-o", tmp_path / "plan", ends=1)
    for words in fault.says:
        assert words in ended.err
    assert not (tmp_path / "plan").exists()


def test_several_faults_are_told_at_once(
    run: Callable[..., Any], contoso: Callable[[Path], Path], tmp_path: Path
) -> None:
    inventory = contoso(tmp_path / "contoso")
    wanted = []
    for name in ("unknown build", "site without servers", "path to an unknown site"):
        fault = FAULTS[name]
        file = inventory / fault.file
        file.write_text(file.read_text().replace(fault.old, fault.new))
        wanted.append(fault.says[0])
    ended = run("diagnose", "-i", inventory, ends=1)
    assert all(words in ended.err for words in wanted)


USAGE = {
    "no goal": (("plan", "-i", "CONTOSO"), "name at least one goal"),
    "no inventory": (("apply", "PLAN"), "Missing option '-i' / '--inventory'"),
    "no such folder": (("diagnose", "-i", "nowhere"), "nowhere"),
    "no such option": (
        ("diagnose", "-i", "CONTOSO", "--frobnicate"),
        "No such option: --frobnicate",
    ),
    "no such command": (("upgrade-everything",), "No such command 'upgrade-everything'"),
    "unknown goal": (
        ("plan", "-i", "CONTOSO", "--to", "2010 SP2 RU22"),
        'CAS-E101 --to: "2010 SP2 RU22" is not a known Exchange build; did you mean',
    ),
    "two goals for a line": (
        ("plan", "-i", "CONTOSO", "--to", "2010 SP2 RU1", "--to", "2010 SP2 RU2"),
        "CAS-E309 --to: two goals for Exchange 2010; give one per line",
    ),
    "goal lower than today": (
        ("plan", "-i", "CONTOSO", "--to", "2010 SP2"),
        "CAS-E302 host par-cas-01: is on 2010 SP2 RU1 (14.2.283.3), newer than the goal",
    ),
    "rollup of another service pack": (
        ("plan", "-i", "CONTOSO", "--to", "2010 SP3 RU1"),
        "is a rollup of another service pack and needs that service pack first",
    ),
    "unknown rule": (
        ("plan", "-i", "CONTOSO", *GOALS, "--strict", "owa-nonsense"),
        "CAS-E307 rule owa-nonsense: no rule in force has this id; known rules: ",
    ),
    "not a plan": (
        ("apply", "CONTOSO", "-i", "CONTOSO"),
        "/plan.json); name a folder that `orchestrator plan` wrote",
    ),
    "no such path": (
        ("rollback", "PLAN", "-i", "CONTOSO", "--accept-broken", "paris to berlin"),
        'CAS-E310 --accept-broken: no path is called "paris to berlin"; paths: ',
    ),
    "another digest": (
        ("apply", "PLAN", "-i", "CONTOSO", "--approve", "0" * 64),
        "something in the folder was changed after the approval, or it is another plan",
    ),
    "written over another": (
        ("plan", "-i", "CONTOSO", *GOALS, "-o", "PLAN"),
        "a plan is never written over another",
    ),
}


@pytest.fixture(scope="module")
def plan(
    run: Callable[..., Any],
    contoso: Callable[[Path], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """A plan of contoso as declared, which is as the fresh farm is."""
    folder = tmp_path_factory.mktemp("plan")
    run("plan", "-i", contoso(folder / "contoso"), *GOALS, "-o", folder / "plan")
    return folder / "plan"


@pytest.mark.parametrize("name", USAGE)
def test_a_mistake_on_the_command_line(name: str, plan: Path, run: Callable[..., Any]) -> None:
    words, says = USAGE[name]
    places = {"CONTOSO": str(plan.parent / "contoso"), "PLAN": str(plan)}
    before = contents(plan)
    ended = run(*(places.get(word, word) for word in words), ends=1)
    assert says in ended.err
    assert contents(plan) == before


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_the_plan_of_another_inventory(plan: Path, run: Callable[..., Any]) -> None:
    ended = run("apply", plan, "-i", "inventories/refusal", ends=4)
    assert f"{plan} is a plan for contoso, inventories/refusal is fabrikam" in ended.err
    assert "What to do: name the inventory the plan was made from" in ended.err


def test_no_safe_plan_ends_with_3_and_the_certificate(
    run: Callable[..., Any], tmp_path: Path
) -> None:
    words = ("plan", "-i", "inventories/refusal", "--to", "2010 SP2 RU2", "-o", tmp_path / "plan")
    ended = run(*words, ends=3)
    assert "these demands form a cycle, and no pool on it can be redirected" in ended.err
    assert "bristol/2010 must change before cardiff/2010" in ended.err
    assert "cardiff/2010 must change before bristol/2010" in ended.err
    assert "its pool has no redirect_url" in ended.err
    assert not (tmp_path / "plan").exists()


# ---- what only the hosts can tell -------------------------------------------------------------


@pytest.fixture
def untouched(farm: Any) -> Iterator[Any]:
    """The farm, which nobody may even have tried to change when the test is over."""
    before, asked = farm.picture(), len(farm.changes())
    yield farm
    assert farm.changes()[asked:] == []
    assert farm.picture() == before


def test_an_unreachable_host_is_named_before_anything_starts(
    untouched: Any, plan: Path, run: Callable[..., Any], tmp_path: Path
) -> None:
    folder = shutil.copytree(plan, tmp_path / "plan")
    untouched.set("power.rom-cas-01=off")
    try:
        ended = run("apply", folder, *untouched.options, ends=1)
    finally:
        untouched.set("power.rom-cas-01=on")
    assert "host rom-cas-01: could not be read" in ended.err
    assert "ber-cas-01" not in ended.err
    assert "in doubt" not in ended.text


def test_an_unreachable_management_host_is_named_with_the_remedy(
    untouched: Any, run: Callable[..., Any]
) -> None:
    untouched.set("power.mgmt-south=off")
    try:
        ended = run("diagnose", *untouched.options, "--live", ends=1)
    finally:
        untouched.set("power.mgmt-south=on")
    assert "CAS-E501 host rom-cas-01: could not be read" in ended.err
    assert "check name, network and WinRM of the host, or of its management host" in ended.err


def test_wrong_credentials_are_told_as_such(
    untouched: Any, contoso: Callable[[Path], Path], run: Callable[..., Any], tmp_path: Path
) -> None:
    inventory = contoso(tmp_path / "contoso")
    variables = inventory / "group_vars" / "windows.yml"
    lines = variables.read_text().splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith("ansible_password:")]
    variables.write_text("".join([*kept, "ansible_password: not-the-right-one\n"]))
    words = ("plan", "-i", inventory, "-e", f"@{untouched.connection}", "--live", *GOALS)
    ended = run(*words, "-o", tmp_path / "plan", ends=1)
    assert "CAS-E502 host ber-cas-01" in ended.err
    assert "check ansible_user and ansible_password of the host" in ended.err
    assert "not-the-right-one" not in ended.text
    assert not (tmp_path / "plan").exists()


def test_a_management_host_that_is_too_old_is_told_as_such(
    untouched: Any, contoso: Callable[[Path], Path], run: Callable[..., Any], tmp_path: Path
) -> None:
    """A server of the farm, with PowerShell 2.0, put among the management hosts."""
    inventory = contoso(tmp_path / "contoso")
    hosts = inventory / "hosts.yml"
    real = "mgmt-south: {ansible_host: mgmt-south.contoso.example}"
    text = hosts.read_text()
    assert real in text
    hosts.write_text(text.replace(real, "mgmt-south: {ansible_host: rom-cas-01.contoso.example}"))
    words = ("diagnose", "-i", inventory, "-e", f"@{untouched.connection}", "--live")
    ended = run(*words, ends=1)
    assert "CAS-E503 host mad-cas-01: could not be read" in ended.err
    assert "Ansible requires PowerShell v5.1" in ended.err
    assert "name a Windows host with PowerShell 5.1" in ended.err


def _assert_stopped_at_the_first_step(farm: Any, out: str, before: Any) -> None:
    assert "Stopped: step upgrade-berlin-2010-1 is failed" in out
    assert "The farm as read after the stop:" in out
    assert "Steps done: none. Not begun: verify-pilot, upgrade-berlin-2010-2" in out
    assert "Go on with this plan (it runs that step again, which repeats no change): " in out
    assert farm.builds() == before["builds"]
    assert farm.external_urls() == before["urls"]


@pytest.mark.parametrize(
    ("package", "says"),
    [("missing", "does not exist or cannot be read"), ("altered", "was altered: sha256")],
)
def test_a_package_that_is_not_the_one_meant_stops_in_the_step(
    farm: Any, plan: Path, run: Callable[..., Any], tmp_path: Path, package: str, says: str
) -> None:
    folder = shutil.copytree(plan, tmp_path / "plan")
    before = farm.picture()
    farm.set(f"package.14.2.298.4={package}")
    try:
        ended = run("apply", folder, *farm.options, "--approve", digest(folder), ends=5)
    finally:
        farm.set("package.14.2.298.4=ok")
    _assert_stopped_at_the_first_step(farm, ended.out, before)
    assert "  as it was before the run" in ended.out
    assert says in ended.out
    assert "Exchange2010-SP2-RU2.msp" in ended.out
    assert farm.picture() == before


def test_a_host_lost_between_reading_and_pre_check_stops_in_the_step(
    untouched: Any, plan: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(plan, tmp_path / "plan")
    before = untouched.picture()
    words = ("apply", folder, *untouched.options, "--approve", digest(folder))
    program = [sys.executable, "-m", "orchestrator", *map(str, words)]
    with subprocess.Popen(
        program, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stderr is not None
        assert running.stdout is not None
        # The step is announced before Ansible is started, which takes longer than turning it off.
        for line in running.stderr:
            if line.startswith("[1/13]"):
                break
        untouched.set("power.ber-cas-01=off")
        told = running.stderr.readline()
        untouched.set("power.ber-cas-01=on")
        out, err = running.communicate(timeout=300)
    assert running.returncode == 5, told + err + out
    assert "Traceback" not in out + err
    assert "ber-cas-01 cannot be read" in out
    _assert_stopped_at_the_first_step(untouched, out, before)
