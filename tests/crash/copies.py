"""A window in which a version folder is copied, and put back after an update has taken it away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .scene import Boundary, Scene

COPY, UPGRADE = "copy-owa-resources-madrid-2007-8-3-83-6", "upgrade-madrid-2007-1"
SOURCE = "mad-cas-71"
PLACES = (
    Boundary("after", "step-started", COPY),
    Boundary("after", "step-child", COPY),
    Boundary("before", "step-succeeded", COPY),
    Boundary("after", "step-succeeded", COPY),
    Boundary("before", "paths-probed", COPY),
    Boundary("after", "step-child", UPGRADE),
    Boundary("before", "step-succeeded", UPGRADE),
)


class Copies(Scene):
    """Two pools of 2007; on this farm an update takes away the folders of other builds."""

    goals = ("--to", "2007 SP3 RU7")

    def __init__(self, folder: Path, plan: Path | None = None) -> None:
        super().__init__(folder, plan, farm="folders", doors=((SOURCE, "lisbon"),))

    def __enter__(self) -> Copies:
        super().__enter__()
        self.lab.set("old_folders=removed")
        return self

    def picture(self) -> dict[str, Any]:
        """What every farm is like, and the version folders."""
        found = super().picture()
        return {name: (*row, self.lab.folders(name)) for name, row in found.items()}
