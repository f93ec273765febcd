"""The full fault matrix: `make test-full` runs it and writes its last result to docs/.

    python -m faults.matrix [docs/fault-matrix.md [PATTERN [RESULTS.jsonl]]]

With a file of results a run can be done in parts: cells that are in it are not run again, and the
table tells of all of them.

Every cell has a farm of its own, as it is right before one kind of step; one fault is armed, the
step is run by the real program, and what that says is held against the lab. Then the fault is
cleared and the run is gone on with.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from crash.scene import Ended, at_once, begun, end
from crash.section import kept

from orchestrator import __version__
from orchestrator.journal.entry import Kind
from orchestrator.planfile import digest

from .cells import ADDRESS, BACK, COPIES, MADRID, ON, OPERATIONS, ROME, UPGRADE, Fault, cells
from .ground import STEPS, Ground, prepare
from .judge import outcome, reason, services_down, wrong_claims

WORKERS = int(os.environ.get("WORKERS", "2"))
CONDITIONS = {"clock-skew", "replication", "starve", "never-back", "disk-full"}

HEAD = """# The fault matrix

Written by `make test-full`; do not edit. Version {version}, {minutes:.0f} minutes of farms,
several at a time. Cells by the day they were run: {days}. Between parts of a
run the program changed.

Every fault of [the lab](lab.md#faults) strikes one step of each kind it can strike: an upgrade, a
redirection being switched on, one being switched off, and the way back after half a window. Farm:
two pools of one server that proxy to each other. Everything is real but the hosts: the command
line, ansible-runner, Ansible, the journal. Waiting times are short (tasks on a silent host are
given up after 8 s).

A cell says how the run ended while the fault lasted and, after the arrow, how going on ended once
it was cleared (`resume`, or the same command where nothing had begun; for an upgrade and a
redirection being switched on up to the end of that step). *paused* is exit 5 with the
cause named; *refused* is exit 1 with nothing changed; *the farm moved* is exit 4 with the
differences named. In every cell the lab was asked whether what the program said is so: builds,
addresses, services, the last reading in the journal, steps called done, requests of users.
**{wrong}** of the {count} cells that were run (of {all}) with a wrong claim. A dash: the fault
cannot strike such a step.

| fault | {operations} |
|---|{rules}|
"""


@dataclass(frozen=True)
class Cell:
    """What came of one fault at one kind of step."""

    fault: Fault
    operation: str
    ended: str
    because: str
    then: str
    struck: bool
    wrong: list[str]
    seconds: float
    day: str

    def __str__(self) -> str:
        text = self.ended + (f" → {self.then}" if self.then else "")
        text += "" if self.struck else " (did not strike)"
        return text + "".join(f" **{line}**" for line in self.wrong)


def once(
    snapshots: dict[str, Path],
    pictures: tuple[dict[str, Any], ...],
    folder: Path,
    fault: Fault,
    operation: str,
) -> Cell:
    """One cell."""
    began = time.monotonic()
    start, finish, stage = pictures
    goal = start if operation == BACK else finish
    with Ground(folder, snapshots[operation]) as ground:
        before = ground.picture()
        if fault.kind != "starve":
            ground.lab.arm(**fault.armed(operation))
        ended = _go(ground, operation, fault)
        place = _place(ground, operation)
        wrong = wrong_claims(ground, place, ended, fault, before, goal)
        struck = fault.kind in CONDITIONS or bool(ground.lab.strikes())
        ground.lab.disarm()
        if fault.kind == "service-stopped" and operation in ADDRESS:
            # Such a step says so and starts nothing: a person does.
            start_it = {"target": MADRID, "state": "started"}
            assert ground.lab.carry_out("exchange_service_health", start_it)["changed"]
        then = None if ended.code in (0, 6) else _go_on(ground, operation, ended)
        if then is not None:
            wrong += _after(ground, then, fault, operation, goal, stage)
    shutil.rmtree(folder, ignore_errors=True)
    seconds, day = time.monotonic() - began, f"{datetime.now(UTC):%Y-%m-%d}"
    went_on = "" if then is None else outcome(then).replace("finished", "done")
    return Cell(
        fault, operation, outcome(ended), reason(ended), went_on, struck, wrong, seconds, day
    )


def _go(ground: Ground, operation: str, fault: Fault) -> Ended:
    if operation == ON:
        words = ("apply", str(ground.plan), "--approve", digest(ground.plan))
    elif operation == BACK:
        approved = ("--apply", "--approve", ground.approve_way_back())
        words = ("rollback", str(ground.plan), *approved)
    else:
        words = ("resume", str(ground.plan))
    if fault.kind == "starve":
        return ground.starved(int(fault.value), *words)
    return ground.run(*words, options=ground.options)


def _place(ground: Ground, operation: str) -> Path:
    """The folder whose journal tells of the run: the newest way back, or the plan."""
    if operation != BACK:
        return ground.plan
    runs = sorted((ground.plan / "runs").iterdir(), key=lambda path: int(path.name))
    return runs[-1]


def _go_on(ground: Ground, operation: str, ended: Ended) -> Ended:
    """What the report tells to do once the cause is removed."""
    place = _place(ground, operation)
    known = (place / "journal.sqlite3").exists() and ended.code not in (1, 4)
    if operation in (ON, UPGRADE):
        words = ("resume", "--take-over") if known or operation == UPGRADE else ("apply",)
        approved = () if words[0] == "resume" else ("--approve", digest(ground.plan), "--take-over")
        return _step_of(ground, operation, *words, *approved)
    if known:
        return ground.run("resume", str(place), "--take-over", options=ground.options)
    if operation == BACK:
        shown = ground.run("rollback", str(ground.plan), options=ground.options)
        if shown.code:
            return shown
        approved = digest(_place(ground, operation))
        words = ("rollback", str(ground.plan), "--apply", "--approve", approved)
        return ground.run(*words, "--take-over", options=ground.options)
    return ground.run("resume", str(ground.plan), "--take-over", options=ground.options)


def _step_of(ground: Ground, operation: str, *words: str) -> Ended:
    """Go on with the one step the cell is about, then pause: what comes later is not the cell's."""
    step = STEPS[operation]
    program = at_once(ground, *words)
    while program.poll() is None and not begun(ground, Kind.STEP_SUCCEEDED, step)():
        time.sleep(0.2)
    if program.poll() is None:
        os.killpg(program.pid, signal.SIGINT)
    ended = end(program)
    went_on = begun(ground, Kind.STEP_SUCCEEDED, step)()
    return Ended(0, ended.text) if went_on and ended.code in (0, 5) else ended


def _after(
    ground: Ground,
    then: Ended,
    fault: Fault,
    operation: str,
    goal: dict[str, Any],
    stage: dict[str, Any],
) -> list[str]:
    truth = ground.picture()
    if operation in (ON, UPGRADE):
        server = MADRID if operation == ON else ROME
        truth, goal = {server: truth[server]}, {server: stage[server]}
    if then.code == 0 and truth == goal:
        return [f"went on, but {line}" for line in services_down(ground)]
    if then.code == 4 and fault.kind in ("windows-update", "wrong-build"):
        return []  # Somebody else's build: a new plan is asked for.
    if then.code == 0:
        return [f"went on, but the farm is {truth}"]
    return [f"could not go on ({then.code}): {reason(then)}"]


def run(target: Path, pattern: str, results: Path | None) -> int:
    """Run the cells whose name matches; the exit code."""
    faults = {str(fault): fault for fault, _ in cells()}
    before = results.read_text().splitlines() if results and results.exists() else []
    done = [Cell(**{**row, "fault": faults[row["fault"]]}) for row in map(json.loads, before)]
    known = {(str(cell.fault), cell.operation) for cell in done}
    with tempfile.TemporaryDirectory(prefix="faults-") as name:
        folder = Path(name)
        snapshots, pictures = prepare(folder)
        todo = [
            (fault, operation)
            for fault, operation in cells()
            if re.search(pattern, f"{fault} / {operation}") and (str(fault), operation) not in known
        ]
        with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool:
            work = [
                pool.submit(once, snapshots, pictures, folder / str(n), fault, operation)
                for n, (fault, operation) in enumerate(todo)
            ]
            for future in work:
                cell = future.result()
                done.append(cell)
                if results:
                    with results.open("a") as file:
                        file.write(json.dumps({**vars(cell), "fault": str(cell.fault)}) + "\n")
                line = f"{cell.seconds:4.0f} s {cell.fault} / {cell.operation}: {cell}"
                sys.stdout.write(f"{line}\n         {cell.because}\n")
                sys.stdout.flush()
                write(target, done)
    return 1 if any(cell.wrong or not cell.struck for cell in done) else 0


def write(target: Path, done: list[Cell]) -> None:
    """The table, and below it why the runs stopped."""
    order = {(str(fault), operation): n for n, (fault, operation) in enumerate(cells())}
    done = sorted(done, key=lambda cell: order[str(cell.fault), cell.operation])
    text = HEAD.format(
        days=", ".join(f"{n} on {day}" for day, n in sorted(Counter(c.day for c in done).items())),
        version=__version__,
        minutes=sum(cell.seconds for cell in done) / 60,
        all=len(order),
        wrong=sum(bool(cell.wrong) for cell in done),
        count=len(done),
        operations=" | ".join(OPERATIONS),
        rules="|".join(["---"] * len(OPERATIONS)),
    )
    table = {(str(cell.fault), cell.operation): cell for cell in done}
    for fault in dict.fromkeys(str(fault) for fault, _ in cells()):
        row = []
        for key in ((fault, operation) for operation in OPERATIONS):
            row.append(str(table.get(key, "*not run*" if key in order else "–")))
        text += f"| {fault} | {' | '.join(row)} |\n"
    text += "\n## Why the runs stopped\n\n"
    for cell in done:
        if cell.because:
            text += f"- {cell.fault}, {cell.operation}: {cell.because}\n"
    ends = Counter(cell.ended for cell in done)
    text += f"\n{len(done)} cells: {', '.join(f'{n} {what}' for what, n in ends.most_common())}.\n"
    target.write_text(text + kept(target, COPIES), encoding="utf-8")


if __name__ == "__main__":
    where = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/fault-matrix.md")
    kept = Path(sys.argv[3]) if len(sys.argv) > 3 else None
    sys.exit(run(where, sys.argv[2] if len(sys.argv) > 2 else "", kept))
