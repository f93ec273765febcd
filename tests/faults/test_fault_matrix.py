"""Four cells of the fault matrix; the whole of it: `make test-full`, docs/fault-matrix.md."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .cells import BACK, ON, UPGRADE, cells
from .ground import prepare
from .matrix import once

CHOSEN = {
    ("reset after", UPGRADE): ("paused", "is in-doubt: the answer of"),
    ("msiexec 1603 before", BACK): ("paused", "is failed: rom-cas-01 failed"),
    ("refused before at the management host", ON): ("paused", "could not be reached"),
    ("wrong-build 14.2.283.3 after", UPGRADE): ("paused", "is failed: rom-cas-01 failed"),
}


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Path], tuple[Any, ...]]:
    return prepare(tmp_path_factory.mktemp("ground"))


@pytest.mark.parametrize(("name", "operation"), CHOSEN, ids=lambda part: str(part))
def test_a_fault_ends_as_paused_with_its_cause_and_the_run_goes_on(
    ground: tuple[dict[str, Path], tuple[Any, ...]], tmp_path: Path, name: str, operation: str
) -> None:
    fault = next(f for f, o in cells() if (str(f), o) == (name, operation))
    cell = once(*ground, tmp_path / "cell", fault, operation)
    ended, because = CHOSEN[name, operation]
    assert cell.wrong == []
    assert cell.struck
    assert cell.ended == ended
    assert because in cell.because
    assert cell.then in ("done", "refused, the farm moved")
