"""Faults as values: what can be armed, when one fits, how often it strikes."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.lab.errors import LabError
from orchestrator.lab.faults import AFTER, BEFORE, KINDS, Fault, Faults, parse

NAMES = {"mgmt", "a", "rome"}


def _faults(*armed: Fault) -> tuple[Faults, list[Fault]]:
    struck: list[Fault] = []
    return Faults(struck.append, list(armed)), struck


def test_a_fault_strikes_as_often_as_told_and_is_gone() -> None:
    faults, struck = _faults(Fault("reset", at="a", module="m", when=AFTER, times=2, skip=1))
    ask = {"on": ("mgmt", "a"), "module": "m", "when": AFTER}
    assert faults.take("reset", **ask) is None, "the first moment is let through"
    assert faults.take("reset", **{**ask, "module": "other"}) is None
    assert faults.take("reset", **{**ask, "when": BEFORE}) is None
    assert faults.take("reset", **{**ask, "on": ("b",)}) is None
    assert faults.take("garbage", **ask) is None
    assert faults.take("reset", "hang", **ask) is not None
    assert faults.take("reset", **ask) is not None
    assert faults.take("reset", **ask) is None
    assert len(struck) == 2
    assert faults.armed == []


def test_a_condition_holds_until_it_is_cleared() -> None:
    faults, _ = _faults(parse({"kind": "clock-skew", "at": "a", "value": -30}, NAMES))
    for _ in range(3):
        skew = faults.lasting("clock-skew", "a")
        assert skew is not None
        assert skew.seconds == -30
    assert faults.lasting("clock-skew", "b") is None


def test_what_was_armed_survives_the_lab() -> None:
    faults, _ = _faults(*(parse(_least(kind), NAMES) for kind in KINDS))
    again, _ = _faults()
    again.load(faults.dump())
    assert again.armed == faults.armed
    assert parse({"kind": "replication"}, NAMES).seconds == float("inf")


def _least(kind: str) -> dict[str, Any]:
    return {"kind": kind, "at": "a", **({"value": "1.2.3.4"} if "update" in kind else {})}


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("reset", "is a mapping"),
        ({"kind": "reset", "who": "me"}, "is a mapping"),
        ({"kind": "gremlin"}, 'unknown fault "gremlin"'),
        ({"kind": "reset", "at": "b"}, 'no "b" in this farm'),
        ({"kind": "reset", "when": "later"}, "before or after"),
        ({"kind": "reset", "times": -1}, "times is a whole number"),
        ({"kind": "reset", "skip": True}, "skip is a whole number"),
        ({"kind": "slow-install", "value": "long"}, "seconds is a number"),
        ({"kind": "msiexec", "value": "x"}, "code is a number"),
        ({"kind": "refused"}, "needs --at"),
        ({"kind": "windows-update", "at": "a"}, "the build as --value"),
    ],
)
def test_what_is_no_fault_is_refused(entry: Any, said: str) -> None:
    with pytest.raises(LabError, match=said):
        parse(entry, NAMES)
