"""The farm right before a step: made once by real runs, copied for every cell of the matrix."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import Any

from crash.scene import Ended, Scene, at_once, begun, end

from orchestrator.journal.entry import Kind
from orchestrator.planfile import digest

from .cells import BACK, OFF, ON, UPGRADE

FARM = "../faults/farm"
DOORS = (("mad-cas-01", "rome"), ("rom-cas-01", "madrid"))
STEPS = {
    ON: "enable-redirection-madrid-2010-owa",
    UPGRADE: "upgrade-rome-2010-1",
    BACK: "verify-pilot",
    OFF: "restore-proxying-madrid-2010-owa",
}
"""The step that comes next, in the plan's order; for a way back it is only the place."""

BEFORE = {
    UPGRADE: "enable-redirection-madrid-2010-owa",
    BACK: "upgrade-rome-2010-1",
    OFF: "upgrade-madrid-2010-1",
}
"""The step that runs when the pause is asked for."""

# Everything that is waited for, short enough for a matrix.
WAITS = (
    *("exchange_poll_retries=8", "exchange_settle_retries=8", "exchange_restart_timeout=4"),
    *("exchange_task_timeout=8", "exchange_health_retries=6", "exchange_verify_retries=3"),
    *("exchange_precheck_installer_retries=4", "exchange_rollup_services_retries=4"),
    "owa_probe_attempts=3",
)


class Ground(Scene):
    """The two pools; users at both doors."""

    goals = ("--to", "2010 SP2 RU2")
    more = tuple(part for given in WAITS for part in ("-e", given))

    def __init__(self, folder: Path, copied_from: Path | None = None) -> None:
        self.folder = folder
        if copied_from is not None:
            skip = shutil.ignore_patterns("lab.pid", "*.jsonl")
            shutil.copytree(copied_from, folder, ignore=skip)
            self.fresh = False
        super().__init__(folder, farm=FARM, doors=DOORS)

    def copy_farm(self, farm: str) -> None:
        if not self.farm.exists():
            super().copy_farm(farm)

    def restarted(self) -> None:
        self.lab.start()
        self._port = self.lab.port

    def starved(self, kilobytes: int, command: str, *arguments: str) -> Ended:
        """A command on a control node that is out of disk."""
        starve = ("lab", "starve", "--kilobytes", str(kilobytes), "--", sys.executable)
        return self.run(*starve, "-m", "orchestrator", command, *arguments, *self.options)

    def approve_way_back(self) -> str:
        """The digest of a way back shown before."""
        return digest(self.plan / "runs" / "1")


def prepare(folder: Path) -> tuple[dict[str, Path], tuple[dict[str, Any], ...]]:
    """Snapshots before each kind of step; the farm at the start, at the end, and in the middle."""
    snapshots: dict[str, Path] = {}

    def snapshot(ground: Ground, operation: str) -> None:
        ground.lab.stop()
        snapshots[operation] = folder / operation.replace(" ", "-")
        shutil.copytree(ground.folder, snapshots[operation])
        ground.restarted()

    with Ground(folder / "made") as ground:
        start = ground.picture()
        snapshot(ground, ON)
        for operation, previous in BEFORE.items():
            begin = ("apply", "--approve", digest(ground.plan))
            program = at_once(ground, *(begin if operation == UPGRADE else ("resume",)))
            while program.poll() is None and not begun(ground, Kind.STEP_CHILD, previous)():
                time.sleep(0.2)
            if program.poll() is None:
                os.killpg(program.pid, signal.SIGINT)
            ended = end(program)
            assert f"before step {STEPS[operation]}" in ended.text, ended.text
            if operation == BACK:
                middle = ground.picture()
                shown = ground.run("rollback", str(ground.plan), options=ground.options)
                assert shown.code == 0, shown.text
            snapshot(ground, operation)
        ended = ground.resume()
        assert ended.code == 0, ended.text
        finish = ground.picture()
    return snapshots, (start, finish, middle)
