"""A plan, shown when it is made and when a way back is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from orchestrator.checker import CheckReport
from orchestrator.model.build import Build, Catalogue
from orchestrator.model.plan import Plan
from orchestrator.model.topology import Topology
from orchestrator.planfile import SavedPlan, to_document
from orchestrator.report.plan_table import print_plan
from orchestrator.report.timetable import Zone, print_timetable
from orchestrator.rules.engine import RuleBook

NOTHING_PLANNED: dict[str, Any] = {
    "steps": 0,
    "minutes": 0,
    "outage_user_minutes": 0,
    "folder": None,
    "digest": None,
    "notes": [],
    "plan": None,
}


@dataclass(frozen=True)
class Planned:
    """A checked plan and where it was written.

    Parameters
    ----------
    purpose : str
        ``change`` or ``rollback``.
    folder : Path or None
        None for a dry run.
    digest : str
        Of that folder.
    notes : tuple of str
        What must be known of the way back.
    """

    topology: Topology
    plan: Plan
    book: RuleBook
    catalogue: Catalogue
    check: CheckReport
    zone: Zone
    goals: Mapping[str, Build] = field(default_factory=dict)
    purpose: str = "change"
    folder: Path | None = None
    digest: str = ""
    notes: tuple[str, ...] = ()

    def print(self, out: Console) -> None:
        """Steps, reasons, evidence, times."""
        print_plan(out, self.topology, self.plan, self.book, self.catalogue, self.check)
        print_timetable(out, self.plan, self.zone)
        for note in self.notes:
            out.print(Text(f"Note: {note}."), soft_wrap=True)
        if self.folder is not None:
            out.print(Text(f"Written to {self.folder}. Digest {self.digest}"), soft_wrap=True)
        else:
            out.print("Dry run: nothing was written; give -o FOLDER to write the plan.")

    def figures(self) -> dict[str, Any]:
        """Where it was written and how long it takes."""
        return {
            "steps": len(self.plan.steps),
            "minutes": sum(step.estimated_minutes for step in self.plan.steps),
            "folder": str(self.folder) if self.folder else None,
            "digest": self.digest or None,
        }

    def document(self) -> dict[str, Any]:
        """The same and the plan, as in plan.json."""
        saved = SavedPlan(self.topology, self.plan, self.book.policy, self.goals, self.purpose)
        whole = to_document(saved, self.book, self.check)
        outages = (step.outage.user_minutes for step in self.plan.steps if step.outage)
        return {
            **self.figures(),
            "outage_user_minutes": sum(outages),
            "notes": list(self.notes),
            "plan": whole.model_dump(mode="json"),
        }


@dataclass(frozen=True)
class WayBack:
    """A way back; the document says where it is, not the whole plan."""

    planned: Planned

    def print(self, out: Console) -> None:
        """As any plan."""
        self.planned.print(out)

    def document(self) -> dict[str, Any]:
        """Where it was written and how long it takes."""
        return self.planned.figures()
