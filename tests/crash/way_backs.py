"""Every trouble of a way back: `make test-full`.

python -m crash.way_backs
"""

from __future__ import annotations

import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from .matrix import WORKERS
from .way_back_scenes import ROWS, faults


def run() -> int:
    """Run everything; the exit code."""
    faulty = 0
    with (
        tempfile.TemporaryDirectory(prefix="way-back-") as name,
        ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool,
    ):
        rows = {
            what: pool.submit(faults, Path(name) / str(number), *row)
            for number, (what, row) in enumerate(ROWS.items())
        }
        for what, future in rows.items():
            found = future.result()
            sys.stdout.write(f"{what}: {'; '.join(found) or 'as it should be'}\n")
            sys.stdout.flush()
            faulty += bool(found)
    return 1 if faulty else 0


if __name__ == "__main__":
    sys.exit(run())
