"""What came of a run, why it halts, and what a person can type then."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from orchestrator.execution.observed import ObservedFarm
from orchestrator.execution.stop import StopReport


@dataclass(frozen=True)
class RunReport:
    """What came of a run.

    Parameters
    ----------
    done : tuple of str
        Steps that are done, those of an earlier part of the run included.
    seconds : float
    farm : ObservedFarm or None
        As read at the end.
    stop : StopReport or None
        None if the plan was finished and the farm is where it ends.
    """

    done: tuple[str, ...]
    seconds: float
    farm: ObservedFarm | None
    stop: StopReport | None = None

    @property
    def exit_code(self) -> int:
        """0 finished, 5 stopped, 130 cancelled."""
        if self.stop is None:
            return 0
        return 130 if self.stop.interrupted else 5


@dataclass(frozen=True)
class Commands:
    """What a stop report tells to type; empty where there is no such way.

    Parameters
    ----------
    resume, rollback : str
    """

    resume: str = ""
    rollback: str = ""


@dataclass(frozen=True)
class Halt:
    """Why no further step is started.

    Parameters
    ----------
    reason : str
    paused, interrupted : bool
        Somebody, or the end of the window, asked for it: to go on later, or at once.
    next_window : datetime or None
        When what is left may go on, if it is a window that is missing.
    """

    reason: str
    paused: bool = False
    interrupted: bool = False
    next_window: datetime | None = None

    def data(self) -> dict[str, Any]:
        """What the journal keeps of it beside its reason."""
        return {"next_window": self.next_window.isoformat()} if self.next_window else {}
