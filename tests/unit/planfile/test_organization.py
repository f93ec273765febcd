"""The organisation document: what it turns into, and what is said of one that does not fit."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.cases import FOLDER, case_files, load_case
from support.examples import contoso

from orchestrator.checker import check
from orchestrator.cli.main import main
from orchestrator.errors import InvalidInput, OrchestratorError
from orchestrator.model.build import Build
from orchestrator.model.topology import Protocol
from orchestrator.planfile import SavedPlan, render, to_document
from orchestrator.planfile.organization import (
    Organization,
    organization_document,
    organization_schema,
)
from orchestrator.planfile.organization_file import read_organization, render_organization
from orchestrator.planfile.schema import SHIPPED
from orchestrator.planner import goal_state, make_plan
from orchestrator.shipped import catalogue, rule_pack

GOOD = """\
version: 2
organization: fabrikam
sites:
  - {name: paris, internet_facing: true}
  - {name: rome}
pools:
  - site: paris
    product_line: 2010
    servers:
      - {name: par-1, build: 2010 SP2 RTM}
      - {name: par-2, build: 14.02.0247.005, external_urls: {owa: "https://par/owa"}}
  - site: rome
    product_line: 2010
    servers:
      - {name: rom-1, build: 14.2.247.5, estimated_minutes: 40}
    outage_consent: true
paths:
  - {source: paris/2010, target: rome/2010, users: 10}
packages:
  - {build: 2010 SP2 RU2}
goals: {2010: 2010 SP2 RU2}
"""
RULE = """\
rules:
  own:
    - id: ours
      title: seen on this farm
      protocols: [owa]
      source: {at_least: 14.2.283.3}
      target: {below: 14.2.283.3}
      verdict: broken
      confidence: field
      references: [ticket 4711]
