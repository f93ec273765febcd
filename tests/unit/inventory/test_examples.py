"""The shipped examples say what their README says, and what the lab's farm is."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
import yaml

from orchestrator.inventory import Inventory
from orchestrator.model.build import Build
from orchestrator.model.state import AccessMode
from orchestrator.model.topology import PoolId, Protocol
from orchestrator.rules.engine import RuleBook
from orchestrator.shipped import catalogue, rule_pack

INVENTORIES = Path(__file__).parents[3] / "inventories"


@pytest.fixture
def contoso(load: Callable[..., Inventory]) -> Inventory:
    return load(INVENTORIES / "contoso")


def test_contoso_is_the_farm_of_the_readme(contoso: Inventory) -> None:
    topology = contoso.topology
    assert topology.organization == "contoso"
    assert contoso.warnings == ()
    assert list(topology.sites) == ["berlin", "lisbon", "madrid", "paris", "rome"]
    assert {str(pool): len(p.servers) for pool, p in topology.pools.items()} == {
        "berlin/2007": 1,
        "berlin/2010": 2,
        "lisbon/2007": 2,
        "madrid/2010": 2,
        "paris/2010": 2,
        "rome/2010": 1,
    }
    assert {str(p): p.users for p in topology.paths} == {
        "madrid/2010 -> berlin/2010 (owa)": 25,
        "madrid/2010 -> lisbon/2007 (owa)": 45,
        "madrid/2010 -> rome/2010 (owa)": 150,
        "paris/2010 -> berlin/2007 (owa)": 60,
        "paris/2010 -> berlin/2010 (owa)": 320,
        "rome/2010 -> lisbon/2007 (owa)": 40,
        "rome/2010 -> madrid/2010 (owa)": 90,
    }
    assert len(topology.servers) == 10
    assert {s.minutes for s in topology.servers.values()} == {30, 40}
    assert {s.management_host for s in topology.servers.values()} == {"mgmt-north", "mgmt-south"}
    assert topology.servers["ber-cas-71"].internal_url == "https://ber-cas-71.contoso.example/owa"
    assert topology.replication_minutes == 45


def test_contoso_pools(contoso: Inventory) -> None:
    pools = {str(pool): p for pool, p in contoso.topology.pools.items()}
    assert [name for name, p in pools.items() if p.hold] == ["berlin/2007"]
    assert [name for name, p in pools.items() if p.outage_consent] == ["rome/2010"]
    assert {name: p.redirect_url for name, p in pools.items() if p.redirect_url} == {
        "madrid/2010": "https://mail-madrid.contoso.example/owa"
    }
    assert pools["madrid/2010"].redirect_evidence.startswith("2012-04-18: ")
    assert {name: p.minimum_in_service for name, p in pools.items()} == {
        "berlin/2007": 0,
        "berlin/2010": 1,
        "lisbon/2007": 1,
        "madrid/2010": 1,
        "paris/2010": 1,
        "rome/2010": 0,
    }
    assert all(
        p.test_mailbox == f"probe-{p.id.site}-{p.id.product_line}@contoso.example"
        for p in pools.values()
    )


def test_one_path_of_contoso_is_broken_today(contoso: Inventory) -> None:
    book = RuleBook(rule_pack())
    judged = book.judge_all(contoso.topology, contoso.declared)
    assert [str(j.path) for j in judged if j.blocking] == ["paris/2010 -> berlin/2010 (owa)"]
    pool = contoso.topology.pools[PoolId("berlin", "2007")]
    assert contoso.declared.mode(pool, Protocol.OWA) is AccessMode.REDIRECT


def test_contoso_is_declared_as_the_lab_s_farm_is(contoso: Inventory) -> None:
    lab = yaml.safe_load((INVENTORIES / "contoso/lab.yml").read_text(encoding="utf-8"))
    builds = {
        name: Build.parse([server["base"], *server.get("rollups", [])][-1])
        for name, server in lab["servers"].items()
    }
    assert builds == contoso.declared.builds
    urls = {
        (name, Protocol.OWA): server["external_url"]
        for name, server in lab["servers"].items()
        if server.get("external_url")
    }
    assert urls == contoso.declared.external_urls
    servers = contoso.topology.servers
    assert {n: s["site"] for n, s in lab["servers"].items()} == {
        n: s.pool.site for n, s in servers.items()
    }
    assert set(lab["management_hosts"]) == {s.management_host for s in servers.values()}
    assert {m["address"]: PoolId(m["site"], m["line"]) for m in lab["mailboxes"]} == {
        p.test_mailbox: p.id for p in contoso.topology.pools.values()
    }


def test_contoso_s_packages_are_the_lab_s(contoso: Inventory) -> None:
    lab = yaml.safe_load((INVENTORIES / "contoso/lab.yml").read_text(encoding="utf-8"))
    packages = contoso.topology.packages
    assert {(p["build"], p["path"], p["patch_code"]) for p in lab["packages"]} == {
        (str(p.build), p.path, p.patch_code) for p in packages.values()
    }
    for build, package in packages.items():
        content = f"simulated package {build}\n".encode()
        assert package.sha256 == sha256(content).hexdigest()
        release = catalogue().release(build)
        assert release is not None
        assert package.kb == release.kb


def test_contoso_holds_no_secret() -> None:
    for path in (INVENTORIES / "contoso").rglob("*.yml"):
        for line in path.read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(":")
            if name.endswith("password"):
                assert value.strip().startswith("\"{{ lookup('ansible.builtin.file', ")


def test_refusal_is_a_cycle_that_nothing_opens(load: Callable[..., Inventory]) -> None:
    inventory = load(INVENTORIES / "refusal")
    assert [(str(p), p.users) for p in inventory.topology.paths] == [
        ("bristol/2010 -> cardiff/2010 (owa)", 650),
        ("cardiff/2010 -> bristol/2010 (owa)", 800),
    ]
    assert not any(pool.redirect_url for pool in inventory.topology.pools.values())
    assert {str(build) for build in inventory.declared.builds.values()} == {"14.2.247.5"}
    assert [w.code for w in inventory.warnings] == ["CAS-W201"]


@pytest.mark.parametrize("name", ["contoso", "refusal"])
def test_each_example_says_in_one_line_what_it_shows(name: str) -> None:
    first = (INVENTORIES / name / "README.md").read_text(encoding="utf-8").splitlines()[0]
    assert first.endswith(".")
    assert len(first) > 40
