"""Declared, read and logged: what agrees, what differs, and what nobody can tell."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from orchestrator.diagnostic import Place
from orchestrator.discovery.draft import Draft, DraftServer, VirtualDirectory
from orchestrator.discovery.evidence import (
    EventEvidence,
    Evidence,
    Meaning,
    PathEvidence,
    Sighting,
    UserEvidence,
)
from orchestrator.discovery.reconcile import Findings, Row, Standing, reconcile
from orchestrator.discovery.redirects import (
    FAILED,
    INSIDE,
    NEEDED,
    OUTSIDE,
    SHOWN,
    UNKNOWN,
    RedirectCheck,
    capability,
    merged,
)
from orchestrator.model.build import Build
from orchestrator.model.state import State
from orchestrator.model.topology import (
    Pool,
    PoolId,
    Protocol,
    ProxyPath,
    Server,
    Site,
    Topology,
)
from orchestrator.rules.rule import Confidence

PARIS, ROME = PoolId("paris", "2010"), PoolId("rome", "2010")
OLD, NEW = Build.parse("14.2.247.5"), Build.parse("14.2.283.3")
URL = "https://mail-rome.x.example/owa"
DAY = datetime(2012, 4, 23, tzinfo=UTC)


def topology() -> Topology:
    servers = {
        name: Server(name, pool, 30, f"https://{name}/owa")
        for name, pool in (("p1", PARIS), ("r1", ROME), ("r2", ROME))
    }
    pools = {PARIS: Pool(PARIS, ("p1",)), ROME: Pool(ROME, ("r1", "r2"), redirect_url=URL)}
    paths = (ProxyPath(PARIS, ROME, Protocol.OWA, 7),)
    return Topology("x", {s: Site(s) for s in ("paris", "rome")}, servers, pools, paths)


def declared() -> State:
    return State({"p1": NEW, "r1": OLD, "r2": OLD}, {})


def server(name: str, site: str, build: Build = OLD, **owa: Any) -> DraftServer:
    directory = VirtualDirectory(**{"internal_url": f"https://{name}/owa", **owa})
    return DraftServer(
        name, site, f"{name}.x.example", "2010", build, roles=("ClientAccess",),
        directories={Protocol.OWA: directory},
    )  # fmt: skip


def as_declared() -> list[DraftServer]:
    return [server("p1", "paris", NEW), server("r1", "rome"), server("r2", "rome")]


def rows(*servers: DraftServer, **found: Any) -> dict[tuple[str, str], Row]:
    draft = Draft("x", tuple(servers)) if servers else None
    result = reconcile(topology(), declared(), Findings(draft=draft, **found))
    return {(row.kind, row.subject): row for row in result}


def path(source: str, target: str, count: int = 3) -> PathEvidence:
    sighting = Sighting(Place("u_ex.log", 4), count, DAY, DAY)
    return PathEvidence(source, target, Protocol.OWA, sighting, Confidence.INFER, "how")


def test_a_farm_that_is_as_declared_agrees_and_a_redirect_nobody_looked_at_is_unknown() -> None:
    found = rows(*as_declared())
    assert {row.standing for key, row in found.items() if key[0] != "redirect"} == {Standing.AGREES}
    redirect = found["redirect", "pool rome/2010"]
    assert redirect.standing is Standing.UNKNOWN
    assert "declared only" in redirect.note


def test_builds_sites_and_addresses_that_differ() -> None:
    p1, r1, _ = as_declared()
    found = rows(replace(p1, build=OLD), replace(r1, site="oslo"), server("r2", "rome", OLD))
    build = found["build", "p1"]
    assert (build.declared, build.read, build.standing) == (str(NEW), str(OLD), Standing.DIFFERS)
    assert found["site", "r1"].standing is Standing.DIFFERS
    both = {"external_url": URL}
    found = rows(p1, server("r1", "rome", **both), server("r2", "rome", **both))
    assert (found["external-url", "r2"].declared, found["external-url", "r2"].read) == ("none", URL)
    assert ("partly-redirected", "pool rome/2010") not in found


def test_an_external_url_on_some_servers_of_a_pool_is_undefined() -> None:
    p1, r1, _ = as_declared()
    row = rows(p1, r1, server("r2", "rome", external_url=URL))[
        "partly-redirected", "pool rome/2010"
    ]
    assert "ExternalUrl on r2, not on r1" in row.read
    assert row.note.startswith("undefined")
    assert row.standing is Standing.DIFFERS


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"authentication": ("Basic", "Fba")}, "owa authentication none: r1; Basic+Fba: r2"),
        ({"cross_site_redirect_type": "Silent"}, "owa CrossSiteRedirectType none: r1; Silent: r2"),
        ({"build": NEW}, f"build {OLD}: r1; {NEW}: r2"),
    ],
)
def test_servers_of_one_pool_that_are_not_alike(change: dict[str, Any], said: str) -> None:
    p1, r1, _ = as_declared()
    assert rows(p1, r1, server("r2", "rome", **change))["pool", "pool rome/2010"].read == said


def test_servers_nobody_declared_and_servers_nobody_read() -> None:
    p1, r1, _ = as_declared()
    found = rows(p1, r1, server("r3", "rome"), not_read=("r2",))
    assert found["server", "r3"].standing is Standing.DIFFERS
    assert found["server", "r2"].standing is Standing.UNKNOWN
    assert "did not answer" in found["server", "r2"].note
    mailbox = replace(server("m1", "rome"), roles=("Mailbox",))
    assert ("server", "m1") not in rows(*as_declared(), mailbox)


def test_paths_by_what_the_logs_show() -> None:
    seen = Evidence(paths=(path("P1.x.example", "r1"), path("p1", "r2", 4)))
    row = rows(evidence=seen)["path", "paris/2010 -> rome/2010"]
    assert (row.standing, row.declared) == (Standing.AGREES, "7 users")
    assert row.logged == "7 proxied log-ons, 2012-04-23 to 2012-04-23"
    other = rows(evidence=Evidence(paths=(path("r1", "p1"), path("10.9.9.9", "r1"))))
    assert other["path", "rome/2010 -> paris/2010"].note.startswith("nobody declared it")
    assert "SNAT" in other["path", "unknown server 10.9.9.9 -> rome/2010"].note
    # Rome's log was read and the declared path was not in it.
    assert other["path", "paris/2010 -> rome/2010"].standing is Standing.DIFFERS


def test_a_path_is_not_called_unseen_where_nobody_looked() -> None:
    sighting = Sighting(Place("u_ex.log"))
    paris_only = Evidence(users=(UserEvidence("p1", 3, True, sighting),))
    row = rows(evidence=paris_only)["path", "paris/2010 -> rome/2010"]
    assert row.standing is Standing.UNKNOWN


def test_event_4999_stands_beside_the_paths_of_its_source() -> None:
    event = EventEvidence(
        "p1", "MSExchange Common", 4999, Meaning.COOKIE, Sighting(Place("a"), 2), Confidence.DOC
    )
    found = rows(evidence=Evidence(events=(event,)))
    assert found["path", "paris/2010 -> rome/2010"].logged == "event 4999 at p1 (2 at least)"


def check(name: str, vantage: str, result: str = SHOWN, date: str = "2012-04-18") -> RedirectCheck:
    return RedirectCheck(name, vantage, result, "text", date)


def test_a_redirection_counts_as_possible_only_when_all_of_it_was_shown() -> None:
    everything = [check(name, vantage) for vantage, name in NEEDED]
    assert capability(everything).shown is True
    for left_out in range(len(everything)):
        some = everything[:left_out] + everything[left_out + 1 :]
        assert capability(some).shown is None
    later = [*everything, check("certificate", OUTSIDE, FAILED, "2012-05-01")]
    assert capability(later).shown is False
    assert capability([]).shown is None


def test_a_look_that_could_not_tell_does_not_replace_one_that_could() -> None:
    kept = merged([check("dns", INSIDE)], [check("dns", INSIDE, UNKNOWN, "2012-05-01")])
    assert [c.result for c in kept] == [SHOWN]
    renewed = merged([check("dns", INSIDE)], [check("dns", INSIDE, FAILED, "2012-05-01")])
    assert [c.result for c in renewed] == [FAILED]


def test_a_path_that_is_declared_as_redirected_is_not_expected_in_logs() -> None:
    urls = {("r1", Protocol.OWA): URL, ("r2", Protocol.OWA): URL}
    state = State(declared().builds, urls)

    def row(*seen: PathEvidence) -> Row:
        found = Findings(evidence=Evidence(paths=seen))
        return next(r for r in reconcile(topology(), state, found) if r.kind == "path")

    assert row().standing is Standing.UNKNOWN
    assert row(path("p1", "r1")).standing is Standing.DIFFERS