"""


def read(folder: Path, text: str, name: str = "organization.yml") -> Organization:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return read_organization(file, catalogue(), rule_pack)


def test_defaults_and_names_are_filled_in(tmp_path: Path) -> None:
    found = read(tmp_path, GOOD)
    pools = {str(pool): found.topology.pools[pool] for pool in found.topology.pools}
    assert found.state.builds["par-1"] == found.state.builds["par-2"] == Build(14, 2, 247, 5)
    assert found.state.external_urls == {("par-2", Protocol.OWA): "https://par/owa"}
    assert pools["paris/2010"].minimum_in_service == 1
    assert pools["rome/2010"].minimum_in_service == 0
    assert found.topology.servers["par-1"].minutes == 30
    assert found.goals == {"2010": Build(14, 2, 298, 4)}
    assert found.rules.packs == ("exchange-2007-2010",)


def test_json_and_yaml_say_the_same(tmp_path: Path) -> None:
    data = yaml.safe_load(GOOD)
    data["goals"] = {"2010": data["goals"][2010]}
    assert read(tmp_path, json.dumps(data), "o.json") == read(tmp_path, GOOD)


def test_order_in_the_file_changes_nothing(tmp_path: Path) -> None:
    data = yaml.safe_load(GOOD)
    for key in ("sites", "pools", "paths"):
        data[key].reverse()
    for pool in data["pools"]:
        pool["servers"].reverse()
    assert read(tmp_path, yaml.safe_dump(data)) == read(tmp_path, GOOD)


@pytest.mark.parametrize("suffix", [".yml", ".json"])
@pytest.mark.parametrize("path", case_files(), ids=lambda path: path.stem)
def test_the_same_plan_results_from_the_written_document(
    path: Path, suffix: str, tmp_path: Path
) -> None:
    case = load_case(path)
    file = tmp_path / f"document{suffix}"
    document = organization_document(case.topology, case.start, case.goals, case.book)
    file.write_text(render_organization(document, file), encoding="utf-8")
    if any(proxied.source == proxied.target for proxied in case.topology.paths):
        with pytest.raises(InvalidInput, match="CAS-E708"):
            read_organization(file, catalogue(), rule_pack)
        return
    found = read_organization(file, catalogue(), rule_pack)
    assert found.state == case.start
    assert found.topology == case.topology
    book = found.rules.book(rule_pack, found.policy)
    assert book.rules == case.book.rules
    again = organization_document(found.topology, found.state, found.goals, book)
    assert again == document


def test_an_inventory_and_its_document_give_the_same_folder_byte_for_byte(tmp_path: Path) -> None:
    goals = ("--to", "2010 SP2 RU2", "--to", "2007 SP3 RU7")
    first, second, file = tmp_path / "a", tmp_path / "b", tmp_path / "contoso.yml"
    inventory = str(contoso(tmp_path / "farm"))
    writing = ("--write-organization", str(file), "-o", str(first))
    assert main(["plan", "-i", inventory, *goals, *writing]) == 0
    assert main(["plan", "--organization", str(file), "-o", str(second)]) == 0
    texts = [
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.*")}
        for folder in (first, second)
    ]
    assert len(texts[0]) > 20
    assert texts[0] == texts[1]


PACKS = ["exchange-2007-2010", "version-folders-2010-2007"]


def test_rule_packs_and_version_folders_of_an_inventory_are_those_of_its_document(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """madrid and rome proxy to lisbon/2007; one of madrid's servers is said to have the folder."""
    farm = contoso(tmp_path / "farm")
    hosts = (farm / "hosts.yml").read_text()
    assert hosts.count("mad-cas-01: {") == 1
    folders = "mad-cas-01: {exchange_version_folders: [2007 SP3 RU6, 8.3.264.0], "
    (farm / "hosts.yml").write_text(hosts.replace("mad-cas-01: {", folders))
    with (farm / "organization.yml").open("a") as file:
        file.write(f"rules: {{packs: [{', '.join(PACKS)}]}}\n")
    document, goals = tmp_path / "o.json", ("--to", "2010 SP2 RU2", "--to", "2007 SP3 RU7")
    writing = ("--write-organization", str(document), "-o", str(tmp_path / "a"))
    assert main(["plan", "-i", str(farm), *goals, *writing]) == 0
    assert main(["plan", "--organization", str(document), "-o", str(tmp_path / "b")]) == 0
    one, other = (
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.*")}
        for folder in (tmp_path / "a", tmp_path / "b")
    )
    assert one == other
    made = json.loads(one[Path("plan.json")])
    assert made["rules_in_force"]["packs"] == PACKS
    copied = {
        (name, step["folder"])
        for step in made["steps"]
        if step["kind"] == "copy-owa-resources"
        for name in step["servers"]
    }
    assert ("mad-cas-02", "8.3.264.0") in copied
    assert {name for name, _ in copied}.isdisjoint({"mad-cas-01"})
    assert any("exchange_drain_method: none" in remark for remark in made["remarks"])
    capsys.readouterr()
    pack_rule = rule_pack(PACKS[1])[0].id
    assert main(["diagnose", "-i", str(farm), "--strict", pack_rule]) == 2
    assert main(["diagnose", "-i", str(contoso(tmp_path / "other")), "--strict", pack_rule]) == 1
    assert f"CAS-E307 rule {pack_rule}" in capsys.readouterr().err


WINDOWS = """\
version: 1
zone: Europe/Paris
from: 2026-11-02
windows:
  - {days: [sat], start: "22:00", duration: 12h}
"""


@pytest.mark.parametrize("name", ["o.yml", "o.json"])
def test_windows_can_stand_in_the_document(name: str, tmp_path: Path) -> None:
    (tmp_path / "good.yml").write_text(GOOD)
    (tmp_path / "w.yml").write_text(WINDOWS)
    file = tmp_path / name
    apart = ("--organization", str(tmp_path / "good.yml"), "--windows", str(tmp_path / "w.yml"))
    writing = ("--write-organization", str(file), "-o", str(tmp_path / "a"))
    assert main(["plan", *apart, *writing]) == 0
    assert main(["plan", "--organization", str(file), "-o", str(tmp_path / "b")]) == 0
    one, two = ((tmp_path / f / "plan.json").read_bytes() for f in "ab")
    assert one == two
    assert b'"schedule"' in one


