"""Exports of Exchange's cmdlets: the same farm out of every form, and nothing made up."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import exchange_exports as exports

from orchestrator.discovery.draft import Draft
from orchestrator.discovery.exports.read import read_exports
from orchestrator.discovery.farm import BUILD_NOT_EXACT, farm_of, judge_exported
from orchestrator.errors import InvalidInput
from orchestrator.model.build import Build
from orchestrator.model.topology import PoolId, Protocol
from orchestrator.rules.engine import RuleBook
from orchestrator.rules.rule import Verdict
from orchestrator.shipped import catalogue, rule_pack

SERVER = "Microsoft.Exchange.Data.Directory.Management.ExchangeServer"
DIRECTORY = "Microsoft.Exchange.Data.Directory.SystemConfiguration.ADOwaVirtualDirectory"
PARIS, BERLIN, LISBON = PoolId("paris", "2010"), PoolId("berlin", "2010"), PoolId("lisbon", "2007")


def write(folder: Path, **files: str | bytes) -> Path:
    for name, content in files.items():
        raw = content.encode() if isinstance(content, str) else content
        (folder / name.replace("__", ".")).write_bytes(raw)
    return folder


def as_csv(folder: Path, separator: str = ",", encoding: str = "utf-8") -> Path:
    parts = {
        "servers__csv": exports.servers(),
        "owa__csv": exports.directories(),
        "builds__csv": exports.builds(),
        "mailboxes__csv": exports.mailboxes(),
    }
    texts = {name: exports.csv(rows, separator).encode(encoding) for name, rows in parts.items()}
    return write(folder, **texts)


def as_clixml(folder: Path) -> Path:
    return write(
        folder,
        servers__clixml=exports.clixml(exports.servers(), SERVER),
        owa__clixml=exports.clixml(exports.directories(), DIRECTORY),
        builds__csv=exports.csv(exports.builds()),
        mailboxes__csv=exports.csv(exports.mailboxes()),
    )


def as_json(folder: Path) -> Path:
    return write(
        folder,
        servers__json=exports.as_json(exports.servers()),
        owa__json=exports.as_json(exports.directories()).encode("utf-16"),
        builds__json=exports.as_json(exports.builds()),
        mailboxes__json=exports.as_json(exports.mailboxes()),
    )


def draft_of(folder: Path) -> Draft:
    found = read_exports([folder], catalogue())
    assert found.findings == ()
    return found.draft


@pytest.mark.parametrize("form", ["csv", "semicolon", "tab-utf16", "clixml", "json"])
def test_the_same_farm_out_of_every_form(tmp_path: Path, form: str) -> None:
    write_form = {
        "csv": as_csv,
        "semicolon": lambda folder: as_csv(folder, ";", "cp1252"),
        "tab-utf16": lambda folder: as_csv(folder, "\t", "utf-16"),
        "clixml": as_clixml,
        "json": as_json,
    }[form]
    draft = draft_of(write_form(tmp_path))
    assert [server.name for server in draft.client_access] == [
        *("ber-cas-01", "lis-cas-71", "par-cas-01"),
    ]
    paris = next(server for server in draft.servers if server.name == "par-cas-01")
    assert (paris.site, paris.product_line, paris.build) == ("paris", "2010", Build(14, 2, 283, 3))
    assert paris.build_is_exact
    owa = paris.directories[Protocol.OWA]
    assert owa.external_url == "https://mail.contoso.example/owa"
    assert owa.authentication == ("Windows",)
    assert draft.mailboxes == {BERLIN: 320, LISBON: 45}
    topology, state, left_out = farm_of(draft)
    assert left_out == ()
    assert [(path.source, path.target, path.users) for path in topology.paths] == [
        (PARIS, BERLIN, 320),
        (PARIS, LISBON, 45),
    ]
    assert [p for p in topology.sites.values() if p.internet_facing] == [topology.sites["paris"]]
    broken = judge_exported(draft, topology, state, RuleBook(rule_pack()), catalogue())
    assert [found.worst.verdict for found in broken] == [Verdict.BROKEN, Verdict.BROKEN]


def test_a_rollup_nobody_names_leaves_the_verdict_open(tmp_path: Path) -> None:
    (as_csv(tmp_path) / "builds.csv").unlink()
    draft = draft_of(tmp_path)
    assert {todo.key for todo in draft.todos} >= {"exchange_build", "exchange_estimated_minutes"}
    topology, state, _ = farm_of(draft)
    judged = judge_exported(draft, topology, state, RuleBook(rule_pack()), catalogue())
    assert {found.worst.rule for found in judged} == {BUILD_NOT_EXACT}
    assert {found.worst.verdict for found in judged} == {Verdict.UNKNOWN}


def test_a_server_without_site_is_named_and_in_no_verdict(tmp_path: Path) -> None:
    rows = [
        {**row, "Site": "" if row["Name"] == "LIS-CAS-71" else row["Site"]}
        for row in exports.servers()
    ]
    as_csv(tmp_path)
    write(tmp_path, servers__csv=exports.csv(rows))
    topology, _, left_out = farm_of(draft_of(tmp_path))
    assert "lis-cas-71" not in topology.servers
    (finding,) = left_out
    assert (finding.code, finding.subject) == ("CAS-W844", "host lis-cas-71")


def test_sites_get_names_the_inventory_takes(tmp_path: Path) -> None:
    rows = [
        {**row, "Site": "CN=Paris La Défense,CN=Sites,CN=Configuration"}
        for row in exports.servers()
    ]
    draft = draft_of(write(tmp_path, servers__csv=exports.csv(rows)))
    assert {server.site for server in draft.servers} == {"Paris-La-D-fense"}


BOMB = '<!DOCTYPE a [<!ENTITY a "aaaa">]><Objs><Obj><S N="Name">&a;</S></Obj></Objs>'


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"\x00\x01\x02\x03" * 500, "binary"),
        (BOMB, "refused: it has a document type"),
        ("name;price\nbread;2\n", "no object in it is of a kind that is known"),
        ("just text", "is no export"),
        ("{", "is not JSON"),
        ("<Objs><Obj><Props>", "ends in the middle of an element"),
        ("", "is no export"),
    ],
)
def test_files_that_are_no_exports_are_named(
    tmp_path: Path, content: str | bytes, why: str
) -> None:
    write(as_csv(tmp_path), strange__csv=content)
    found = read_exports([tmp_path], catalogue())
    (finding,) = found.findings
    assert finding.code == "CAS-W841"
    assert str(tmp_path / "strange.csv") in finding.subject
    assert why in finding.message
    assert len(found.draft.client_access) == 3


def test_two_directories_that_differ_are_named(tmp_path: Path) -> None:
    twice = exports.directories()
    twice.append({**twice[0], "ExternalUrl": "https://other.contoso.example/owa"})
    write(as_csv(tmp_path), owa__csv=exports.csv(twice))
    (finding,) = read_exports([tmp_path], catalogue()).findings
    assert (finding.code, finding.subject) == ("CAS-W843", "host par-cas-01")
    assert finding.place is not None
    assert finding.place.line == 5


def test_no_client_access_server_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_exports([write(tmp_path, a__csv=exports.csv(exports.directories()))], catalogue())
    assert refused.value.diagnostics[0].code == "CAS-E841"
