"""`discover --exports`: from exports to an inventory that loads; nothing that nobody read."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from support import exchange_exports as exports

from orchestrator.cli.main import main
from orchestrator.inventory import load_inventory
from orchestrator.model.build import Build
from orchestrator.model.topology import PoolId
from orchestrator.shipped import catalogue

LIST = """
all:
  children:
    management:
      hosts:
        mgmt: {ansible_host: mgmt.contoso.example}
    servers:
      hosts:
        par-cas-01:
        ber-cas-01:
        lis-cas-71:
      vars:
        exchange_management_host: mgmt
        ansible_user: operator
"""


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    folder = tmp_path / "exports"
    folder.mkdir()
    for name, rows in (
        ("servers", exports.servers()),
        ("owa", exports.directories()),
        ("builds", exports.builds()),
        ("mailboxes", exports.mailboxes()),
    ):
        (folder / f"{name}.csv").write_text(exports.csv(rows, ";"), encoding="utf-16")
    return folder


@pytest.fixture
def hosts(tmp_path: Path) -> Path:
    folder = tmp_path / "list"
    folder.mkdir()
    (folder / "hosts.yml").write_text(LIST)
    return folder


def test_with_a_list_of_hosts_the_folder_loads(
    tmp_path: Path, exported: Path, hosts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = tmp_path / "new"
    command = ["discover", "--exports", str(exported), "-i", str(hosts), "-o", str(new)]
    assert main(command) == 0
    todo = (new / "todo.yml").read_text()
    assert "mailboxes: 320" in todo
    (new / "todo.yml").write_text(
        todo.replace("internet_facing: TODO    # ExternalUrl", "internet_facing: true  #")
    )
    capsys.readouterr()
    assert main(command) == 2
    assert "internet_facing: true" in capsys.readouterr().out
    assert main([*command, "--force"]) == 0
    inventory = load_inventory(new, catalogue=catalogue())
    assert inventory.declared.builds["par-cas-01"] == Build(14, 2, 283, 3)
    assert {(path.source, path.target, path.users) for path in inventory.topology.paths} == {
        (PoolId("paris", "2010"), PoolId("berlin", "2010"), 320),
        (PoolId("paris", "2010"), PoolId("lisbon", "2007"), 45),
    }
    assert inventory.topology.servers["ber-cas-01"].management_host == "mgmt"
    groups = yaml.safe_load((new / "hosts.yml").read_text())["all"]["children"]
    assert groups["servers"]["vars"] == {
        "exchange_management_host": "mgmt",
        "ansible_user": "operator",
    }


def test_without_a_list_it_says_what_a_plan_needs(
    tmp_path: Path, exported: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (exported / "builds.csv").unlink()
    new = tmp_path / "new"
    assert main(["discover", "--exports", str(exported), "-o", str(new)]) == 0
    shown = capsys.readouterr().out
    assert "A plan would be refused today" in shown
    assert "CAS-E102" in shown  # no export names the rollup
    hosts = (new / "hosts.yml").read_text()
    assert "exchange_build" not in hosts
    assert "ansible_host: par-cas-01.contoso.example" in hosts


def test_a_folder_of_somebody_else_is_left_alone(
    tmp_path: Path, exported: Path, hosts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (hosts / "hosts.yml").read_bytes()
    assert main(["discover", "--exports", str(exported), "-o", str(hosts), "--force"]) == 1
    assert "CAS-E803" in capsys.readouterr().err
    assert (hosts / "hosts.yml").read_bytes() == before


def test_asking_hosts_does_not_write_over_what_came_from_exports(
    tmp_path: Path, exported: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = tmp_path / "new"
    assert main(["discover", "--exports", str(exported), "-o", str(new)]) == 0
    before = (new / "hosts.yml").read_bytes()
    assert main(["discover", "-o", str(new), "--force"]) == 1
    assert "CAS-E804" in capsys.readouterr().err
    assert (new / "hosts.yml").read_bytes() == before


def test_a_server_without_a_site_is_named_and_left_out(
    tmp_path: Path, exported: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = exports.servers()
    rows[1]["Site"] = ""
    (exported / "servers.csv").write_text(exports.csv(rows), encoding="utf-8")
    new = tmp_path / "new"
    assert main(["discover", "--exports", str(exported), "-o", str(new)]) == 5
    assert "CAS-W844 host ber-cas-01" in capsys.readouterr().out
    assert "ber-cas-01" not in (new / "hosts.yml").read_text()
