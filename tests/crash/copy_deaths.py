"""Killed around the copy of a version folder: `make test-full` writes it to docs/.

python -m crash.copy_deaths [docs/crash-matrix.md]
"""

from __future__ import annotations

import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path

from .copies import PLACES, Copies
from .matrix import COPIES, WORKERS, once, told
from .section import put

HEAD = """Last run: {date}. The farm of these rows is another: an update takes away the version
folder that was copied before. Expected as above, and that the folder is there in the end.

"""


def run(target: Path) -> int:
    """Run everything; the exit code."""
    with tempfile.TemporaryDirectory(prefix="copy-deaths-") as name:
        folder = Path(name)
        with Copies(folder / "undisturbed") as copies:
            ended = copies.apply()
            assert ended.code == 0, ended.text
            plan, picture = copies.plan, copies.picture()
            assert copies.faults(picture) == []
        with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool:
            rows = [
                pool.submit(once, folder / str(n), plan, place, picture, Copies)
                for n, place in enumerate(PLACES)
            ]
            table, faulty = told(rows)
    put(target, COPIES, HEAD.format(date=f"{datetime.now(UTC):%Y-%m-%d}") + table)
    return 1 if faulty else 0


if __name__ == "__main__":
    sys.exit(run(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/crash-matrix.md")))
