"""The journal as a run uses it: written before and after everything, read for what others ask."""

from __future__ import annotations

from typing import Any

from orchestrator.errors import OrchestratorError, RunStopped
from orchestrator.execution.observed import ObservedFarm
from orchestrator.execution.ports import Ports
from orchestrator.journal.entry import Kind
from orchestrator.journal.store import Journal
from orchestrator.model.plan import Step


class Diary:
    """What a run writes down, and what it learns from others through the same file.

    Parameters
    ----------
    journal : Journal
    ports : Ports
    """

    def __init__(self, journal: Journal, ports: Ports) -> None:
        self.journal = journal
        self._ports = ports
        self._seen = max((entry.seq for entry in journal.entries()), default=0)

    def write(
        self, known: str, kind: Kind, step: Step | None = None, *, attempt: int = 1, **data: Any
    ) -> None:
        """Write an entry.

        Parameters
        ----------
        known : str
            What is known at this moment, for the message if it cannot be written.

        Raises
        ------
        RunStopped
            It cannot be written: the run stops here.
        """
        try:
            self.journal.append(kind, step.id if step else None, attempt=attempt, **data)
        except OrchestratorError as error:
            raise unwritten(known, error) from error

    def pause_asked(self) -> str:
        """Who asked for a pause, by a signal or through the journal; empty if nobody did."""
        if self._ports.pause_requested():
            return "as asked by a signal"
        try:
            news = self.journal.entries(after=self._seen)
        except OrchestratorError as error:
            raise unwritten("the journal cannot be read", error) from error
        for entry in news:
            self._seen = entry.seq
            if entry.kind == Kind.PAUSE_REQUESTED:
                return f"as {entry.data.get('by') or 'somebody'} asked"
        return ""

    def read_farm(self) -> tuple[ObservedFarm | None, str]:
        """The farm as it is now and written down; or None, and why not."""
        try:
            farm = self._ports.read_farm()
        except OrchestratorError as error:
            return None, error.message
        self.write("the farm was read", Kind.STATE_READ, **farm_data(farm))
        return farm, ""


def farm_data(farm: ObservedFarm) -> dict[str, Any]:
    """A reading as JSON values for the journal."""
    return {
        "builds": {name: str(facts.build) for name, facts in sorted(farm.servers.items())},
        "owa_external_urls": {
            name: facts.external_url for name, facts in sorted(farm.servers.items())
        },
        "problems": [str(problem) for problem in farm.problems],
    }


def unwritten(known: str, error: OrchestratorError) -> RunStopped:
    """The error of a journal that cannot be used any more."""
    return RunStopped(f"{known}; the run stops here: {error.message}", error.remedy)
