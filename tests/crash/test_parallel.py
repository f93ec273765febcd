"""Two steps at once, the program killed while both are at work, and a pause in between."""

from __future__ import annotations

from pathlib import Path

from .scene import KILLED, Boundary, Scene, at_once, begun, end, until

DOORS = (("mad-cas-01", "berlin"), ("mad-cas-01", "rome"), ("mad-cas-01", "lisbon"))
UPGRADED = {
    "ber-cas-01": ("14.2.298.4", ["14.2.298.4"], ""),
    "lis-cas-71": ("8.3.264.0", ["8.3.245.2", "8.3.264.0"], ""),
    "mad-cas-01": ("14.2.298.4", ["14.2.298.4"], ""),
    "rom-cas-01": ("14.2.298.4", ["14.2.298.4"], ""),
}
TWO = ("--max-parallel", "2")


def test_killed_with_two_steps_at_work_it_ends_as_if_nothing_had_happened(tmp_path: Path) -> None:
    with Scene(tmp_path, farm="leaves", doors=DOORS) as scene:
        steps = scene.steps()
        pair = [name for name in steps if name.startswith("upgrade")][1:3]
        killed = scene.apply(*TWO, at=Boundary("after", "step-child", pair[1]))
        assert killed.code == KILLED, killed.text
        run = scene.run_view()
        assert {run.steps[name].status.value for name in pair} == {"started"}
        # The other's child may not be in the journal yet: it is found by the folder of its run.
        assert "pid" in run.steps[pair[1]].child

        last = at_once(scene, "resume", "--take-over", *TWO)
        until(begun(scene, "step-started", steps[-2]), "the step after the pair")
        paused = scene.run("pause", str(scene.plan))
        assert paused.code == 0, paused.text
        ended = end(last)
        assert ended.code == 5, ended.text
        ended = scene.resume(*TWO)
        assert ended.code == 0, ended.text
        assert scene.faults(UPGRADED) == []
        assert scene.outcomes()["ok"] > 0
        entries = [(entry.kind, entry.step) for entry in scene.entries()]
        # In the last round, too, the second began before the first had ended.
        assert entries.index(("step-started", pair[1])) < entries.index(("step-succeeded", pair[0]))
