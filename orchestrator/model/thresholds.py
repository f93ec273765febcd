"""What makes a gate of a run close: decisions of the organisation, with sane defaults."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Response(StrEnum):
    """What is done about something that was seen."""

    STOP = "stop"
    REPORT = "report"


@dataclass(frozen=True)
class Thresholds:
    """The gates of a run.

    Parameters
    ----------
    baseline : bool
        Look at every path before the first change.
    lost_path : Response
        A path that worked in the baseline and does not any more.
    unknown_coverage : Response
        A path of which nobody can say which server answered, or that nobody could look at.
    event_4999 : Response
        The cookie error was logged by a source all of whose paths worked in the baseline; where
        one was broken before, it is always only reported.
    probes_at_once, probes_per_source : int
        Log-ons at the same time: all together, and through one source server.
    least_runs : int
        Runs of steps of the same kind before their times count for more than the operator's.
    percentile : int
        Of those runs, how many percent ended within the minutes that are reckoned with.
    """

    baseline: bool = True
    lost_path: Response = Response.STOP
    unknown_coverage: Response = Response.REPORT
    event_4999: Response = Response.STOP
    probes_at_once: int = 16
    probes_per_source: int = 2
    least_runs: int = 5
    percentile: int = 95

    def data(self) -> dict[str, Any]:
        """As JSON values, for the journal."""
        return {name: str(v) if isinstance(v, str) else v for name, v in asdict(self).items()}
