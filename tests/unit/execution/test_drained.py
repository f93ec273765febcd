"""What a cut-off step left out of service is named."""

from __future__ import annotations

import os
from pathlib import Path

from orchestrator.execution.drained import FOLDER, still_out


def test_records_that_are_left_name_server_hook_and_time(tmp_path: Path) -> None:
    assert still_out(tmp_path) == ()
    folder = tmp_path / FOLDER
    folder.mkdir(parents=True)
    for name in ("rom-cas-01-owa", "rom-cas-01-monitoring"):
        (folder / f"{name}.json").write_text("{}")
        os.utime(folder / f"{name}.json", (0, 0))
    assert still_out(tmp_path) == (
        "rom-cas-01 is in maintenance mode since 1970-01-01 00:00 UTC",
        "rom-cas-01 is out of service (owa) since 1970-01-01 00:00 UTC",
    )
