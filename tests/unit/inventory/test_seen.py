"""findings.yml: what this farm has shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.errors import OrchestratorError
from orchestrator.inventory.findings import Findings
from orchestrator.inventory.seen import FILE, Seen, keep, read


def _seen(rule: str, on: str) -> Seen:
    return Seen(rule, on, 46, "refused", "sha256:" + "a" * 64, "verify-pilot", "b" * 64)


def test_what_is_kept_is_read_again_and_the_latest_counts(tmp_path: Path) -> None:
    assert read(tmp_path, Findings()) == {}
    first = _seen("older", "2026-01-02T03:04:05+00:00")
    keep(tmp_path, [first, _seen("other", "2026-01-02T03:04:05+00:00")])
    again = _seen("older", "2026-02-02T03:04:05+00:00")
    keep(tmp_path, [again])
    found = read(tmp_path, Findings())
    assert set(found) == {"older", "other"}
    assert found["older"] == again
    assert str(again) == (
        "seen on this farm on 2026-02-02, event 46 (step verify-pilot of plan "
        "sha256:aaaaaaaaaaaa, journal bbbbbbbbbbbb)"
    )


def test_what_a_server_said_can_be_read_again_whatever_it_was(tmp_path: Path) -> None:
    said = Seen("r", "2026-01-02T03:04:05+00:00", 46, "a\x1b[2J\0\ud800\nb", "p", "s", "j")
    keep(tmp_path, [said])
    assert read(tmp_path, Findings())["r"].said == "a?[2J??\nb"


@pytest.mark.parametrize(
    "text",
    [
        *("disproved: 3", "disproved: [{rule: x}]", "a: [", "who: me", "- 1"),
        "disproved: [{rule: x, seen: 2026-02-30, event: a}]",
        "disproved: " + "9" * 5_000,
        "disproved: []\ndisproved: []",
    ],
    ids=range(8),
)
def test_a_spoiled_file_is_named_and_never_overwritten(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    findings = Findings()
    assert read(tmp_path, findings) == {}
    assert [found.code for found in findings.errors] == ["CAS-E219"]
    with pytest.raises(OrchestratorError, match="CAS-E219"):
        keep(tmp_path, [_seen("older", "2026-01-02T03:04:05+00:00")])
    assert (tmp_path / FILE).read_text() == text
