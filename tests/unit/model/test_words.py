"""Numbers with their nouns, and that nobody writes a noun of several after one number."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from orchestrator.cli.main import main
from orchestrator.model.words import counted

SMALL = """\
version: 2
organization: fabrikam
sites: [{name: paris}, {name: rome}]
pools:
  - site: paris
    product_line: "2010"
    servers: [{name: par-1, build: 2010 SP2 RU2}]
  - site: rome
    product_line: "2010"
    servers: [{name: rom-1, build: 2010 SP2}]
    outage_consent: true
    test_mailbox: a@rome.example
paths: [{source: paris/2010, target: rome/2010, users: 1}]
packages: [{build: 2010 SP2 RU2}]
goals: {"2010": 2010 SP2 RU2}
"""
WRONG = re.compile(
    r"(?<![0-9.,:])1 (paths|users|servers|steps|probes|states|minutes|sites|files|hosts|windows)\b"
)


def test_one_and_several() -> None:
    assert [counted(n, "path") for n in (0, 1, 2)] == ["0 paths", "1 path", "2 paths"]
    assert counted(2, "switch", "switches") == "2 switches"


def test_a_farm_of_one_path_and_one_user_is_told_in_grammar(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "o.yml").write_text(SMALL)
    plan = str(tmp_path / "plan")
    said = ""
    for words in (
        ["plan", "--organization", str(tmp_path / "o.yml"), "-o", plan],
        ["show", plan],
        ["check", plan],
        ["explain", plan, "rome/2010"],
        ["explain", plan, "paris/2010 -> rome/2010 (owa)"],
        ["explain", plan, "upgrade-rome-2010-1"],
        ["status", plan],
        ["report", plan],
    ):
        assert main(words) == 0, words
        shown = capsys.readouterr()
        said += shown.out + shown.err
    said += (tmp_path / "plan" / "report.html").read_text(encoding="utf-8")
    assert "of 1 path" in said
    assert WRONG.findall(said) == []
