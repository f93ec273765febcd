"""What must have succeeded before a step, as bits: exact, and small for thousands of steps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from orchestrator.model.plan import Step


class Before:
    """For each step all that must have succeeded before it, one bit per step.

    Parameters
    ----------
    steps : sequence of Step
        Each after those it comes after; `reference_faults` sees to it.
    """

    def __init__(self, steps: Sequence[Step]) -> None:
        self._steps = steps
        self._bit: dict[str, int] = {}
        self._before: dict[str, int] = {}
        for position, step in enumerate(steps):
            mask = 0
            for name in step.after:
                mask |= self._before[name] | self._bit[name]
            self._bit[step.id] = 1 << position
            self._before[step.id] = mask

    def holds(self, first: str, then: str) -> bool:
        """Whether one step has always succeeded before another starts."""
        return bool(self._before[then] & self._bit[first])

    def needed(self, name: str) -> int:
        """The bits of all that must have succeeded before a step."""
        return self._before[name]

    def bit(self, name: str) -> int:
        """The bit of a step."""
        return self._bit[name]

    def done_with(self, names: Iterable[str]) -> int:
        """The bits of some steps and of all that came before them."""
        mask = 0
        for name in names:
            mask |= self._before[name] | self._bit[name]
        return mask

    def names(self, mask: int) -> tuple[str, ...]:
        """The steps of some bits, in plan order."""
        return tuple(step.id for step in self._steps if mask & self._bit[step.id])
