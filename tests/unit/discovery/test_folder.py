"""Texts of a discovered inventory: what they say and keep, and that Ansible reads them back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from orchestrator.diagnostic import Place
from orchestrator.discovery import todo
from orchestrator.discovery.folder import Found, difference, files
from orchestrator.discovery.from_facts import draft, left_out
from orchestrator.inventory import ansible_source
from orchestrator.inventory.findings import Findings
from orchestrator.inventory.raw_list import RawList, Sealed
from orchestrator.inventory.sources import find_list
from orchestrator.inventory.yaml_text import parse
from orchestrator.model.topology import Protocol
from orchestrator.shipped import catalogue

VAULT = """$ANSIBLE_VAULT;1.1;AES256
          38616233663334343036646561646634623861356436393161306562636231396436623838303531
          6535386664666539646166396639633366643831366637640a"""
LIST = f"""
all:
  vars:
    ansible_user: "{{{{ who }}}}"
  children:
    management: {{hosts: {{m: }}}}
    exchange:
      vars:
        exchange_test_mailbox_password: !vault |
          {VAULT}
      children: {{old: }}
    old:
      hosts:
        a: {{exchange_build: 1.2.3.4, ansible_port: 5986, listed: [x, {{y: true}}]}}
        b:
    exchange_2007: {{hosts: {{b: }}}}
"""


def answer(name: str, **more: Any) -> dict[str, Any]:
    """What exchange_server_facts says of a healthy server."""
    owa = {"identity": f"{name}\\owa", "internal_url": f"https://{name}/owa", "external_url": None}
    ways = {"internal_authentication": ["Fba"], "external_authentication": ["Basic", "Fba"]}
    return {
        "name": name, "fqdn": f"{name}.x.example", "build": "14.2.247.5", "product_line": "2010",
        "ad_site": "rome", "roles": ["ClientAccess"], "dag": None, "rollups": [],
        "pending_restart": False, "free_disk_mb": 1, "automatic_updates": "notify",
        "powershell_version": "2.0", "services": [], "ip_addresses": ["10.0.0.1"],
        "iis_log_directory": None, "virtual_directories": {"owa": owa},
        "all_virtual_directories": [
            {**owa, **ways, "protocol": "owa", "cross_site_redirect_type": "Silent"},
            {**owa, **ways, "protocol": "oab", "cross_site_redirect_type": None},
        ],
        **more,
    }  # fmt: skip


def read(folder: Path, text: str) -> RawList:
    findings = Findings()
    (folder / "hosts.yml").write_text(text)
    found = ansible_source.read_list(find_list(folder, findings), findings)
    assert findings.errors == ()
    return found


def test_the_list_is_kept_as_it_is_written_and_facts_come_from_the_hosts(tmp_path: Path) -> None:
    listed = read(tmp_path, LIST)
    drafted, problems = draft({"a": answer("A")}, catalogue())
    assert problems == ()
    found = Found(drafted, listed, not_read=("b",), organization={"version": 1}, minutes={"a": 7})
    texts = files(found, {})
    content = yaml.safe_load(texts["hosts.yml"].replace("!vault", ""))["all"]
    groups = content["children"]
    assert content["vars"] == {"ansible_user": "{{ who }}"}
    assert set(groups["exchange"]["children"]) == {"exchange_2010", "exchange_not_read"}
    assert groups["exchange_2010"]["hosts"]["a"] == {
        "ansible_port": 5986,
        "listed": ["x", {"y": True}],
        "ad_site": "rome",
        "exchange_build": "14.2.247.5",
        "exchange_roles": ["ClientAccess"],
        "exchange_owa_internal_url": "https://A/owa",
        "exchange_estimated_minutes": 7,
        "exchange_management_host": "m",
    }
    # A host that was not read keeps no fact of an earlier discovery, and no group of it.
    assert groups["exchange_not_read"] == {"hosts": {"b": None}}
    assert "exchange_2007" not in groups
    secret = listed.groups[1:][1].variables["exchange_test_mailbox_password"]
    assert isinstance(secret, Sealed)
    (tmp_path / "again").mkdir()
    again = read(tmp_path / "again", texts["hosts.yml"])
    assert again.members("exchange") == ("a", "b")
    kept = {g.name: g for g in again.groups}["exchange"].variables
    assert kept["exchange_test_mailbox_password"] == secret
    # What was discovered is the list of the next discovery, and gives the same.
    assert files(replace(found, list=again), {})["hosts.yml"] == texts["hosts.yml"]


def test_a_difference_is_shown_for_people_and_not_for_the_record() -> None:
    before = {"hosts.yml": "a\nb\n", "discovered.json": "1"}
    assert difference(before, {"hosts.yml": "a\nb\n", "discovered.json": "2"}) == []
    assert difference(before, {"hosts.yml": "a\nc\n"})[-2:] == ["-b", "+c"]


def test_only_the_virtual_directories_there_are_rules_for_are_taken() -> None:
    drafted, _ = draft({"a": answer("A")}, catalogue())
    (server,) = drafted.servers
    assert set(server.directories) == {Protocol.OWA}
    owa = server.directories[Protocol.OWA]
    assert (owa.authentication, owa.cross_site_redirect_type) == (("Basic", "Fba"), "Silent")
    assert drafted.organization == "x"


def test_an_answer_that_cannot_be_used_is_no_server() -> None:
    answers = {
        "a": answer("A", build="soon"),
        "b": answer("B", ad_site="no site"),
        "c": answer("C", rollups=None),
        "d": {"name": "D"},
    }
    drafted, problems = draft(answers, catalogue(), {"a": Place("hosts.yml", 3)})
    assert drafted.servers == ()
    assert [p.code for p in problems] == ["CAS-E506"] * 4
    assert str(problems[0].place) == "hosts.yml:3"


def test_what_no_plan_covers_is_said_with_its_reason() -> None:
    answers = {
        "both": answer("both", roles=["ClientAccess", "Mailbox"], dag="DAG-01"),
        "mail": answer("mail", roles=["Mailbox"], ad_site="oslo", all_virtual_directories=[]),
        "hub": answer("hub", roles=["HubTransport"], ad_site="bern", all_virtual_directories=[]),
    }
    found = {f.subject: f for f in left_out(draft(answers, catalogue())[0])}
    assert set(found) == {"host both", "host mail", "host hub", "site oslo"}
    assert "member of DAG-01" in found["host both"].message
    assert "some are missing" in found["site oslo"].message


def test_a_fresh_todo_asks_everything_and_answers_are_merged() -> None:
    drafted, _ = draft({"a": answer("A"), "b": answer("B")}, catalogue())
    findings = Findings()
    text = parse(todo.template(drafted), "todo.yml", findings)
    assert text is not None
    said = todo.read(text, drafted, findings)
    assert said is not None
    assert said.organization == {
        "version": 1,
        "organization": "x",
        "sites": {"rome": None},
        "pools": [{"site": "rome", "product_line": "2010"}],
    }
    questions = [line for line in todo.template(drafted).splitlines() if line[:1] != "#"]
    assert len(said.open) == sum(": TODO" in line for line in questions) == 16
    filled = parse(
        todo.template(drafted)
        .replace("2010: TODO", "2010: 25\n  b: 50")
        .replace("hold: TODO", "hold: because"),
        "todo.yml",
        findings,
    )
    assert filled is not None
    said = todo.read(filled, drafted, findings)
    assert said is not None
    assert said.minutes == {"2010": 25, "b": 50}
    assert said.organization["pools"][0]["hold"] == "because"
