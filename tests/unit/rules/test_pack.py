from __future__ import annotations

import copy
from typing import Any

import pytest

from orchestrator.rules.pack import RuleEntry, entry_of, parse_pack, rules_of
from orchestrator.rules.rule import Remedy

PACK: dict[str, Any] = {
    "pack": "test",
    "references": {"kb": "KB 1"},
    "rules": [
        {
            "id": "one",
            "title": "first",
            "protocols": ["owa"],
            "source": {"at_least": "14.0.0.0"},
            "target": {"below": "14.2.283.3"},
            "verdict": "broken",
            "confidence": "doc",
            "references": ["kb"],
        }
    ],
}


def broken(**changes: Any) -> dict[str, Any]:
    pack = copy.deepcopy(PACK)
    pack["rules"][0].update(changes)
    return pack


def test_a_pack_becomes_rules_with_their_sources_spelt_out() -> None:
    (rule,) = parse_pack(PACK)
    assert rule.references == ("KB 1",)
    assert rule.place == "test"


@pytest.mark.parametrize(
    ("pack", "says"),
    [
        (broken(references=[]), "references"),
        (broken(references=["other"]), "reference other is not listed"),
        (broken(verdict="fine"), "verdict"),
        (broken(confidence="sure"), "confidence"),
        (broken(source={"at_least": 14.1}), "read as a number"),
        (broken(source={"at_least": "14.1"}), "four parts"),
        (broken(colour="red"), "colour"),
        (broken(protocols=[]), "protocols"),
        (broken(id="Not Good"), "id"),
        ({**PACK, "rules": PACK["rules"] * 2}, "two rules are called one"),
    ],
)
def test_faults_are_named(pack: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        parse_pack(pack)


def test_a_remedy_is_one_that_is_known_and_survives_being_written() -> None:
    (rule,) = parse_pack(broken(remedy="version-folder"))
    assert rule.remedy is Remedy.VERSION_FOLDER
    written = entry_of(rule).model_dump(mode="json")
    assert written["remedy"] == "version-folder"
    (again,) = rules_of([RuleEntry.model_validate(written)], None, "test")
    assert again == rule
    assert "remedy" not in entry_of(parse_pack(PACK)[0]).model_dump(mode="json")
    with pytest.raises(ValueError, match="remedy"):
        parse_pack(broken(remedy="prayer"))
