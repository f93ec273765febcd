"""Runs the program and kills it with SIGKILL at one journal entry.

python killed.py '{"when": "after", "kind": "step-child", "step": "upgrade-x", "nth": 1}' apply ...
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

# This checkout, whatever is installed: the program that is not killed runs from here, too.
sys.path.insert(0, str(Path(__file__).parents[2]))

from orchestrator.cli.main import main
from orchestrator.journal.entry import Entry, Kind
from orchestrator.journal.store import Journal

BOUNDARY = json.loads(sys.argv[1])
written = Journal.append
met = 0


def append(self: Journal, kind: Kind, step: str | None = None, **data: Any) -> Entry:
    global met
    met += (str(kind), step) == (BOUNDARY["kind"], BOUNDARY["step"])
    here = met == BOUNDARY["nth"] and (str(kind), step) == (BOUNDARY["kind"], BOUNDARY["step"])
    if here and BOUNDARY["when"] == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    entry = written(self, kind, step, **data)
    if here:
        os.kill(os.getpid(), signal.SIGKILL)
    return entry


Journal.append = append  # type: ignore[method-assign]
sys.exit(main(sys.argv[2:]))
