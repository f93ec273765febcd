"""A partial order of changes, by number."""

from __future__ import annotations

from collections.abc import Collection, Reversible

from orchestrator.planner.knots import adjacency

Numbers = frozenset[int]


class Order:
    """Which changes come after which, by number, if some pairs are in order."""

    def __init__(self, count: int, pairs: Collection[tuple[int, int]]) -> None:
        self.successors = adjacency(count, pairs)
        self._count = count
        reach = [sum(1 << then for then in thens) for thens in self.successors]
        for middle, bit in enumerate(1 << n for n in range(count)):
            beyond = reach[middle]
            if beyond:
                reach = [held | beyond if held & bit else held for held in reach]
        self._reach = reach
        self.cyclic = any(held >> n & 1 for n, held in enumerate(reach))

    def nearest(self, change: int, others: Reversible[int]) -> list[int]:
        """Of some changes, sorted as `sorted` does, the last before one."""
        found: list[int] = []
        for n in reversed(others):
            if self._reach[n] >> change & 1 and not any(self._reach[n] >> k & 1 for k in found):
                found.append(n)
        return found[::-1]

    def between(self, begins: Numbers, ends: Numbers) -> Numbers:
        """What comes after some, or is one of them, and before others, or is one of those."""
        later, last = _mask(begins), _mask(ends)
        for n in begins:
            later |= self._reach[n]
        return frozenset(
            n
            for n in range(self._count)
            if later >> n & 1 and (last >> n & 1 or self._reach[n] & last)
        )

    def leads(self, first: int, others: Numbers) -> bool:
        """Whether anything of some comes after it."""
        return bool(self._reach[first] & _mask(others))

    def sorted(self, changes: Collection[int]) -> list[int]:
        """Some changes so that each comes after those it must come after."""
        mask = _mask(changes)
        return sorted(changes, key=lambda n: (-(self._reach[n] & mask).bit_count(), n))


def _mask(numbers: Collection[int]) -> int:
    return sum(1 << n for n in numbers)
