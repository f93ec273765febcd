"""policy.yml: thresholds of the gates, with a place for every fault."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orchestrator.errors import InvalidInput
from orchestrator.inventory.policy_document import PolicyFile
from orchestrator.inventory.policy_file import _thresholds, read_thresholds
from orchestrator.inventory.schema import SHIPPED_POLICY, policy_text
from orchestrator.model.thresholds import Response, Thresholds


def written(folder: Path, text: str) -> Path:
    (folder / "policy.yml").write_text(text)
    return folder


def test_without_a_file_and_with_an_empty_one_the_defaults_hold(tmp_path: Path) -> None:
    assert read_thresholds(tmp_path) == Thresholds()
    assert read_thresholds(written(tmp_path, "version: 1\n")) == Thresholds()
    assert _thresholds(PolicyFile(version=1)) == Thresholds()


def test_every_field(tmp_path: Path) -> None:
    text = (
        "version: 1\npaths: {baseline: false, lost: report, unknown: stop}\n"
        "events: {cookie_error: report}\nprobes: {at_once: 4, per_source: 1}\n"
        "estimates: {least_runs: 3, percentile: 80}\n"
    )
    assert read_thresholds(written(tmp_path, text)) == Thresholds(
        baseline=False,
        lost_path=Response.REPORT,
        unknown_coverage=Response.STOP,
        event_4999=Response.REPORT,
        probes_at_once=4,
        probes_per_source=1,
        least_runs=3,
        percentile=80,
    )


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("version: 1\npaths: {lost: ignore}\n", 2, 'paths.lost "ignore"'),
        ("version: 1\n\npath: {lost: stop}\n", 3, "has an unknown field path"),
        ("version: 1\nevents: {cookie: stop}\n", 2, "unknown field events.cookie"),
        ("version: 1\nprobes: {per_source: 0}\n", 2, "probes.per_source 0"),
        ("paths: {lost: stop}\n", 1, "has no version"),
        ("version: 1\nestimates: {percentile: 200}\n", 2, "estimates.percentile 200"),
        ("- 1\n", 1, "is not a mapping"),
    ],
)
def test_a_fault_has_its_place(tmp_path: Path, text: str, line: int, said: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_thresholds(written(tmp_path, text))
    (found,) = caught.value.diagnostics
    assert found.code == "CAS-E620"
    assert said in str(found)
    assert found.place is not None
    assert found.place.line == line


def test_a_threshold_that_stands_twice_is_not_silently_the_later_one(tmp_path: Path) -> None:
    text = "version: 1\npaths: {lost: stop}\npaths: {lost: report}\n"
    with pytest.raises(InvalidInput, match=r"CAS-E007 key paths: stands twice.*policy\.yml:3\)"):
        read_thresholds(written(tmp_path, text))


def test_the_shipped_schema_is_the_models(tmp_path: Path) -> None:
    assert SHIPPED_POLICY.read_text() == policy_text()
    assert json.loads(policy_text())["properties"].keys() == {
        *("version", "paths", "probes", "events", "estimates")
    }
