"""`orchestrator check`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from orchestrator.checker import CheckReport, check_timed
from orchestrator.checker import check as replay
from orchestrator.cli.apply import PlanFolder
from orchestrator.cli.reporting import report_faults
from orchestrator.cli.view import show
from orchestrator.diagnostic import Diagnostic, Place
from orchestrator.errors import InvalidInput
from orchestrator.planfile import SavedPlan, digest, read_plan, render, to_document
from orchestrator.planfile.compare import differences
from orchestrator.planfile.folder import PLAN, PLAYBOOKS, ROLLBACK
from orchestrator.playbook import playbook_files
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
    plan = _check(folder)
    plans = {"": plan}
    faults = list(plan.faults)
    if (folder / ROLLBACK / PLAN).exists():
        back = _check(folder / ROLLBACK)
        plans[f"{ROLLBACK}/"] = back
        faults += [f"in {ROLLBACK}/: {text}" for text in back.faults]
        if back.saved.plan.start != plan.saved.plan.end:
            faults.append(f"{ROLLBACK}/ does not begin where the plan ends")
    if not faults:
        faults += report_faults(folder, plan.saved, plan.report)
    show(_Answer(folder, plans, tuple(faults), "" if faults else digest(folder)))
    return UNSAFE if faults else 0


@dataclass(frozen=True)
class _Answer:
    """What was checked and what was found."""

    folder: Path
    plans: Mapping[str, Checked]
    faults: tuple[str, ...]
    digest: str

    def print(self, console: Console) -> None:
        """Evidence, then what is wrong or the digest."""
        for name, checked in self.plans.items():
            console.print(Text(f"{self.folder}/{name}{PLAN}", style="bold"), soft_wrap=True)
            for line in _evidence(checked):
                console.print(Text(f"  {line}"), soft_wrap=True)
        if ROLLBACK + "/" not in self.plans and self.plans[""].saved.purpose == "change":
            line = f"{self.folder}/{ROLLBACK}/ holds no plan: there is no complete way back"
            console.print(Text(line), soft_wrap=True)
        for text in self.faults:
            console.print(Text(f"NOT AS IT SHOULD BE: {text}", style="red"), soft_wrap=True)
        if not self.faults:
            line = f"Safe, and every file is what the plan says. Digest {self.digest}"
            console.print(Text(line, "green"), soft_wrap=True)

    def document(self) -> dict[str, Any]:
        """The same."""
        return {
            "safe": not self.faults,
            "faults": list(self.faults),
            "digest": self.digest,
            "plans": [
                {
                    "file": f"{name}{PLAN}",
                    "states": checked.report.states,
                    "paths": checked.report.paths,
                    "evidence": _evidence(checked),
                }
                for name, checked in self.plans.items()
            ],
        }


def _evidence(checked: Checked) -> list[str]:
    saved = checked.saved
    return evidence_lines(saved.topology, saved.plan, checked.book, checked.report)


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
