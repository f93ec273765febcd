"""What a run keeps to, beside the plan itself."""

from __future__ import annotations

from dataclasses import dataclass, field

from orchestrator.execution.gates import Gates
from orchestrator.execution.remains import Undoing
from orchestrator.execution.room import Room
from orchestrator.execution.times import Times


@dataclass(frozen=True)
class Terms:
    """What a run keeps to.

    Parameters
    ----------
    room : Room
        The pools and their minimum in service.
    max_parallel : int
        Steps at once.
    times : Times or None
        The windows; None: at any time.
    wait : bool
        Wait for the next window instead of ending as paused.
    gates : Gates or None
        What is asked of the paths; None: nothing but what the steps' own playbooks ask.
    undoing : Undoing or None
        Of a way back: what it undoes.
    """

    room: Room = field(default_factory=Room)
    max_parallel: int = 1
    times: Times | None = None
    wait: bool = False
    gates: Gates | None = None
    undoing: Undoing | None = None

    def probe_limits(self) -> dict[str, int]:
        """What the role exchange_verify is told of the policy; empty without one."""
        if self.gates is None:
            return {}
        limits = self.gates.thresholds
        return {
            "owa_probe_at_once": limits.probes_at_once,
            "owa_probe_per_source": limits.probes_per_source,
        }
