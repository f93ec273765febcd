"""The verdict matrix for OWA by proxy, cell by cell, with its confidences."""

from __future__ import annotations

import pytest
from support.cases import FOLDER, load_case

from orchestrator.model.build import Build
from orchestrator.model.topology import Protocol
from orchestrator.rules.engine import NO_RULE, RuleBook
from orchestrator.rules.rule import Policy
from orchestrator.shipped import catalogue, rule_pack

BUILDS = {
    "A-": "2010 SP1 RU6",
    "A": "2010 SP2",
    "B": "2010 SP2 RU1",
    "C": "2010 SP2 RU2",
    "C+": "2010 SP2 RU3",
    "D-": "2007 SP3 RU5",
    "D": "2007 SP3 RU6",
    "E": "2007 SP3 RU7",
}
MATRIX = """
   A-         A          B         C         C+        D-         D          E
A- ok:infer   adv:infer  adv:infer adv:infer adv:infer ok:infer   ok:infer   ok:infer
A  ok:infer   ok:infer   adv:infer adv:infer adv:infer ok:infer   ok:infer   ok:infer
B  broken:doc broken:doc ok:doc    adv:infer adv:infer broken:doc broken:doc unk:open
C  unk:open   unk:open   ok:infer  ok:infer  adv:infer unk:open   unk:open   ok:infer
C+ unk:open   unk:open   ok:infer  ok:infer  ok:infer  unk:open   unk:open   ok:infer
D  -          -          -         -         -         broken:doc ok:infer   broken:doc
E  -          -          -         -         -         broken:doc broken:doc ok:infer
"""


def cells() -> list[tuple[str, str, str]]:
    head, *rows = [line.split() for line in MATRIX.strip().splitlines()]
    return [
        (row[0], target, cell.replace("adv:", "advisory:").replace("unk:", "unknown:"))
        for row in rows
        for target, cell in zip(head, row[1:], strict=True)
        if cell != "-"
    ]


@pytest.mark.parametrize(("source", "target", "cell"), cells())
def test_cell(source: str, target: str, cell: str) -> None:
    book = RuleBook(rule_pack())
    read = catalogue().read
    found = book.judge(Protocol.OWA, read(BUILDS[source]), read(BUILDS[target]))
    assert f"{found.verdict}:{found.rule.confidence}" == cell
    assert found.rule.id != NO_RULE
    assert found.rule.references


def test_every_rule_that_can_hurt_names_what_users_see() -> None:
    for rule in rule_pack():
        if rule.verdict.severity:
            assert rule.symptom.user, rule.id
            assert rule.symptom.event_id in {46, 4999}, rule.id


A, B, C = (Build(14, 2, 247, 5), Build(14, 2, 283, 3), Build(14, 2, 298, 4))


def test_unknown_blocks_until_accepted_and_stays_unknown() -> None:
    rule = "owa-cookie-ru2-to-older-2010"
    before = RuleBook(rule_pack()).judge(Protocol.OWA, C, A)
    after = RuleBook(rule_pack(), Policy(accepted={rule: "why"})).judge(Protocol.OWA, C, A)
    assert (before.verdict, before.blocks, before.leans) == ("unknown", True, False)
    assert (after.verdict, after.blocks, after.leans, after.accepted) == (
        *("unknown", False, True),
        "why",
    )


def test_strict_makes_an_advisory_broken_and_beats_acceptance() -> None:
    rule = "owa-2010-older-source"
    assert not RuleBook(rule_pack()).judge(Protocol.OWA, A, C).blocks
    strict = RuleBook(rule_pack(), Policy(strict={rule: "why"})).judge(Protocol.OWA, A, C)
    assert (strict.verdict, strict.blocks) == ("broken", True)
    unknown = "owa-cookie-ru2-to-older-2010"
    both = Policy(accepted={unknown: "x"}, strict={unknown: "y"})
    assert RuleBook(rule_pack(), both).judge(Protocol.OWA, C, A).blocks


def test_silence_of_all_rules_is_unknown() -> None:
    found = RuleBook(()).judge(Protocol.OWA, A, C)
    assert (found.verdict, found.rule.id, found.blocks) == ("unknown", NO_RULE, True)


def test_the_worst_rule_decides() -> None:
    found = RuleBook(rule_pack()).judge(Protocol.OWA, A, B)
    assert found.rule.id == "owa-2010-older-source"


OLD_2007, NEW_2007 = Build(8, 3, 245, 2), Build(8, 3, 264, 0)
NEWER = "owa-2007-newer-source"


def test_a_folder_lifts_the_verdict_and_keeps_the_name_of_the_rule() -> None:
    book = RuleBook(rule_pack())
    without = book.judge(Protocol.OWA, NEW_2007, OLD_2007)
    found = book.judge(Protocol.OWA, NEW_2007, OLD_2007, folder=True)
    assert (without.verdict, without.remedied) == ("broken", False)
    assert (found.verdict, found.rule.id, found.remedied) == ("ok", NEWER, True)
    assert book.needs_folder(Protocol.OWA, NEW_2007, OLD_2007)
    # It is no remedy for an older source.
    assert book.judge(Protocol.OWA, OLD_2007, NEW_2007, folder=True).blocks


def test_a_folder_lifts_nothing_that_the_farm_has_disproved() -> None:
    book = RuleBook(rule_pack(), Policy(strict={NEWER: "seen"}))
    assert book.judge(Protocol.OWA, NEW_2007, OLD_2007, folder=True).blocks
    assert not book.has_remedies


def test_who_takes_the_risk_waits_for_no_folder() -> None:
    rules = (*rule_pack(), *rule_pack("version-folders-2010-2007"))
    rule = "owa-2010-to-2007-version-folder"
    assert RuleBook(rules).needs_folder(Protocol.OWA, A, OLD_2007)
    book = RuleBook(rules, Policy(accepted={rule: "why"}))
    found = book.judge(Protocol.OWA, A, OLD_2007, folder=True)
    assert (found.leans, found.accepted) == (True, "why")
    assert not book.needs_folder(Protocol.OWA, A, OLD_2007)


def test_only_folders_of_use_are_kept() -> None:
    case = load_case(FOLDER / "73-2007-in-front-of-2007.yml")
    there = {("paris-2007-1", OLD_2007), ("paris-2007-1", A), ("rome-2007-1", NEW_2007)}
    assert case.book.folders_of_use(case.topology, there) == {("paris-2007-1", OLD_2007)}
