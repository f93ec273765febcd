"""Everything a report is made from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from functools import cached_property

from orchestrator.checker import CheckReport
from orchestrator.journal.entry import Entry
from orchestrator.journal.projection import RunView, view
from orchestrator.model.build import Catalogue
from orchestrator.model.plan import Plan
from orchestrator.model.topology import Topology
from orchestrator.planfile import SavedPlan
from orchestrator.rules.engine import RuleBook


@dataclass(frozen=True)
class ReportInput:
    """A plan with its evidence, and what its journal says.

    Parameters
    ----------
    saved : SavedPlan
    book : RuleBook
        The rules it was made under.
    check : CheckReport
        What the independent checker saw.
    digest : str
        Of the plan folder: what is approved.
    catalogue : Catalogue
    zone : callable
        From an IANA name to the time zone.
    back : Plan or None
        The way back from the plan's end; None if there is none.
    no_way_back : str
        Why there is none.
    entries : sequence of Entry
        The journal; empty before a run.
    """

    saved: SavedPlan
    book: RuleBook
    check: CheckReport
    digest: str
    catalogue: Catalogue
    zone: Callable[[str], tzinfo]
    back: Plan | None = None
    no_way_back: str = ""
    entries: Sequence[Entry] = field(default=())

    @property
    def plan(self) -> Plan:
        """The plan."""
        return self.saved.plan

    @property
    def topology(self) -> Topology:
        """What exists."""
        return self.saved.topology

    @cached_property
    def run(self) -> RunView:
        """The journal, folded."""
        return view(self.entries)

    @cached_property
    def number(self) -> dict[str, int]:
        """Steps by their position, from 1."""
        return {step.id: n for n, step in enumerate(self.plan.steps, 1)}
