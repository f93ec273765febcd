"""Planning and writing a way back from the farm as it is read now, for commands that take it."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from orchestrator.cli.live import read_farm
from orchestrator.cli.planner_process import in_planner_process
from orchestrator.cli.planning import (
    rollback_files,
    way_back,
    way_back_of_sites,
    where_it_ends,
)
from orchestrator.cli.view import show
from orchestrator.errors import InvalidInput
from orchestrator.execution.attempts import AnsibleInputs
from orchestrator.inventory import Inventory
from orchestrator.model.plan import Plan
from orchestrator.planfile import SavedPlan, digest, write_folder
from orchestrator.planfile.folder import RUNS
from orchestrator.report.planned import Planned, WayBack
from orchestrator.report.results import Said
from orchestrator.shipped import catalogue, playbook_parts, rule_pack, zone


def write_way_back(
    folder: Path,
    saved: SavedPlan,
    inventory: Inventory,
    inputs: AnsibleInputs,
    accepted: frozenset[str] = frozenset(),
    sites: Collection[str] = (),
) -> tuple[Path, Plan] | None:
    """Read the farm, plan the way back, show it and write it to a new folder below the plan's.

    Parameters
    ----------
    sites : collection of str
        Only what was changed at these sites goes back; empty: everything.

    Returns
    -------
    tuple of Path and Plan, or None
        None if there is nothing to undo.

    Raises
    ------
    InvalidInput
        If a server could not be read.
    NoSafePlan
        If there is no way back.
    """
    farm = read_farm(inputs, inventory)
    if not farm.complete:
        raise InvalidInput(farm.problems)
    book = saved.rules.book(rule_pack, saved.policy)
    if sites:
        back, report = in_planner_process(
            way_back_of_sites, saved.topology, saved.plan, farm.state, book, sites
        )
    else:
        back, report = in_planner_process(
            way_back, saved.topology, saved.plan, farm.state, book, accepted
        )
    if not back.steps:
        nothing = {"folder": None, "digest": None, "steps": 0, "minutes": 0}
        show(Said("Nothing to undo: the farm is where this way back would lead.", nothing))
        return None
    notes = [] if sites else where_it_ends(saved.plan, back)
    if not sites and back.end != saved.plan.start:
        notes = [*notes, "--accept-broken PATH goes further where a broken path holds it up"]
    run = _next_run(folder)
    write_folder(run, rollback_files(saved.topology, back, book, report, playbook_parts()))
    planned = Planned(
        saved.topology, back, book, catalogue(), report, zone,
        folder=run, digest=digest(run), notes=tuple(notes),
    )  # fmt: skip
    show(WayBack(planned))
    return run, back


def _next_run(folder: Path) -> Path:
    number = 1
    while (folder / RUNS / str(number)).exists():
        number += 1
    return folder / RUNS / str(number)
