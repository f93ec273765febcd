"""A way back whose answer is lost: what is said, and that it goes on (all rows: `way_backs`)."""

from __future__ import annotations

from pathlib import Path

from orchestrator.journal.steps import StepStatus

from .scene import KILLED, Boundary, Scene
from .way_back_scenes import ADDRESS_LOST, SHORT, faults


def test_a_way_back_that_stops_says_how_the_farm_is_and_what_remains(tmp_path: Path) -> None:
    assert faults(tmp_path, SHORT, ADDRESS_LOST) == []


def test_a_way_back_that_begins_by_itself_may_die_after_its_last_entry(tmp_path: Path) -> None:
    """Every other place: docs/crash-matrix.md."""
    with Scene(tmp_path) as scene:
        start = scene.picture()
        scene.lab.set("package.14.2.298.4=missing")
        killed = scene.apply("--on-failure", "rollback", at=Boundary("after", "run-finished"))
        assert killed.code == KILLED, killed.text
        assert scene.run_view().status(SHORT.fails) is StepStatus.FAILED
        ended = scene.run(
            "resume", str(scene.plan / "runs" / "1"), "--take-over", options=scene.options
        )
        assert ended.code == 0, ended.text
        assert scene.faults_of_a_way_back(start) == []
