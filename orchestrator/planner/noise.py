"""Numbers that look random and are the same everywhere: no clock, no global state."""

from __future__ import annotations

_MASK = (1 << 64) - 1


class Noise:
    """SplitMix64 (Steele, Lea, Flood 2014), seeded.

    Parameters
    ----------
    seed : int
    """

    def __init__(self, seed: int) -> None:
        self._state = seed & _MASK

    def below(self, limit: int) -> int:
        """A whole number from 0 to `limit` - 1; the bias of the remainder does not matter here."""
        self._state = (self._state + 0x9E3779B97F4A7C15) & _MASK
        z = self._state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
        return (z ^ (z >> 31)) % limit
