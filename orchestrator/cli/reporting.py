"""From a plan folder, or the files about to become one, to its report."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from orchestrator.checker import CheckReport, check
from orchestrator.errors import OrchestratorError
from orchestrator.journal.entry import Entry
from orchestrator.journal.store import JOURNAL_NAME, Journal
from orchestrator.model.plan import Plan
from orchestrator.planfile import SavedPlan, digest, read_plan
from orchestrator.planfile.folder import PLAN, ROLLBACK
from orchestrator.report.page import ReportInput, report_html
from orchestrator.shipped import catalogue, rule_pack, zone

REPORT = "report.html"
NO_WAY_BACK = "NO-WAY-BACK.txt"
_MADE_FROM = re.compile(r'<meta name="orchestrator-journal" content="(\d{1,9})">')


def report_input(
    saved: SavedPlan, checked: CheckReport, mark: str, back: Plan | None, no_way_back: str
) -> ReportInput:
    """The input of a report before a run.

    Parameters
    ----------
    saved : SavedPlan
        As it is read from plan.json: a report made later must have the same bytes.
    mark : str
        The digest of the folder.
    """
    return ReportInput(
        saved=saved,
        book=saved.rules.book(rule_pack, saved.policy),
        check=checked,
        digest=mark,
        catalogue=catalogue(),
        zone=zone,
        back=back,
        no_way_back=no_way_back,
    )


def folder_report(folder: Path, saved: SavedPlan, checked: CheckReport) -> ReportInput:
    """The input of the report of a folder, without its journal."""
    back, why = None, ""
    if (folder / ROLLBACK / PLAN).is_file():
        back = read_plan(folder / ROLLBACK).plan
    elif (folder / ROLLBACK / NO_WAY_BACK).is_file():
        why = (folder / ROLLBACK / NO_WAY_BACK).read_text(encoding="utf-8").strip()
    elif saved.purpose == "rollback":
        why = "This is a way back itself; the way forward is a new plan."
    return report_input(saved, checked, digest(folder), back, why)


def with_journal(given: ReportInput, entries: Sequence[Entry]) -> ReportInput:
    """The same with what the journal says."""
    return replace(given, entries=tuple(entries))


def journal_entries(folder: Path) -> list[Entry]:
    """The journal of a folder, verified; empty if nothing was begun.

    Raises
    ------
    OrchestratorError
        If it is damaged or was changed.
    """
    if not (folder / JOURNAL_NAME).is_file():
        return []
    with Journal.read(folder / JOURNAL_NAME) as journal:
        journal.verify()
        return journal.entries()


def report_of(folder: Path) -> str:
    """The report of a plan folder as it stands now.

    Raises
    ------
    OrchestratorError
        If plan or journal cannot be read.
    """
    saved = read_plan(folder)
    book = saved.rules.book(rule_pack, saved.policy)
    checked = check(saved.topology, saved.plan, book)
    return report_html(with_journal(folder_report(folder, saved, checked), journal_entries(folder)))


def report_faults(folder: Path, saved: SavedPlan, checked: CheckReport) -> list[str]:
    """Whether report.html says otherwise than the plan, and the journal it was made from.

    It names how many journal entries it was made from: one that is older than the journal is no
    fault. A folder without a report is none, either.
    """
    file = folder / REPORT
    if not file.is_file():
        return []
    text = file.read_text(encoding="utf-8", errors="replace")
    found = _MADE_FROM.search(text)
    entries = journal_entries(folder)
    count = int(found[1]) if found else 0
    expected = report_html(with_journal(folder_report(folder, saved, checked), entries[:count]))
    if count > len(entries) or text != expected:
        return [f"{REPORT} is not what the plan says; `orchestrator report` writes it anew"]
    return []


def write_report(folder: Path, text: str, file: Path | None) -> Path:
    """Write the report; by default into the folder it is about.

    Raises
    ------
    OrchestratorError
        If it cannot be written.
    """
    target = file or folder / REPORT
    try:
        target.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise OrchestratorError(f"{target} cannot be written: {error.strerror}") from None
    return target
