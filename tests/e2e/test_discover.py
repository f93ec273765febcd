"""From a bare list of hosts to inputs a plan is made from, against the simulated farm."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestrator.lab import remote
from orchestrator.lab.store import Store

PROJECT = Path(__file__).resolve().parents[2]
BARE = PROJECT / "inventories" / "contoso-bare"
GOALS = ("--to", "2010 SP2 RU2", "--to", "2007 SP3 RU7")
Run = Callable[..., Any]

# A farm with everything that is in the way: mailboxes beside Client Access, a site without it.
AWKWARD = """
domain: tailspin.example
sites: [oslo, bergen, narvik]
management_hosts:
  mgmt-01: {site: oslo}
servers:
  osl-cas-01: {site: oslo, base: 14.2.247.5, rollups: [14.2.283.3], automatic_updates: install,
               interim_updates: [Interim Update KB9999999]}
  osl-all-01: {site: oslo, base: 14.2.247.5, roles: [ClientAccess, Mailbox], dag: DAG-01}
  nar-mbx-01: {site: narvik, base: 14.2.247.5, roles: [Mailbox]}
  ber-cas-01: {site: bergen, base: 14.2.247.5}
packages: []
"""
LIST = """
all:
  vars:
    ansible_connection: ansible.builtin.psrp
    ansible_port: 5986
    ansible_psrp_protocol: https
    ansible_psrp_auth: ntlm
    ansible_user: Administrator
    ansible_host: "{{ inventory_hostname }}.tailspin.example"
    ansible_password: >-
      {{ lookup('ansible.builtin.file', exchange_secrets_folder ~ '/administrator.password') }}
  children:
    management:
      hosts:
        mgmt-01: {ansible_host: mgmt-01.tailspin.example}
        mgmt-denied:
          ansible_host: mgmt-01.tailspin.example
          ansible_password: "{{ 'wrong' }}"
        mgmt-gone: {ansible_host: mgmt-gone.tailspin.example}
    servers:
      hosts:
        osl-cas-01:
        osl-all-01:
        nar-mbx-01:
        ber-cas-01:
        ber-alias: {exchange_server_name: ber-cas-01}
        mgmt-01-again: {exchange_server_name: mgmt-01}
        osl-cas-09: {exchange_management_host: mgmt-denied}
        gone-01: {exchange_management_host: mgmt-gone}
"""


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    store = Store(tmp_path_factory.mktemp("contoso") / "state")
    remote.up(PROJECT / "inventories" / "contoso" / "lab.yml", store, fresh=True)
    try:
        yield store.folder / "connection.yml"
    finally:
        remote.down(store)


@pytest.fixture(scope="module")
def found(connection: Path, run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The contoso farm, discovered from names and todo.yml."""
    folder = tmp_path_factory.mktemp("found") / "contoso"
    ended = run("discover", "-i", BARE, "-o", folder, "-e", f"@{connection}")
    assert "10 Exchange servers read" in ended.out
    assert "TODO" not in ended.out
    assert "refused" not in ended.out
    return folder


@pytest.fixture
def own(found: Path, tmp_path: Path) -> Path:
    """A copy of the discovered folder that a test may change."""
    return Path(shutil.copytree(found, tmp_path / "own"))


def lines(folder: Path, name: str, word: str) -> list[int]:
    text = (folder / name).read_text().splitlines()
    return [number for number, line in enumerate(text, 1) if word in line]


def test_the_plan_is_the_one_of_the_inventory_written_by_hand(
    found: Path, run: Run, tmp_path: Path
) -> None:
    by_hand, discovered = tmp_path / "by-hand", tmp_path / "discovered"
    run("plan", "-i", "inventories/contoso", *GOALS, "-o", by_hand)
    run("plan", "-i", found, *GOALS, "-o", discovered)
    files = {path.relative_to(by_hand) for path in by_hand.rglob("*") if path.is_file()}
    assert files == {p.relative_to(discovered) for p in discovered.rglob("*") if p.is_file()}
    assert len(files) > 10
    assert [n for n in files if (by_hand / n).read_bytes() != (discovered / n).read_bytes()] == []


