"""The full crash matrix: `make test-full` runs it and writes its last result to docs/.

    python -m crash.matrix [docs/crash-matrix.md]

Each row is a farm of its own, fresh, on which a window is begun, killed once with SIGKILL at one
place, and resumed. Another kills a resume at each of its own entries, too, and the last ones kill
the way back that a failed step has begun.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from orchestrator import __version__
from orchestrator.execution.way_back import RUNS
from orchestrator.journal.projection import view
from orchestrator.journal.store import JOURNAL_NAME, Journal
from orchestrator.planfile import digest

from .scene import KILLED, Boundary, Ended, Scene
from .section import kept

WORKERS = 2
SEEN = frozenset({"step-succeeded", "baseline-probed", "paths-probed"})
FIRST, UPGRADE = "upgrade-rome-2010-1", "upgrade-lisbon-2007-1"
PACKAGES = {FIRST: "14.2.298.4", UPGRADE: "8.3.264.0"}
DOWNGRADE, RESTORE = "downgrade-rome-2010-1", "restore-proxying-madrid-2010-owa"
WAYS_BACK = (
    Boundary("after", "rollback-started"),
    Boundary("after", "plan-approved", nth=2),
    Boundary("after", "step-started", DOWNGRADE),
    Boundary("after", "step-child", DOWNGRADE),
    Boundary("before", "step-succeeded", DOWNGRADE),
    Boundary("after", "step-child", RESTORE),
    Boundary("before", "paths-probed", RESTORE),
    Boundary("after", "run-finished"),
    Boundary("after", "steps-compensated"),
)
OF_A_RESUME = ("lock-taken-over", "step-in-doubt", "state-read", "step-read", "run-resumed")

HEAD = """# The crash matrix

Written by `make test-full`; do not edit. Last run: {date}, version {version}.

A window of {steps} steps over three pools, with a redirection that is switched on and off again,
runs on the lab while users log on through every source. The program is killed with SIGKILL right
after each journal entry in turn, right before each `step-succeeded` (the step did its work,
nothing says so), and right before what a look at the paths saw is written; then
`orchestrator resume --take-over` goes on. Every row has a farm of its own.
Expected in every row: the farm ends as after an undisturbed run (builds, rollups, addresses), every
step is verified, no change was made twice, no path was broken for a user or a probe. Rows of a
way back begin with a step that fails, under `--on-failure rollback`: the farm ends as it began, and
every step is compensated.

The undisturbed run made {changes} changes; {requests}.

