"""`orchestrator show`."""

from __future__ import annotations

from orchestrator.checker import check
from orchestrator.cli.apply import PlanFolder
from orchestrator.cli.view import show as show_result
from orchestrator.planfile import digest, read_plan
from orchestrator.report.planned import Planned
from orchestrator.shipped import catalogue, rule_pack, zone


def show(folder: PlanFolder) -> int:
    """Show the plan of a folder as `plan` showed it. Reads no server and changes nothing.

    Exit codes: 0 shown, 1 there is no such plan. Whether its files are as they were written is
    what `check` tells.
    """
    saved = read_plan(folder)
    book = saved.rules.book(rule_pack, saved.policy)
    show_result(
        Planned(
            saved.topology,
            saved.plan,
            book,
            catalogue(),
            check(saved.topology, saved.plan, book),
            zone,
            saved.goals,
            saved.purpose,
            folder,
            digest(folder),
        )
    )
    return 0
