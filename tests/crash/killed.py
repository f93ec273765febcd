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

written = Journal.append
met = 0


def append(self: Journal, kind: Kind, step: str | None = None, **data: Any) -> Entry:
    global met
    here = (str(kind), step) == (BOUNDARY["kind"], BOUNDARY["step"])
    met += here
    here = here and met == BOUNDARY["nth"]
    if here and BOUNDARY["when"] == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    entry = written(self, kind, step, **data)
    if here:
        os.kill(os.getpid(), signal.SIGKILL)
    return entry


# A child in which the program plans imports this file again.
if __name__ == "__main__":
    BOUNDARY = json.loads(sys.argv[1])
    Journal.append = append  # type: ignore[method-assign]
    sys.exit(main(sys.argv[2:]))
