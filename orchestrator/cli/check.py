"""`orchestrator check`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rich.text import Text

from orchestrator.checker import CheckReport, check_timed
from orchestrator.checker import check as replay
from orchestrator.cli.apply import PlanFolder
from orchestrator.cli.reporting import report_faults
from orchestrator.diagnostic import Diagnostic, Place
from orchestrator.errors import InvalidInput
from orchestrator.planfile import SavedPlan, digest, read_plan, render, to_document
from orchestrator.planfile.compare import differences
from orchestrator.planfile.folder import PLAN, PLAYBOOKS, ROLLBACK
from orchestrator.playbook import playbook_files
from orchestrator.report.console import out
from orchestrator.report.evidence import evidence_lines
from orchestrator.rules.engine import RuleBook, unknown_rule_ids
from orchestrator.shipped import playbook_parts, rule_pack

UNSAFE = 3


@dataclass(frozen=True)
class Checked:
    """One plan of a folder after its second reading.

    Parameters
    ----------
    faults : tuple of str
        What the checker found, then what the files say otherwise than the plan.
    """

    saved: SavedPlan
    book: RuleBook
    report: CheckReport
    faults: tuple[str, ...]


def check(folder: PlanFolder) -> int:
    """Check a plan folder again: every state of the plan, and every file made from it.

    Exit codes: 0 safe and unchanged, 3 not, 1 it cannot be read.
    """
    console = out()
    plan = _check(folder)
    plans = {"": plan}
    faults = list(plan.faults)
    if (folder / ROLLBACK / PLAN).exists():
        back = _check(folder / ROLLBACK)
        plans[f"{ROLLBACK}/"] = back
        faults += [f"in {ROLLBACK}/: {text}" for text in back.faults]
        if back.saved.plan.start != plan.saved.plan.end:
            faults.append(f"{ROLLBACK}/ does not begin where the plan ends")
    faults += report_faults(folder, plan.saved, plan.report)
    for name, checked in plans.items():
        console.print(Text(f"{folder}/{name}{PLAN}", style="bold"), soft_wrap=True)
        for line in evidence_lines(
            checked.saved.topology, checked.saved.plan, checked.book, checked.report
        ):
            console.print(Text(f"  {line}"), soft_wrap=True)
    if ROLLBACK + "/" not in plans and plan.saved.purpose == "change":
        console.print(Text(f"{folder}/{ROLLBACK}/ holds no plan: there is no complete way back"))
    for text in faults:
        console.print(Text(f"NOT AS IT SHOULD BE: {text}", style="red"), soft_wrap=True)
    if faults:
        return UNSAFE
    console.print(
        Text(f"Safe, and every file is what the plan says. Digest {digest(folder)}", "green"),
        soft_wrap=True,
    )
    return 0


def _check(folder: Path) -> Checked:
    saved = read_plan(folder)
    book = saved.rules.book(rule_pack, saved.policy)
    try:
        return _replayed(folder, saved, book)
    except (KeyError, ValueError) as error:
        raise InvalidInput(
            [
                Diagnostic(
                    "CAS-E401",
                    "plan",
                    f"names something it does not describe: {error}",
                    Place(str(folder / PLAN)),
                    "make the plan again; a plan file is never edited by hand",
                )
            ]
        ) from None


def _replayed(folder: Path, saved: SavedPlan, book: RuleBook) -> Checked:
    plan = saved.plan
    report = replay(saved.topology, plan, book)
    faults = [violation.message for violation in report.violations]
    if report.safe:
        timed = check_timed(saved.topology, plan, book)
        faults += [f"by its times: {violation.message}" for violation in timed.violations]
    named = {rule for step in plan.steps for rule in step.rules} | {*plan.leans_on}
    decided = {*saved.policy.accepted, *saved.policy.strict}
    strangers = unknown_rule_ids(book, sorted(named | decided))
    faults += [f"it names the rule {name}, which is not in force" for name in strangers]
    if not strangers:
        expected = {PLAN: render(to_document(saved, book, report))}
        back = saved.purpose == "rollback"
        made = playbook_files(saved.topology, plan, playbook_parts(), assert_state=back)
        expected |= {f"{PLAYBOOKS}/{name}": text for name, text in made.items()}
        faults += differences(folder, expected, (PLAYBOOKS,))
    return Checked(saved, book, report, tuple(faults))
