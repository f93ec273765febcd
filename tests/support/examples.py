"""Copies of the worked examples: no test leaves anything there, or finds what a run left."""

from __future__ import annotations

import shutil
from pathlib import Path

PROJECT = Path(__file__).parents[2]


def contoso(folder: Path) -> Path:
    """The example with three sites in a new folder, without durations a run has learned."""
    skip = shutil.ignore_patterns(".orchestrator")
    return Path(shutil.copytree(PROJECT / "inventories" / "contoso", folder, ignore=skip))
