"""Every fault that spoils a call, at the copy of a version folder: `make test-full` runs it.

What strikes before a call strikes the copy; what strikes after a change strikes where the folder is
put back, since the first copy finds it there: a server has the folder of its own build.

Its results are a section of the document of the fault matrix.

python -m faults.copies [docs/fault-matrix.md]
"""

from __future__ import annotations

import re
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from crash.copies import SOURCE, Copies
from crash.section import put

from .cells import COPIES, FAULTS, READS, UPGRADE, Fault
from .ground import Ground
from .judge import reason

WORKERS = 2
MODULE = "exchange_owa_resources"
SPOILING = tuple(
    fault
    for fault in FAULTS
    if fault.spoils and fault.kind not in {"windows-update", "service-stopped", "dropped-shell"}
)
HEAD = """Last run: {date}; {done} of {all} faults were seen to end, {faulty} with findings.
A plan of its own, on a farm where an update takes away the version folder that was copied before.
What strikes before a call strikes the copy; what strikes after a change strikes where the folder is
put back. Where the run paused, the fault was cleared and the run gone on with; found is what was
wrong by then.

| fault | how the run ended | found |
|---|---|---|
"""


class Waiting(Copies):
    """Everything that is waited for, short enough for a matrix."""

    more = Ground.more


def faults(
    folder: Path, plan: Path, fault: Fault, picture: dict[str, Any]
) -> tuple[str, list[str]]:
    """How the run ended with a fault at the copy, and what is wrong when it has gone on."""
    armed = {"kind": fault.kind, "when": fault.when, "at": fault.at or SOURCE, "module": MODULE}
    if fault.value:
        armed["value"] = fault.value
    if fault.kind in ("refused", "unauthorised") and fault.when == "before":
        del armed["module"]  # it is the connection that is struck, once the farm was read
        armed["skip"] = READS[UPGRADE]
    with Waiting(folder, plan) as scene:
        scene.lab.arm(**armed)
        ended = scene.apply()
        found = [] if scene.lab.strikes() else ["the fault did not strike"]
        if ended.code not in (0, 5):
            found.append(f"ended with {ended.code}: {ended.text[-300:]}")
        if ended.code and not re.search(fault.says, ended.text, re.IGNORECASE):
            found.append(f"does not name the cause ({fault.says}): {reason(ended)}")
        scene.lab.disarm()
        if ended.code:
            then = scene.resume()
            if then.code:
                found.append(f"could not go on ({then.code}): {reason(then)}")
        return reason(ended) if ended.code else "finished", found + scene.faults(picture)


def run(target: Path) -> int:
    """Run everything; the exit code."""
    faulty, lines = 0, ""
    with tempfile.TemporaryDirectory(prefix="copies-") as name:
        folder = Path(name)
        with Waiting(folder / "undisturbed") as scene:
            ended = scene.apply()
            assert ended.code == 0, ended.text
            picture, plan = scene.picture(), scene.plan
            assert scene.faults(picture) == []
        with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool:
            rows = [
                (fault, pool.submit(faults, folder / str(n), plan, fault, picture))
                for n, fault in enumerate(SPOILING)
            ]
            for done, (fault, future) in enumerate(rows, 1):
                how, found = future.result()
                line = f"| {fault} | {how} | {'; '.join(found) or 'nothing'} |\n"
                sys.stdout.write(line)
                sys.stdout.flush()
                lines += line
                faulty += bool(found)
                date = f"{datetime.now(UTC):%Y-%m-%d}"
                head = HEAD.format(date=date, done=done, all=len(rows), faulty=faulty)
                put(target, COPIES, head + lines)
    return 1 if faulty else 0


if __name__ == "__main__":
    sys.exit(run(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/fault-matrix.md")))
