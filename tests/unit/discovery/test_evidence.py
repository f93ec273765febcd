"""Evidence adds up without losing where and when."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from orchestrator.diagnostic import Diagnostic, Place
from orchestrator.discovery.evidence import Evidence, Sighting, host_name, together

EARLY = datetime(2012, 2, 20, 8, tzinfo=UTC)
LATE = datetime(2012, 2, 21, 8, tzinfo=UTC)


def test_sightings_add_up() -> None:
    both = Sighting(Place("b.log", 7), 2, LATE, LATE) + Sighting(Place("a.log", 9), 1, EARLY, EARLY)
    assert both == Sighting(Place("a.log", 9), 3, EARLY, LATE)


def test_a_sighting_without_time_does_not_lose_the_other_ones() -> None:
    both = Sighting(Place("a.log", 1)) + Sighting(Place("a.log", 2), 1, EARLY, LATE)
    assert (both.first, both.last, both.count) == (EARLY, LATE, 2)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("CONTOSO\\PAR-CAS-01$", "par-cas-01"),
        ("Par-Cas-01.contoso.example", "par-cas-01"),
        ("10.1.2.3", "10.1.2.3"),
        ("fe80::1", "fe80::1"),
        (" PAR-CAS-01 ", "par-cas-01"),
    ],
)
def test_names_of_hosts(text: str, name: str) -> None:
    assert host_name(text) == name


def test_findings_of_all_parts_survive() -> None:
    parts = [Evidence(findings=(Diagnostic("CAS-W801", "x", str(n)),)) for n in range(3)]
    assert [d.message for d in together(parts).findings] == ["0", "1", "2"]
