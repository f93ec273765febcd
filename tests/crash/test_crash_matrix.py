"""Killed at every fourth journal entry and before looks are written down, each time resumed.

One window with a redirection.
Every boundary by itself, and the deaths of a resume: `make test-full`, docs/crash-matrix.md.
"""

from __future__ import annotations

from pathlib import Path

from .scene import KILLED, Boundary, Scene

PER_STEP = ("step-started", "step-child", "step-succeeded")
UPGRADED = {
    "lis-cas-71": ("8.3.264.0", ["8.3.245.2", "8.3.264.0"], ""),
    "mad-cas-01": ("14.2.298.4", ["14.2.298.4"], ""),
    "rom-cas-01": ("14.2.298.4", ["14.2.298.4"], ""),
}


def test_killed_again_and_again_it_ends_as_if_nothing_had_happened(tmp_path: Path) -> None:
    with Scene(tmp_path) as scene:
        steps = scene.steps()
        assert sum(name.startswith("enable-redirection") for name in steps) == 1
        assert sum(name.startswith("restore-proxying") for name in steps) == 1
        entries = [(kind, step) for step in steps for kind in PER_STEP]
        places = [Boundary("after", kind, step) for kind, step in entries[::4]]
        assert len(places) == 6
        places.insert(0, Boundary("before", "baseline-probed"))
        # Its step is run again as a whole, so the place before it is not needed.
        places[3] = Boundary("before", "paths-probed", places[3].step)
        for number, place in enumerate(places):
            ended = scene.apply(at=place) if number == 0 else scene.resume(at=place)
            assert ended.code == KILLED, f"{place}: {ended.text}"
        # Without a word about the dead run's lock nothing is touched.
        held = scene.run("resume", str(scene.plan), options=scene.options)
        assert held.code == 1
        assert "left behind by a run that has died" in held.text
        last = scene.resume()
        assert last.code == 0, last.text
        assert scene.faults(UPGRADED) == []
        assert scene.outcomes()["ok"] > 0
        kinds = [entry.kind for entry in scene.entries()]
        assert kinds.count("lock-taken-over") == len(places)
        assert scene.resume().code == 0
        assert [entry.kind for entry in scene.entries()] == [*kinds]
