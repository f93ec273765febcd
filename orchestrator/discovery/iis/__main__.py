"""The process that reads the logs, apart from the command so that its memory stays small.

Standard input: paths as a JSON list. Standard output, a JSON list a line: ``["at", file number,
bytes]`` now and then, ``["file", file number, tally]`` after each.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from orchestrator.discovery.iis.scan import scan
from orchestrator.discovery.iis.tally import to_json

_EVERY = 0.2


def main() -> None:
    """Read the files one after the other."""
    last = 0.0

    def say(*what: object) -> None:
        sys.stdout.write(json.dumps(what) + "\n")
        sys.stdout.flush()

    for number, name in enumerate(json.load(sys.stdin)):

        def at(position: int, number: int = number) -> None:
            nonlocal last
            now = time.monotonic()
            if now - last > _EVERY:
                last = now
                say("at", number, position)

        say("file", number, to_json(scan(Path(name), at)))


if __name__ == "__main__":
    try:
        main()
    except (KeyboardInterrupt, BrokenPipeError):
        sys.exit(130)
