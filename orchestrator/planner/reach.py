"""Which steps come before which, as bits: a farm of thousands of steps in a few megabytes."""

from __future__ import annotations

from collections.abc import Iterable

import networkx as nx


class Reach:
    """The transitive closure of an order as it stands; later demands are not seen.

    Parameters
    ----------
    order : networkx.DiGraph
        Without cycles. An edge runs from a step to one that comes after it.

    Notes
    -----
    One integer per step, whose bits are all steps before it: for n steps n²/16 bytes, and as many
    operations on whole integers as there are edges.
    """

    def __init__(self, order: nx.DiGraph[str]) -> None:
        self._order = order
        self._index: dict[str, int] = {}
        self._before: dict[str, int] = {}
        for name in nx.topological_sort(order):
            mask = 0
            for earlier in order.predecessors(name):
                mask |= self._before[earlier] | (1 << self._index[earlier])
            self._index[name] = len(self._index)
            self._before[name] = mask

    def precedes(self, first: str, then: str) -> bool:
        """Whether one step always comes before another."""
        return bool(self._before[then] >> self._index[first] & 1)

    def before(self, name: str) -> int:
        """All that comes before a step, as bits to be compared with `bits` of others."""
        return self._before[name]

    def bits(self, names: Iterable[str]) -> int:
        """Steps as bits."""
        mask = 0
        for name in names:
            mask |= 1 << self._index[name]
        return mask

    def needed(self, name: str) -> list[str]:
        """Those predecessors that no other predecessor already implies, sorted."""
        covered = 0
        found = []
        for earlier in sorted(
            self._order.predecessors(name), key=self._index.__getitem__, reverse=True
        ):
            if not covered >> self._index[earlier] & 1:
                found.append(earlier)
                covered |= self._before[earlier]
        return sorted(found)
