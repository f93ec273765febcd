"""What a failed pilot has shown goes into the journal and the organisation folder."""

from __future__ import annotations

from pathlib import Path

from rich.text import Text

from orchestrator.errors import OrchestratorError
from orchestrator.execution.disproved import disproof
from orchestrator.execution.run import RunReport
from orchestrator.inventory import seen
from orchestrator.journal.entry import Kind
from orchestrator.journal.store import Journal
from orchestrator.report.console import err


def keep_disproof(folder: Path, mark: str, report: RunReport, journal: Journal) -> None:
    """Keep what a run has disproved, if anything, and say so.

    A failure to write is told and does not hide how the run ended.

    Parameters
    ----------
    folder : Path
        Of the organisation.
    mark : str
        Digest of the plan.
    report : RunReport
    journal : Journal
        Of the plan.
    """
    shown = disproof(report)
    if shown is None:
        return
    names = ", ".join(shown.rules)
    try:
        entry = journal.append(
            Kind.RULE_DISPROVED, rules=list(shown.rules), event=shown.event, said=shown.said
        )
        kept = [
            seen.Seen(
                rule=rule,
                on=entry.time.isoformat(timespec="seconds"),
                event=shown.event,
                said=shown.said,
                plan=mark,
                step=shown.step,
                journal=entry.link,
            )
            for rule in shown.rules
        ]
        file = seen.keep(folder, kept)
    except OrchestratorError as error:
        text = f"Rule {names} was disproved, which could not be kept: {error.message}"
        err().print(Text(text, style="red"), soft_wrap=True)
        return
    text = (
        f"Kept in {file}: this farm does not bear with {names}. Every plan from now on takes it as "
        "broken; make a new one from the farm as it is: orchestrator plan --live"
    )
    err().print(Text(text), soft_wrap=True)
