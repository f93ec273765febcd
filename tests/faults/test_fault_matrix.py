"""Three cells of the fault matrix, on a farm whose servers are drained by their OWA.

The whole of it: `make test-full`, docs/fault-matrix.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.lab.store import read_records

from .cells import BACK, MADRID, ON, ROME, UPGRADE, cells
from .ground import Ground, prepare
from .matrix import once

CHOSEN = {
    ("reset after", UPGRADE): ("paused", "is in-doubt: the answer of"),
    ("service-stopped MSExchangeFBA after", ON): ("paused", "mad-cas-01 failed"),
    ("msiexec 1603 before", BACK): ("paused", "is failed: rom-cas-01 failed"),
}


Prepared = tuple[dict[str, Path], tuple[Any, ...]]


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prepared]:
    """A whole window, with a pause before each kind of step."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Ground, "more", (*Ground.more, "-e", "exchange_drain_method=owa"))
        yield prepare(tmp_path_factory.mktemp("ground"))


def test_servers_went_out_of_service_for_their_change_and_came_back(ground: Prepared) -> None:
    folder = ground[0][UPGRADE].parent / "made"
    calls = [
        (call["target"], call["args"].get("state", "query"), call["result"])
        for call in read_records(folder / "lab" / "modules.jsonl")
        if call["module"] == "exchange_drain" and call["result"] == "changed"
    ]
    assert calls == [
        (server, state, "changed") for server in (ROME, MADRID) for state in ("out", "back")
    ]
    assert list((folder / "farm" / ".orchestrator" / "drained").iterdir()) == []
    outcomes = {request["outcome"] for request in read_records(folder / "lab" / "requests.jsonl")}
    assert "broken" not in outcomes


@pytest.mark.parametrize(("name", "operation"), CHOSEN, ids=lambda part: str(part))
def test_a_fault_ends_as_paused_with_its_cause_and_the_run_goes_on(
    ground: Prepared, tmp_path: Path, name: str, operation: str
) -> None:
    fault = next(f for f, o in cells() if (str(f), o) == (name, operation))
    cell = once(*ground, tmp_path / "cell", fault, operation)
    ended, because = CHOSEN[name, operation]
    assert cell.wrong == []
    assert cell.struck
    assert cell.ended == ended
    assert because in cell.because
    assert cell.then in ("done", "refused, the farm moved")
