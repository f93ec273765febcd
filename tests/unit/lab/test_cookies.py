"""The invented cookie table, written out in full once more."""

from __future__ import annotations

import pytest

from orchestrator.lab.builds import parse_build
from orchestrator.lab.cookies import issued_by, readable_by

RTM, RU1, RU2, RU3 = "14.2.247.5", "14.2.283.3", "14.2.298.4", "14.2.309.2"
OLD_2007, RU7_2007 = "8.3.245.2", "8.3.264.0"


def works(source: str, target: str, fix: str = "both") -> bool:
    issued = issued_by(parse_build(target), fix)
    return issued in readable_by(parse_build(source), fix)


@pytest.mark.parametrize(
    ("source", "fine"),
    [
        (RTM, {RTM, RU1, RU2, RU3, OLD_2007, RU7_2007}),
        (RU1, {RU1, RU2, RU3}),
        (RU2, {RU1, RU2, RU3, RU7_2007}),
        (RU3, {RU1, RU2, RU3, RU7_2007}),
        (OLD_2007, {OLD_2007, RU7_2007}),
    ],
)
def test_who_reads_whose_cookie(source: str, fine: set[str]) -> None:
    targets = [RTM, RU1, RU2, RU3, OLD_2007, RU7_2007]
    if source == OLD_2007:
        targets = [OLD_2007, RU7_2007]
    assert {target for target in targets if works(source, target)} == fine


def test_the_switch_moves_the_fix() -> None:
    assert works(RU2, RTM, "source")
    assert works(RU2, OLD_2007, "source")
    assert not works(RU1, RU7_2007, "source")
    assert works(RU1, RU7_2007, "target")
    assert not works(RU2, OLD_2007, "target")
    for fix in ("both", "source", "target"):
        assert not works(RU1, RTM, fix)
        assert not works(RU1, OLD_2007, fix)
        assert works(RU1, RU1, fix)
        assert works(RU2, RU7_2007, fix)
