"""Ctrl-C once, Ctrl-C twice, a kill in mid-installation, a farm that moved, and the way back."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from orchestrator.journal.steps import StepStatus
from orchestrator.planfile import digest

from .scene import KILLED, Scene, at_once, begun, end, until

REDIRECT = "enable-redirection-madrid-2010-owa"
ROME = "upgrade-rome-2010-1"
START = {"lis-cas-71": "8.3.245.2", "mad-cas-01": "14.2.247.5", "rom-cas-01": "14.2.247.5"}


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_ctrl_c_once_pauses_twice_cancels_and_drift_is_refused(scene: Scene) -> None:
    with scene:
        program = at_once(scene, "apply", "--approve", digest(scene.plan))
        until(begun(scene, "step-child", REDIRECT), "the first step")
        os.killpg(program.pid, signal.SIGINT)
        paused = end(program)
        assert paused.code == 5, paused.text
        assert "Stopping after this step." in paused.text
        assert f"Paused: before step {ROME}, as asked by a signal." in paused.text
        assert "Redirections that are on and were not before" in paused.text

        scene.lab.set("install_seconds=6")
        program = at_once(scene, "resume")
        until(lambda: scene.installs("rom-cas-01") > 0, "the installer")
        os.killpg(program.pid, signal.SIGINT)
        time.sleep(0.2)
        os.killpg(program.pid, signal.SIGINT)
        cancelled = end(program)
        assert cancelled.code == 130, cancelled.text
        assert f"step {ROME} is in-doubt" in cancelled.text
        assert scene.run_view().status(ROME) is StepStatus.IN_DOUBT
        # The installer goes on alone; nobody restarts the server afterwards.
        until(lambda: scene.picture()["rom-cas-01"][0] == "14.2.298.4", "the end of the installer")

        # Somebody's update comes in between: 2007 SP3 RU7 on a server whose turn it is not.
        scene.lab.set("install_seconds=0")
        drift = {**scene.lab.package("8.3.264.0"), "target": "lis-cas-71", "state": "present"}
        assert scene.lab.carry_out("exchange_rollup", drift)["changed"]
        moved = scene.resume()
        assert moved.code == 4, moved.text
        assert "lis-cas-71: build 8.3.264.0, expected 8.3.245.2" in moved.text
        assert "Redirections that are on and were not before the plan" in moved.text
        shown = scene.run("status", str(scene.plan))
        assert "Resuming was refused, as the farm had moved:" in shown.text

        shown = scene.run("rollback", str(scene.plan), options=scene.options)
        assert shown.code == 0, shown.text
        approved = digest(scene.plan / "runs" / "1")
        back = scene.run(
            "rollback", str(scene.plan), "--apply", "--approve", approved, options=scene.options
        )
        assert back.code == 0, back.text
        assert {name: picture[0] for name, picture in scene.picture().items()} == START
        assert all(picture[2] == "" for picture in scene.picture().values())
        run = scene.run_view()
        assert run.impossible == ()
        assert {run.status(s) for s in (REDIRECT, ROME)} == {StepStatus.COMPENSATED}
        refused = scene.resume()
        assert refused.code == 1
        assert "a way back of this plan was begun in runs/2" in refused.text
        assert scene.outcomes()["broken"] == 0


def test_what_a_killed_run_left_at_work_comes_first(scene: Scene) -> None:
    with scene:
        scene.lab.set("install_seconds=12")
        program = at_once(scene, "apply", "--approve", digest(scene.plan))
        # Ansible's worker is in the middle of waiting for the installer.
        until(lambda: scene.asked("exchange_rollup") > 0, "the installation")
        program.kill()
        assert end(program).code == KILLED
        shown = scene.run("status", str(scene.plan))
        assert "has died without writing an end" in shown.text
        assert "It left at work: process" in shown.text
        scene.lab.set("install_seconds=0")
        going_on = at_once(scene, "resume", "--take-over")
        until(begun(scene, "child-found"), "the wait")
        os.killpg(going_on.pid, signal.SIGINT)
        gave_up = end(going_on)
        assert gave_up.code == 5, gave_up.text
        assert "still works; nothing else was done" in gave_up.text
        assert not begun(scene, "run-resumed")()
        program = at_once(scene, "resume", "--end-child")
        until(begun(scene, "run-resumed"), "the resume")
        os.killpg(program.pid, signal.SIGINT)
        ended = end(program)
        assert ended.code == 5, ended.text
        assert "ending it ..." in ended.text
        assert [e.data["how"] for e in scene.entries() if e.kind == "child-gone"] == ["ended"]
        run = scene.run_view()
        assert run.steps[ROME].attempt == 2
        assert run.status(ROME) is StepStatus.VERIFIED
        assert scene.installs("rom-cas-01") == 1
        assert scene.picture()["rom-cas-01"][:2] == ("14.2.298.4", ["14.2.298.4"])
        assert scene.outcomes()["broken"] == 0
