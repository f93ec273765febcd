from __future__ import annotations

import pytest

from orchestrator.model.build import Build, Catalogue, UnknownBuild
from orchestrator.shipped import catalogue


@pytest.mark.parametrize(
    "text",
    [
        *("14.2.283.3", "14.02.0283.003", " 14.2.283.3 ", "2010 SP2 RU1", "exchange 2010 sp2 ru1"),
        *("Exchange Server 2010 SP2 RU1", "2010-SP2-RU1", "2010_sp2  ru1"),
    ],
)
def test_every_spelling_of_ru1_is_the_same_build(text: str) -> None:
    assert catalogue().read(text) == Build(14, 2, 283, 3)


@pytest.mark.parametrize("text", ["2010 SP2", "2010 SP2 RTM", "14.2.247.5"])
def test_a_service_pack_itself(text: str) -> None:
    assert catalogue().read(text) == Build(14, 2, 247, 5)


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [
        ("14.2.28", "14.2.283.3 (2010 SP2 RU1)"),
        ("14.2.284.3", "14.2.283.3 (2010 SP2 RU1)"),
        ("2010 SP2 RU1x", "14.2.283.3 (2010 SP2 RU1)"),
    ],
)
def test_unknown_builds_suggest_the_nearest(text: str, suggestion: str) -> None:
    with pytest.raises(UnknownBuild, match=r"did you mean") as refused:
        catalogue().read(text)
    assert suggestion in str(refused.value)


@pytest.mark.parametrize("text", ["", "x", "14", "99.9.9.9", "14.2.283.3.1", "-1.2.3.4"])
def test_nonsense_is_refused(text: str) -> None:
    with pytest.raises(UnknownBuild):
        catalogue().read(text)


def test_parts_compare_as_numbers_not_as_text() -> None:
    assert Build.parse("14.2.328.5") < Build.parse("14.2.328.10")


def test_every_row_reads_back_by_number_and_by_a_name_of_its_own_line() -> None:
    known = catalogue()
    assert len(known) == 397
    for build, release in known._by_build.items():
        assert known.read(str(build)) == build
        assert known.product_line(known.read(release.name)) == release.product_line


def test_product_line_of_a_build_the_catalogue_lacks() -> None:
    empty = Catalogue([])
    assert empty.product_line(Build(14, 2, 1, 1)) == "2010"
    assert empty.product_line(Build(15, 0, 1, 1)) == "2013"
    assert empty.product_line(Build(15, 2, 1, 1)) is None
    assert empty.name(Build(14, 2, 1, 1)) == "14.2.1.1"
