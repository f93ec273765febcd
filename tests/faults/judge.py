"""Holds what the program says against the lab: its state, its services, its record of requests."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from crash.scene import Ended

from orchestrator.journal.entry import Entry
from orchestrator.journal.projection import view
from orchestrator.journal.store import JOURNAL_NAME, Journal
from orchestrator.lab.machine import REQUIRED_SERVICES
from orchestrator.planfile import read_plan

from .cells import Fault
from .ground import Ground

NAMES = {0: "finished", 1: "refused", 4: "refused, the farm moved", 5: "paused", 6: "rolled back"}


def outcome(ended: Ended) -> str:
    """Its end in words."""
    return NAMES.get(ended.code, f"exit {ended.code}")


def reason(ended: Ended) -> str:
    """The line of the report that says why."""
    for pattern in (r"[Ss]topped: (.*)", r"Paused: (.*)", r"(?:ERROR|Error|error)[: ]+(.*)"):
        found = re.search(pattern, ended.text)
        if found:
            return found[1].strip()
    lines = [line.strip() for line in ended.text.splitlines() if line.strip()]
    return lines[-1] if lines and ended.code else ""


def journal_of(folder: Path) -> list[Entry]:
    """What the journal of a plan folder holds; nothing if there is none."""
    if not (folder / JOURNAL_NAME).exists():
        return []
    with Journal.read(folder / JOURNAL_NAME) as journal:
        journal.verify()
        return journal.entries()


def wrong_claims(
    ground: Ground,
    folder: Path,
    ended: Ended,
    fault: Fault,
    before: dict[str, Any],
    goal: dict[str, Any],
) -> list[str]:
    """Everything the program says that is not so; empty is what the matrix is for."""
    truth = ground.picture()
    found = []
    if ended.code not in NAMES:
        found.append(f"ended with {ended.code}: {ended.text[-300:]}")
    if ended.code == 0:
        found += [
            f"says done, but {name} is {truth[name]}" for name in truth if truth[name] != goal[name]
        ]
        found += [f"says done, but {line}" for line in services_down(ground)]
        if fault.kind != "windows-update" and ground.outcomes()["broken"]:
            found.append(f"says done, but {ground.outcomes()['broken']} requests were broken")
    elif not re.search(fault.says, ended.text, re.IGNORECASE):
        found.append(f"does not name the cause ({fault.says}): {reason(ended)}")
    if ended.code == 1 and truth != before:
        found.append("says that nothing was changed, but something was")
    return found + _journal_against(ground, truth, folder)


def _journal_against(ground: Ground, truth: dict[str, Any], folder: Path) -> list[str]:
    entries = journal_of(folder)
    found = [f"impossible in the journal: {line}" for line in view(entries).impossible]
    readings = [entry for entry in entries if entry.kind == "state-read"]
    stops = [entry for entry in entries if entry.kind in ("run-stopped", "run-finished")]
    if readings and stops:
        read = readings[-1].data
        moment = readings[-1].time.timestamp()
        for name, build in read["builds"].items():
            address = read["owa_external_urls"][name]
            if _installed_after(ground, name, moment):
                continue
            if (build, address) != (truth[name][0], truth[name][2]):
                found.append(f"read {name} as {build} {address}, but it is {truth[name]}")
    run = view(entries)
    if not entries:
        return found
    state = read_plan(folder).plan.start
    for step in read_plan(folder).plan.steps:
        if not run.status(step.id).done:
            break
        state = step.apply(state)
        for name in step.servers if step.kind.changes_build else ():
            if str(state.builds[name]) != truth[name][0] and not _moved(entries):
                found.append(f"says {step.id} succeeded, but {name} is {truth[name]}")
    return found


def _installed_after(ground: Ground, name: str, moment: float) -> bool:
    """Whether an installer that nobody has asked about since ended after the reading."""
    task = ground.lab._ask(lambda service: service.world.machine(name).result)
    return task is not None and task.ends > moment


def _moved(entries: list[Entry]) -> bool:
    """Whether the program itself said that the farm is elsewhere than its steps left it."""
    return any(entry.kind in ("drift-found", "run-stopped") for entry in entries)


def services_down(ground: Ground) -> list[str]:
    """Required services that do not run, or would not after a restart."""
    return [
        f"{name} of {server} is {state}"
        for server in ground.lab.farm.servers
        for name, state in ground.lab.services(server).items()
        if name in REQUIRED_SERVICES and state != ("Auto", "Running")
    ]