def test_order_in_the_file_changes_no_byte_of_the_plan(tmp_path: Path) -> None:
    texts = []
    for number, turned in enumerate((False, True)):
        data = yaml.safe_load(GOOD)
        data["goals"] = {"2010": "2010 SP2 RU2"}
        if turned:
            for key in ("sites", "pools"):
                data[key].reverse()
            for row in (data, *data["pools"]):
                for key in list(row)[::-1]:
                    row[key] = row.pop(key)
            data["pools"][-1]["servers"].reverse()
        file, folder = tmp_path / f"{number}.json", tmp_path / str(number)
        file.write_text(json.dumps(data))
        assert main(["plan", "--organization", str(file), "-o", str(folder)]) == 0
        texts.append((folder / "plan.json").read_bytes())
    assert texts[0] == texts[1]


def test_own_rules_are_in_force_and_in_the_plan(tmp_path: Path) -> None:
    text = GOOD.replace("goals:", f"{RULE}goals:")
    found = read(tmp_path, text)
    book = found.rules.book(rule_pack, found.policy)
    # RU1 in front of RTM is broken by the pack and by the own rule
    assert book.by_id["ours"].references == ("ticket 4711",)
    end = goal_state(found.topology, found.state, found.goals, catalogue())
    plan = make_plan(found.topology, found.state, end, book, catalogue())
    saved = SavedPlan(found.topology, plan, found.policy, found.goals)
    data = json.loads(render(to_document(saved, book, check(found.topology, plan, book))))
    assert data["rules_in_force"]["packs"] == ["exchange-2007-2010"]
    assert [rule["id"] for rule in data["rules_in_force"]["own"]] == ["ours"]
    assert data["rules_in_force"]["own"][0]["source"]["at_least"] == "14.2.283.3"