def test_a_second_run_shows_what_differs_and_writes_nothing_unasked(
    own: Path, connection: Path, run: Run
) -> None:
    before = (own / "organization.yml").read_text()
    same = run("discover", "-i", BARE, "-o", own, "-e", f"@{connection}")
    assert "holds just that" in same.out
    changed = before.replace("outage_consent: true", "outage_consent: false")
    (own / "organization.yml").write_text(changed)
    differs = run("discover", "-i", own, "-o", own, "-e", f"@{connection}", ends=2)
    assert "-  outage_consent: false" in differs.out
    assert "+  outage_consent: true" in differs.out
    assert (own / "organization.yml").read_text() == changed
    # Without -i nothing is asked of any host: what was read is merged with todo.yml again.
    run("discover", "-o", own, "--force")
    assert (own / "organization.yml").read_text() == before


def test_todo_filled_in_by_half_is_named_with_its_line(own: Path, run: Run) -> None:
    todo = yaml.safe_load((own / "todo.yml").read_text())
    todo["pools"]["madrid/2010"]["redirect_evidence"]["text"] = "TODO"
    todo["pools"]["madird/2010"] = {"hold": "x"}
    todo["pools"]["rome/2010"]["outage_consent"] = "perhaps"
    todo["pools"]["lisbon/2007"]["test_mailbox"] = "TODO"
    todo["minutes"][2007] = "long"
    (own / "todo.yml").write_text(yaml.safe_dump(todo))
    before = (own / "organization.yml").read_bytes()
    ended = run("discover", "-o", own, "--force", ends=1)
    (line,) = lines(own, "todo.yml", "text: TODO")
    assert "CAS-E805 pool madrid/2010: redirect_evidence is filled in by half" in ended.err
    assert f"todo.yml:{line})" in ended.err
    assert "did you mean madrid/2010?" in ended.err
    assert f"todo.yml:{lines(own, 'todo.yml', 'long')[0]})" in ended.err
    assert (own / "organization.yml").read_bytes() == before
    del todo["pools"]["madird/2010"]
    todo["pools"]["madrid/2010"]["redirect_evidence"] = "TODO"
    todo["minutes"][2007] = "TODO"
    (own / "todo.yml").write_text(yaml.safe_dump(todo))
    ended = run("discover", "-o", own, "--force", ends=1)
    (line,) = lines(own, "todo.yml", "perhaps")
    assert f'pool rome/2010: outage_consent should be true or false, found "perhaps" ({own}' in (
        ended.err
    )
    assert f"todo.yml:{line})" in ended.err
    todo["pools"]["rome/2010"]["outage_consent"] = True
    (own / "todo.yml").write_text(yaml.safe_dump(todo))
    ended = run("discover", "-o", own, "--force", "--json")
    left = {entry["subject"]: entry for entry in json.loads(ended.out)["open"]}
    assert {"pool madrid/2010", "pool lisbon/2007", "minutes 2007"} <= set(left)
    assert "cannot be verified from outside" in left["pool lisbon/2007"]["message"]
    mailbox = lines(own, "todo.yml", "test_mailbox: TODO")
    assert left["pool lisbon/2007"]["place"]["line"] == mailbox[0]


