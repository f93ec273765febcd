"""A way back whose answer is lost: what is said, and that it goes on (all rows: `way_backs`)."""

from __future__ import annotations

from pathlib import Path

from .way_back_scenes import ADDRESS_LOST, SHORT, faults


def test_a_way_back_that_stops_says_how_the_farm_is_and_what_remains(tmp_path: Path) -> None:
    assert faults(tmp_path, SHORT, ADDRESS_LOST) == []
