"""Declared, read and logged, with real users' traffic on the simulated farm."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from orchestrator.discovery.iis.read import read_iis_logs

if TYPE_CHECKING:
    from .conftest import Farm

Run = Callable[..., Any]


@pytest.fixture(scope="module")
def visited(farm: Farm, user_paths: Mapping[str, Sequence[str]]) -> Farm:
    """The farm after everybody has logged on everywhere once."""
    assert farm.users(user_paths).once()
    return farm


def rows(ended: Any) -> dict[tuple[str, str], dict[str, str]]:
    return {(row["kind"], row["subject"]): row for row in json.loads(ended.out)["rows"]}


def test_the_proxy_graph_is_in_the_logs(visited: Farm) -> None:
    evidence = read_iis_logs([visited.state / "servers"])
    found = {(path.source, path.target): path.sighting.count for path in evidence.paths}
    truth: dict[tuple[str, str], int] = {}
    for request in visited.requests():
        if request["mode"] == "proxy" and request["target"]:
            key = (request["source"], request["target"])
            truth[key] = truth.get(key, 0) + 1
    assert found == truth
    assert len({source for source, _ in found}) >= 4
    assert ("par-cas-01", "ber-cas-71") not in found  # redirected, so never proxied


def test_what_is_as_declared_agrees(visited: Farm, run: Run, tmp_path: Path) -> None:
    looks = tmp_path / "looks.json"
    words = ("reconcile", *visited.options, "--live", "--iis-logs", visited.state / "servers")
    more = ("--events", visited.state / "servers", "--redirects", "--evidence", looks, "--json")
    found = rows(run(*words, *more))
    unknown = {key for key, row in found.items() if row["standing"] != "agrees"}
    # Berlin's 2007 pool is redirected to, so no log of proxying can show its path.
    redirected = ("path", "paris/2010 -> berlin/2007")
    assert unknown == {redirected, ("redirect", "pool madrid/2010")}
    seen = found["path", "paris/2010 -> berlin/2010"]
    assert "proxied log-ons" in seen["logged"]
    assert "event 4999 at par-cas-01" in seen["logged"]
    madrid = found["redirect", "pool madrid/2010"]
    assert madrid["standing"] == "unknown"
    assert "log-on inside shown" in madrid["read"]
    assert "certificate inside shown" in madrid["read"]
    assert "log-on outside" in madrid["note"]
    # The same looks from outside complete the evidence, but for the name, which a proxy hides.
    again = run(
        *("reconcile", *visited.options, "--redirects", "--vantage", "outside"),
        *("--evidence", looks, "--json"),
    )
    note = rows(again)["redirect", "pool madrid/2010"]["note"]
    assert note == "not shown yet: dns inside, dns outside"


def test_what_is_declared_otherwise_differs(visited: Farm, run: Run, tmp_path: Path) -> None:
    other = Path(shutil.copytree(visited.inventory, tmp_path / "other"))
    organization = yaml.safe_load((other / "organization.yml").read_text())
    paths = organization["paths"]
    organization["paths"] = [p for p in paths if (p["source"], p["target"]) != ("rome", "lisbon")]
    organization["paths"].append(
        {"source": "rome", "target": "berlin", "product_line": 2010, "users": 5}
    )
    (other / "organization.yml").write_text(yaml.safe_dump(organization))
    hosts = (other / "hosts.yml").read_text()
    (other / "hosts.yml").write_text(hosts.replace("2010 SP2 RTM", "2010 SP2 RU1"))
    words = ("-i", other, "-e", f"@{visited.connection}", "--live")
    ended = run("reconcile", *words, "--iis-logs", visited.state / "servers", "--json", ends=2)
    found = rows(ended)
    assert found["path", "rome/2010 -> lisbon/2007"]["note"].startswith("nobody declared it")
    assert found["path", "rome/2010 -> berlin/2010"]["note"].startswith("never seen")
    build = found["build", "rom-cas-01"]
    assert (build["declared"], build["read"]) == ("14.2.283.3", "14.2.247.5")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "nothing to hold the inventory against"),
        (("--live", "--found", "x"), "give one of them"),
        (("--found", "inventories/contoso"), "CAS-E803 folder inventories/contoso"),
        (("--iis-logs", "no-such-folder"), "CAS-E811"),
        (("--live",), "host ber-cas-01: could not be read"),
        (("--evidence", "README.md"), "CAS-E806 redirect evidence: cannot be used"),
    ],
)
def test_bad_input(run: Run, words: tuple[str, ...], said: str) -> None:
    ended = run("reconcile", "-i", "inventories/contoso", *words, ends=1)
    assert said in ended.err