"""
COLUMNS = """| killed | steps run again | seconds | changes | requests | found |
|---|---|---|---|---|---|
"""
COPIES = "The copy of a version folder"  # the section that crash.copy_deaths writes


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    killed: str
    again: list[str]
    seconds: float
    changes: int
    requests: str
    faults: list[str]

    def __str__(self) -> str:
        found = "; ".join(self.faults) or "nothing"
        again = ", ".join(self.again) or "none"
        return (
            f"| {self.killed} | {again} | {self.seconds:.0f} | {self.changes} | {self.requests} "
            f"| {found} |"
        )


def row(scene: Scene, killed: str, began: float, picture: dict[str, Any]) -> Row:
    """What came of one farm."""
    run = scene.run_view()
    again = [f"{name} ({step.attempt})" for name, step in run.steps.items() if step.attempt > 1]
    requests = ", ".join(f"{n} {what}" for what, n in sorted(scene.outcomes().items()))
    seconds = time.monotonic() - began
    faults = scene.faults(picture)
    return Row(killed, again, seconds, sum(scene.changes().values()), requests, faults)


def once(
    folder: Path,
    plan: Path,
    place: Boundary,
    picture: dict[str, Any],
    kind: type[Scene] = Scene,
) -> Row:
    """Killed at one place, resumed once."""
    began = time.monotonic()
    with kind(folder, plan) as scene:
        ended = scene.apply(at=place)
        assert ended.code == KILLED, f"{place}: not killed: {ended.text}"
        begun = scene.run_view().started is not None
        ended = scene.resume() if begun else scene.apply("--take-over")
        result = row(scene, str(place), began, picture)
    if ended.code != 0:
        result.faults.append(f"ended with {ended.code}: {ended.text}")
    return result


def deaths_of_a_resume(folder: Path, plan: Path, step: str, picture: dict[str, Any]) -> Row:
    """Killed in a step, and then its resume at each of its own entries."""
    began = time.monotonic()
    with Scene(folder, plan) as scene:
        assert scene.apply(at=Boundary("after", "step-child", step)).code == KILLED
        for kind in OF_A_RESUME:
            about = step if kind in {"step-in-doubt", "step-read"} else None
            ended = scene.resume(at=Boundary("after", kind, about))
            assert ended.code == KILLED, f"{kind}: not killed: {ended.text}"
        ended = scene.resume()
        killed = f"after step-child {step}, then resume after each of {', '.join(OF_A_RESUME)}"
        result = row(scene, killed, began, picture)
    if ended.code != 0:
        result.faults.append(f"ended with {ended.code}: {ended.text}")
    return result


def death_of_a_way_back(folder: Path, plan: Path | None, place: Boundary) -> Row:
    """A step fails and the way back begins by itself; killed in that, then ended by a person."""
    began = time.monotonic()
    with Scene(folder, plan) as scene:
        start = scene.picture()
        fails = UPGRADE if place.step in (DOWNGRADE, None) else FIRST
        scene.lab.set(f"package.{PACKAGES[fails]}=missing")
        killed = scene.apply("--on-failure", "rollback", at=place)
        assert killed.code == KILLED, f"{place}: not killed: {killed.text}"
        ended = _end_way_back(scene)
        faults = scene.faults_of_a_way_back(start)
        result = replace(row(scene, f"way back, {place}", began, start), faults=faults)
    if ended.code != 0:
        result.faults.append(f"ended with {ended.code}: {ended.text}")
    return result


def _end_way_back(scene: Scene) -> Ended:
    """What status tells to do: go on with the way back, or begin it."""
    back = scene.plan / RUNS / "1"
    with Journal.read(back / JOURNAL_NAME) as journal:
        started = view(journal.entries()).started is not None
    if started:
        return scene.run("resume", str(back), "--take-over", options=scene.options)
    words = ("--apply", "--take-over", "--approve", digest(back))
    return scene.run("rollback", str(scene.plan), *words, options=scene.options)


def places(entries: list[tuple[str, str | None]]) -> Iterator[Boundary]:
    """After each entry, and before each success."""
    met: dict[tuple[str, str | None], int] = {}
    for kind, step in entries:
        met[kind, step] = met.get((kind, step), 0) + 1
        if kind in SEEN:
            yield Boundary("before", kind, step)
        yield Boundary("after", kind, step, met[kind, step])


def told(rows: Sequence[Future[Row]]) -> tuple[str, int]:
    """The table of some rows, each told as it ends; and how many have findings."""
    text, faulty = COLUMNS, 0
    for future in rows:
        line = future.result()
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
        text += f"{line}\n"
        faulty += bool(line.faults)
    return f"{text}\n{len(rows)} rows, {faulty} with findings.\n", faulty


def run(target: Path) -> int:
    """Run everything; the exit code."""
    with tempfile.TemporaryDirectory(prefix="crash-") as name:
        folder = Path(name)
        with Scene(folder / "undisturbed") as scene:
            ended = scene.apply()
            assert ended.code == 0, ended.text
            picture, plan, steps = scene.picture(), scene.plan, scene.steps()
            undisturbed = row(scene, "never", time.monotonic(), picture)
            assert undisturbed.faults == [], undisturbed
            entries = [(entry.kind, entry.step) for entry in scene.entries()]
        text = HEAD.format(
            date=f"{datetime.now(UTC):%Y-%m-%d}",
            version=__version__,
            steps=len(steps),
            changes=undisturbed.changes,
            requests=undisturbed.requests,
        )
        longest = next(s for s in steps if s.startswith("upgrade-madrid"))
        todo = list(places(entries))
        # Processes: each farm is counted in by a hook into the lab.
        with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool:
            rows = [
                pool.submit(once, folder / str(number), plan, place, picture)
                for number, place in enumerate(todo)
            ]
            rows.append(pool.submit(deaths_of_a_resume, folder / "resumes", plan, longest, picture))
            rows += [
                pool.submit(death_of_a_way_back, folder / f"back-{number}", plan, place)
                for number, place in enumerate(WAYS_BACK)
            ]
            table, faulty = told(rows)
    target.write_text(text + table + kept(target, COPIES), encoding="utf-8")
    return 1 if faulty else 0


if __name__ == "__main__":
    sys.exit(run(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/crash-matrix.md")))
