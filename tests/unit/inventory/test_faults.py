"""Every fault of faults.yml is reported word for word: code, subject, place and remedy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

CASES: list[dict[str, Any]] = yaml.safe_load(
    Path(__file__).with_name("faults.yml").read_text(encoding="utf-8")
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_fault_is_reported(
    case: dict[str, Any],
    folder: Path,
    change: Callable[..., None],
    faults: Callable[..., list[str]],
) -> None:
    for edit in case["edits"]:
        change(folder, {edit["file"]: [(edit["old"], edit["new"])]})
    assert faults(folder) == case["faults"]


def test_the_inventory_the_cases_start_from_is_good(
    folder: Path, faults: Callable[..., list[str]]
) -> None:
    assert faults(folder) == []


def test_all_faults_are_reported_at_once_by_file_and_line(
    folder: Path, change: Callable[..., None], faults: Callable[..., list[str]]
) -> None:
    change(folder, {"organization.yml": [("target: berlin", "target: oslo")]})
    change(folder, {"hosts.yml": [("14.2.247.5", "14.2.28"), ("ad_site: paris", "x: y")]})
    assert [fault.partition(";")[0] for fault in faults(folder)] == [
        "CAS-E104 host mx-par-01: has no ad_site (x/hosts.yml:13)",
        'CAS-E101 host mx-ber-01: build "14.2.28" is not a known Exchange build (x/hosts.yml:17)',
        'CAS-E208 path paris -> oslo/2010: unknown site "oslo" (x/organization.yml:12)',
    ]


def test_yaml_errors_of_several_files_are_reported_at_once(
    folder: Path, change: Callable[..., None], faults: Callable[..., list[str]]
) -> None:
    change(folder, {"hosts.yml": [("ad_site: berlin", "ad_site: [berlin")]})
    change(folder, {"organization.yml": [("users: 320}", "users: 320")]})
    change(folder, {"group_vars/exchange.yml": [("", "a: [\n")]})
    change(folder, {"host_vars/mx-par-01.yml": [("", "- a\n")]})
    assert [(fault[:8], fault.split("(")[1].split(")")[0]) for fault in faults(folder)] == [
        ("CAS-E006", "x/group_vars/exchange.yml:2"),
        ("CAS-E006", "x/host_vars/mx-par-01.yml:1"),
        ("CAS-E006", "x/hosts.yml:19"),
        ("CAS-E006", "x/organization.yml:13"),
    ]


def test_a_fault_in_group_vars_is_one_finding_for_all_its_hosts(
    folder: Path, change: Callable[..., None], faults: Callable[..., list[str]]
) -> None:
    names = "".join(f"        mx-ber-{n:02}:\n" for n in range(2, 9))
    change(folder, {"hosts.yml": [("", names), ("minutes: 40", "minutes: soon")]})
    found = [fault for fault in faults(folder) if fault.startswith("CAS-E112")]
    assert len(found) == 1
    assert found[0].startswith("CAS-E112 hosts mx-ber-01, mx-ber-02, mx-ber-03 and 6 more: ")


@pytest.mark.parametrize(
    ("prepare", "expected"),
    [
        ("rm -r x", "CAS-E001 inventory x: does not exist"),
        ("rm -r x && touch x", "CAS-E001 inventory x: is not a folder"),
        ("rm x/hosts.yml", "CAS-E002 inventory x: has no hosts file (x)"),
        ("touch x/hosts.ini", "CAS-E003 inventory x: has more than one hosts file"),
        ("rm x/organization.yml", "CAS-E004 inventory x: has no organization.yml (x)"),
        (
            "rm x/organization.yml && mkdir x/organization.yml",
            "CAS-E005 x/organization.yml: cannot be read: Is a directory",
        ),
    ],
)
def test_missing_files(
    prepare: str, expected: str, folder: Path, faults: Callable[..., list[str]]
) -> None:
    import subprocess

    subprocess.run(prepare, shell=True, check=True)  # noqa: S602 - the words are above
    found = faults(folder)
    assert len(found) == 1
    assert found[0].startswith(expected)


def test_both_files_missing_are_both_reported(
    folder: Path, faults: Callable[..., list[str]]
) -> None:
    (folder / "hosts.yml").unlink()
    (folder / "organization.yml").unlink()
    assert [fault[:8] for fault in faults(folder)] == ["CAS-E002", "CAS-E004"]