FAULTS: dict[str, tuple[str, str, list[str]]] = {
    "unknown site in a path": ("rome/2010, u", "roma/2010, u", ["CAS-E705", ":18)", '"roma"']),
    "unknown pool of a site": ("rome/2010, u", "rome/2007, u", ["CAS-E705", ":18)", "rome/2010?"]),
    "unknown site of a pool": ("site: rome", "site: rom", ["CAS-E705", ":12)", "rome"]),
    "host in two pools": ("name: rom-1", "name: par-1", ["CAS-E704", ":15)", "first in line 10"]),
    "pool twice": ("site: rome", "site: paris", ["CAS-E704", ":12)", "first in line 7"]),
    "balanced name twice": (
        "    outage_consent: true",
        "    balanced: [{name: a, servers: [x, y]}, {name: a, servers: [rom-1, rom-1]}]",
        ["CAS-E709", ":16)", "a is given twice", "x, behind a, is not a server of this pool"],
    ),
    "behind two names": (
        "    servers:\n      - {name: par-1",
        (
            "    balanced: [{name: a, servers: [par-1, par-2]}, {name: b, servers: [x, par-2]}]\n"
            "    servers:\n      - {name: par-1"
        ),
        ["CAS-E709", "paris/2010", ":9)", "par-2 is behind a and behind b"],
    ),
    "balanced name that keeps all": (
        "    servers:\n      - {name: par-1",
        (
            "    balanced: [{name: a, servers: [par-1, par-2], minimum_in_service: 2}]\n"
            "    servers:\n      - {name: par-1"
        ),
        ["CAS-E709", ":9)", "minimum_in_service 2 of 2 servers behind a", "use at most 1"],
    ),
    "site twice": ("{name: rome}", "{name: paris}", ["CAS-E704", ":5)"]),
    "negative users": ("users: 10", "users: -1", ["CAS-E702", ":18)", "users", "-1"]),
    "users as text": ("users: 10", "users: ten", ["CAS-E702", ":18)", "whole number"]),
    "a truth as users": ("users: 10", "users: true", ["CAS-E702", ":18)", "whole number"]),
    "half a build": ("build: 14.2.247.5", "build: 14.10", ["CAS-E702", ":15)", "14.1", "quotes"]),
    "unknown build": ("14.2.247.5", "14.2.28", ["CAS-E706", "rom-1", ":15)", "did you mean"]),
    "build of another line": ("14.2.247.5", "8.3.264.0", ["CAS-E706", ":15)", "Exchange 2010"]),
    "time as a number": ("40}", "22:00}", ["CAS-E702", ":15)", '"22:00"']),
    "no version": ("version: 2", "", ["CAS-E702", "has no version"]),
    "an inventory's file": ("version: 2", "version: 1", ["CAS-E702", ":1)", "-i FOLDER"]),
    "unknown field": ("estimated_minutes", "minutes", ["CAS-E702", ":15)", "unknown field"]),
    "unknown protocol": ("users: 10", "users: 1, protocol: owe", ["CAS-E702", ":18)", "owa"]),
    "no servers": (
        "      - {name: rom-1, build: 14.2.247.5, estimated_minutes: 40}\n",
        "",
        [":14"],
    ),
    "path to itself": ("target: rome", "target: paris", ["CAS-E708", ":18)"]),
    "unknown goal": ("{2010: 2010 SP2 RU2}", "{2010: 2010 SP2 RU22}", ["CAS-E706", ":21)", "RU2"]),
    "goal of another line": ("{2010:", "{2007:", ["CAS-E706", ":21)"]),
    "unknown pack": ("goals:", "rules: {packs: [exchange-1999]}\ngoals:", ["CAS-E707", ":21)"]),
    "rule without source": (
        "goals:",
        RULE.replace("      references: [ticket 4711]\n", "goals:"),
        ["CAS-E707", "rule ours", ":23)", "has no source"],
    ),
    "rule with an empty source": (
        "goals:",
        RULE.replace("ticket 4711", '" "') + "goals:",
        ["CAS-E707", "rule ours", ":30)", "empty source"],
    ),
    "rule that is shipped": (
        "goals:",
        RULE.replace("ours", "owa-2010-older-source") + "goals:",
        ["CAS-E707", "rule owa-2010-older-source", "is in rules.own and in pack"],
    ),
    "rule with half a build": (
        "goals:",
        RULE.replace("14.2.283.3}", "14.10}", 1) + "goals:",
        ["CAS-E707", ":26)", "quotes"],
    ),
    "policy without reason": ("goals:", 'policy: {strict: {x: ""}}\ngoals:', ["CAS-E702", ":21)"]),
    "version folder of no build": (
        "build: 2010 SP2 RTM}",
        "build: 2010 SP2 RTM, version_folders: [2007 SP3 RU99]}",
        ["CAS-E706", "host par-1", ":10)", "2007 SP3 RU99"],
    ),
    "unknown zone in windows": (
        "goals:",
        (
            "windows: {version: 1, zone: Europe/Pariss, from: 2026-11-02, windows: [{days: [sat], "
            'start: "22:00", duration: 1h}]}\ngoals:'
        ),
        ["Europe/Paris?", ":21)"],
    ),
    "windows that end before they start": (
        "goals:",
        (
            "windows: {version: 1, zone: UTC, from: 2026-11-02, windows: [\n"
            '  {start: "2026-11-07 22:00", end: "2026-11-07 21:00"}]}\ngoals:'
        ),
        ["window 1", ":22)"],
    ),
    "a colour for the terminal": (
        "fabrikam",
        '"\\e[31mfabrikam"',
        ["CAS-E006", ":2)", "unprintable character: '\\x1b'"],
    ),
    "digits of another script": ("14.2.247.5", "\u0661\u0664.2.247.5", ["CAS-E706", ":15)"]),
    "half a digest": (
        "{build: 2010 SP2 RU2}",
        "{build: 2010 SP2 RU2, sha256: abc}",
        ["CAS-E702", "package 2010 SP2 RU2", ":20)", "sha256"],
    ),
    "no web address": ("https://par/owa", "par/owa", ["CAS-E702", "host par-2", ":11)"]),
    "no YAML": ("sites:", "sites: [", ["CAS-E006", "YAML error"]),
    "key twice": ("goals:", "goals: {}\ngoals:", ["CAS-E007", ":22)"]),
    "a list": (GOOD, "- 1\n", ["CAS-E702", ":1)", "not a mapping"]),
    "nothing": (GOOD, "", ["CAS-E702", "is empty"]),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_told_with_their_place(fault: str, tmp_path: Path) -> None:
    old, new, says = FAULTS[fault]
    assert old in GOOD
    with pytest.raises(InvalidInput) as refused:
        read(tmp_path, GOOD.replace(old, new, 1))
    assert [text for text in says if text not in refused.value.message] == []


def test_a_fault_in_json_has_its_line_too(tmp_path: Path) -> None:
    data: dict[str, Any] = yaml.safe_load(GOOD)
    data["goals"] = {}
    data["paths"][0]["users"] = -1
    text = json.dumps(data, indent=2)
    line = next(n for n, row in enumerate(text.splitlines(), 1) if '"users": -1' in row)
    with pytest.raises(InvalidInput, match=f"o.json:{line}"):
        read(tmp_path, text, "o.json")


@pytest.mark.parametrize(
    "text",
    ["", "{", "[" * 100_000, '{"a": 1, "a": 2}', "NaN", "9" * 10_000, "\ufeff{}", "null", "[]"],
    ids=["empty", "open", "deep", "twice", "nan", "huge", "bom", "null", "list"],
)
def test_rubbish_as_json_is_a_message(text: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as refused:
        read(tmp_path, text, "o.json")
    assert "o.json" in refused.value.message


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("fabrikam", "\\ud800", "unprintable character in organization: '\\ud800'"),
        ("2010 SP2 RTM", "\\u001b[2J", "in pools.0.servers.0.build: '\\x1b'"),
        ('"goals"', '"go\\udfffals"', "in go?als: '\\udfff'"),
        ("fabrikam", "fabri\x7fkam", "unprintable character"),
    ],
)
def test_characters_nobody_can_print_are_refused_in_json(
    old: str, new: str, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = json.dumps({str(k): v for k, v in yaml.safe_load(GOOD).items()}).replace(old, new)
    (tmp_path / "o.json").write_text(text, encoding="utf-8")
    assert main(["plan", "--organization", str(tmp_path / "o.json")]) == 1
    said = capsys.readouterr().err
    assert "CAS-E701" in said
    assert says in said


def test_a_pair_of_surrogates_is_one_character(tmp_path: Path) -> None:
    data = yaml.safe_load(GOOD)
    data["goals"] = {}
    text = json.dumps(data).replace("fabrikam", "\\ud83d\\ude00")
    assert read(tmp_path, text, "o.json").topology.organization == "\N{GRINNING FACE}"


def test_a_missing_file_is_a_message(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="No such file"):
        read_organization(tmp_path / "none.yml", catalogue(), rule_pack)


def test_a_million_servers_are_refused_in_reasonable_time(tmp_path: Path) -> None:
    file = tmp_path / "large.json"
    servers = ",".join(f'{{"name":"s{n}","build":"14.2.247.5"}}' for n in range(1_000_000))
    pool = f'{{"site":"a","product_line":"2010","servers":[{servers}]}}'
    file.write_text(f'{{"version":2,"organization":"x","sites":[{{"name":"a"}}],"pools":[{pool}]}}')
    began = time.process_time()
    with pytest.raises(InvalidInput, match=r"CAS-E703 .* 1000000 servers"):
        read_organization(file, catalogue(), rule_pack)
    assert time.process_time() - began < 30


def test_a_million_servers_as_yaml_are_not_even_read(tmp_path: Path) -> None:
    file = tmp_path / "large.yml"
    file.write_text("  - {name: x, build: 14.2.247.5}\n" * 1_000_000)
    with pytest.raises(InvalidInput, match="write it as JSON"):
        read_organization(file, catalogue(), rule_pack)


def test_a_thousand_faults_are_not_a_thousand_lines(tmp_path: Path) -> None:
    data = yaml.safe_load(GOOD)
    data["goals"] = {}
    data["pools"][0]["servers"] = [{"name": f"s{n}", "build": 14.1} for n in range(1000)]
    with pytest.raises(InvalidInput) as refused:
        read(tmp_path, json.dumps(data), "o.json")
    assert len(refused.value.diagnostics) < 60
    assert "more faults" in refused.value.message


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--organization", "FILE", "-i", "x"], "either"),
        ([], "either"),
        (["--organization", "FILE", "--live"], "has none"),
        (["--organization", "FILE", "--write-organization", "FILE"], "is not overwritten"),
    ],
)
def test_wrong_use_is_a_sentence(
    arguments: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "o.yml"
    file.write_text(GOOD)
    assert main(["plan", *(str(file) if a == "FILE" else a for a in arguments)]) == 1
    assert says in capsys.readouterr().err


def test_a_plan_needs_no_hosts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "o.yml"
    file.write_text(GOOD)
    assert main(["plan", "--organization", str(file), "-o", str(tmp_path / "plan")]) == 0
    assert (tmp_path / "plan" / "plan.json").is_file()
    file.write_text(GOOD.replace("goals:", "policy: {strict: {nobody: because}}\ngoals:"))
    assert main(["plan", "--organization", str(file)]) == 1
    assert "CAS-E307 rule nobody" in capsys.readouterr().err


def test_the_shipped_schemas_are_those_of_the_code() -> None:
    for path, schema in SHIPPED.items():
        assert json.loads(path.read_text(encoding="utf-8")) == schema()


def test_the_schema_says_what_may_be_left_out() -> None:
    assert organization_schema()["required"] == ["organization", "sites", "pools", "version"]


def test_writing_where_nothing_can_be_written_is_a_sentence(tmp_path: Path) -> None:
    from orchestrator.planfile.organization_file import write_organization

    case = load_case(FOLDER / "01-target-first.yml")
    document = organization_document(case.topology, case.start, case.goals, case.book)
    with pytest.raises(OrchestratorError, match="cannot be written"):
        write_organization(document, tmp_path / "nowhere" / "o.yml")


FOLDERS = """\
version: 2
organization: fabrikam
sites: [{name: paris}, {name: rome}]
pools:
  - {site: paris, product_line: 2007, servers: [{name: par-1, build: 2007 SP3 RU7FOLDERS}]}
  - {site: rome, product_line: 2007, hold: later, servers: [{name: rom-1, build: 2007 SP3 RU6}]}
paths: [{source: paris/2007, target: rome/2007, users: 10}]
packages: [{build: 2007 SP3 RU7}]
goals: {2007: 2007 SP3 RU7}
"""


@pytest.mark.parametrize(("said", "copies"), [("", 1), (", version_folders: [2007 SP3 RU6]", 0)])
def test_a_folder_the_document_names_is_not_copied(said: str, copies: int, tmp_path: Path) -> None:
    found = read(tmp_path, FOLDERS.replace("FOLDERS", said))
    book = found.rules.book(rule_pack, found.policy)
    end = goal_state(found.topology, found.state, found.goals, catalogue())
    plan = make_plan(found.topology, found.state, end, book, catalogue())
    assert sum(step.kind.copies_folder for step in plan.steps) == copies
    written = organization_document(found.topology, found.state, found.goals, book)
    again = read(tmp_path, render_organization(written, tmp_path / "x.yml"))
    assert again.state.version_folders == found.state.version_folders


def test_the_pack_for_2010_in_front_of_2007_is_in_force_where_it_is_named(tmp_path: Path) -> None:
    packs = "rules: {packs: [exchange-2007-2010, version-folders-2010-2007]}\n"
    found = read(tmp_path, GOOD + packs)
    assert found.rules.packs == ("exchange-2007-2010", "version-folders-2010-2007")
    own = RULE.replace("      references", "      remedy: version-folder\n      references")
    (rule,) = read(tmp_path, GOOD + own).rules.own
    assert rule.remedy == "version-folder"