def test_hosts_that_cannot_be_read_are_named_and_no_plan_forgets_them(
    run: Run, tmp_path: Path
) -> None:
    (tmp_path / "lab.yml").write_text(AWKWARD)
    (tmp_path / "list").mkdir()
    (tmp_path / "list" / "hosts.yml").write_text(LIST)
    store = Store(tmp_path / "state")
    remote.up(tmp_path / "lab.yml", store, fresh=True)
    try:
        new = tmp_path / "new"
        words = ("discover", "-i", tmp_path / "list", "-o", new, "-e")
        ended = run(*words, f"@{store.folder / 'connection.yml'}", ends=5)
    finally:
        remote.down(store)
    place = f"list/hosts.yml:{lines(tmp_path / 'list', 'hosts.yml', ' gone-01')[0]})"
    assert "CAS-E501 host gone-01: could not be read" in ended.out
    assert place in ended.out
    assert "CAS-E502 host osl-cas-09" in ended.out
    assert "CAS-E508 hosts ber-alias, ber-cas-01: answered as one and the same server" in ended.out
    assert "CAS-W802 host mgmt-01-again: is left out" in ended.out
    assert "CAS-W803 host osl-all-01: holds mailboxes beside Client Access" in ended.out
    assert "CAS-W804 site narvik: only Mailbox servers were read (nar-mbx-01)" in ended.out
    assert "INCOMPLETE: not read: ber-alias, ber-cas-01, gone-01, osl-cas-09" in ended.out
    assert "Interim Update KB9999999" in ended.out
    assert "automatic updates: install" in ended.out
    assert "wrong" not in ended.text
    groups = yaml.safe_load((new / "hosts.yml").read_text())["all"]["children"]
    assert set(groups["exchange_2010"]["hosts"]) == {"osl-cas-01"}
    assert set(groups["exchange_left_out"]["hosts"]) == {
        *("mgmt-01-again", "nar-mbx-01", "osl-all-01")
    }
    refused = run("diagnose", "-i", new, ends=1)
    assert "CAS-E102 host ber-alias: has no exchange_build" in refused.err
    assert "TODO" in (new / "todo.yml").read_text()
    assert f"is asked in {new / 'todo.yml'}: " in ended.out


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"hosts.yml": "all: {hosts: {a: }}"}, "CAS-E803 folder"),
        ({"discovered.json": "{"}, "CAS-E804 discovered.json: cannot be used"),
        ({"discovered.json": '{"version": 7}'}, "CAS-E804 discovered.json: cannot be used"),
    ],
)
def test_a_folder_of_somebody_else_is_left_alone(
    run: Run, tmp_path: Path, content: dict[str, str], said: str
) -> None:
    new = tmp_path / "new"
    new.mkdir()
    for name, text in content.items():
        (new / name).write_text(text)
    ended = run("discover", "-i", BARE, "-o", new, "--force", ends=1)
    assert said in ended.err
    assert {path.name: path.read_text() for path in new.iterdir()} == content


@pytest.mark.parametrize(
    ("text", "said", "place"),
    [
        ("all: {children: {management: {hosts: {m: }}}}", "CAS-E802 list", "hosts.yml)"),
        ("all: {hosts: {a: {ansible_password: Summer2012}}}", "CAS-E801 host a", "hosts.yml:1)"),
        ("all: {hosts: {a: }, hosts: {b: }", "CAS-E006", "hosts.yml:2)"),
    ],
)
def test_a_list_that_cannot_be_used(
    run: Run, tmp_path: Path, text: str, said: str, place: str
) -> None:
    (tmp_path / "hosts.yml").write_text(text)
    ended = run("discover", "-i", tmp_path / "hosts.yml", "-o", tmp_path / "new", ends=1)
    assert said in ended.err
    assert place in ended.err
    assert "Summer2012" not in ended.text
    assert not (tmp_path / "new").exists()


def test_a_farm_of_which_nobody_answers_is_no_inventory(run: Run, tmp_path: Path) -> None:
    # Without the lab's variables neither the secrets nor the hosts are found.
    ended = run("discover", "-i", BARE, "-o", tmp_path / "new", ends=1)
    assert ended.err.count("could not be read") == 10
    assert f"{BARE / 'hosts.yml'}:" in ended.err
    assert not (tmp_path / "new").exists()


def test_without_list_and_folder_there_is_nothing_to_do(run: Run, tmp_path: Path) -> None:
    assert "name one with -i" in run("discover", "-o", tmp_path / "new", ends=1).err
    ended = run("discover", "-i", tmp_path / "none", "-o", tmp_path / "new", ends=1)
    assert "CAS-E001" in ended.err
