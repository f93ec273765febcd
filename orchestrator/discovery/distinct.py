"""How many different names there are, in bounded memory and across files."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

KEPT = 4096
_SPAN = 1 << 64


class Distinct:
    """Counts different values exactly up to 4096, and within about 2 % beyond.

    Keeps the smallest of evenly spread hashes; their largest tells how dense they lie.
    Bar-Yossef et al., "Counting Distinct Elements in a Data Stream" (2002).

    Parameters
    ----------
    hashes : iterable of int
        What `hashes` of another one gave.
    exact : bool
        What `exact` of the other one was.
    """

    def __init__(self, hashes: Iterable[int] = (), *, exact: bool = True) -> None:
        self._smallest = set(hashes)
        self._limit = _SPAN
        self.exact = exact
        self._prune(KEPT)

    def add(self, value: bytes) -> None:
        """Count a value, upper and lower case as one."""
        number = int.from_bytes(blake2b(value.lower(), digest_size=8).digest())
        if number < self._limit:
            self._smallest.add(number)
            self._prune(2 * KEPT)

    def join(self, other: Distinct) -> None:
        """Count what the other one has counted, too."""
        self._smallest |= other._smallest
        self._limit = min(self._limit, other._limit)
        self.exact = self.exact and other.exact
        self._prune(KEPT)

    @property
    def hashes(self) -> list[int]:
        """What is kept, in order."""
        self._prune(KEPT)
        return sorted(self._smallest)

    def __len__(self) -> int:
        kept = self.hashes
        return len(kept) if self.exact else round((KEPT - 1) * _SPAN / kept[-1])

    def _prune(self, above: int) -> None:
        if len(self._smallest) <= above:
            return
        self._smallest = set(sorted(self._smallest)[:KEPT])
        self._limit = max(self._smallest)
        self.exact = False
