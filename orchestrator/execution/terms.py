"""What a run keeps to, beside the plan itself."""

from __future__ import annotations

from dataclasses import dataclass, field

from orchestrator.execution.room import Room


@dataclass(frozen=True)
class Terms:
    """What a run keeps to.

    Parameters
    ----------
    room : Room
        The pools and their minimum in service.
    max_parallel : int
        Steps at once.
    """

    room: Room = field(default_factory=Room)
    max_parallel: int = 1
