"""Integer programs that get rows as they turn out to be needed, by HiGHS through SciPy."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple


class Answer(NamedTuple):
    """What HiGHS says of a program.

    Parameters
    ----------
    values : tuple of float
        By column; empty if it found none within its limit.
    bound : int
        Nothing costs less: a whole number, as costs are.
    proven : bool
        Whether the values are known to cost least.
    """

    values: tuple[float, ...]
    bound: int
    proven: bool


class Program:
    """Columns that cost something, rows that must reach something; asked for is the least cost.

    Columns lie between 0 and their most. Limits are counts of branching nodes: one by the clock
    would give another answer on another day.
    """

    def __init__(self) -> None:
        self._costs: list[int] = []
        self._most: list[float] = []
        self._whole: list[bool] = []
        self._rows: dict[tuple[tuple[int, float], ...], float] = {}

    def column(self, cost: int = 0, most: float = 1, *, whole: bool = True) -> int:
        """The number of a new column."""
        self._costs.append(cost)
        self._most.append(most)
        self._whole.append(whole)
        return len(self._costs) - 1

    def row(self, terms: Mapping[int, float], at_least: float) -> bool:
        """Ask for a sum over columns to reach something; whether that was new."""
        key = tuple(sorted((column, float(value)) for column, value in terms.items() if value))
        if not key or self._rows.get(key, -math.inf) >= at_least:
            return False
        self._rows[key] = at_least
        return True

    def solve(self, nodes: int, *, gap: float = 0.0, relaxed: bool = False) -> Answer:
        """The cheapest values found, and a bound.

        Parameters
        ----------
        nodes : int
            Branching nodes at most.
        gap : float
            Share of the cost that may be left between the two.
        relaxed : bool
            Whether columns need not be whole: fast, and still a bound.
        """
        # Heavy and needed only where cycles are left over: most plans never get here.
        import numpy as np
        from scipy.optimize import Bounds, LinearConstraint, milp
        from scipy.sparse import csr_array

        # Rows and costs by their largest: with coefficients of 10**8 beside 1 HiGHS has been seen
        # to call a program solved whose optimum was half of what it said.
        sizes = [max(abs(value) for _, value in row) for row in self._rows]
        size = max(self._costs, default=0) or 1
        entries = [
            (column, value / by)
            for row, by in zip(self._rows, sizes, strict=True)
            for column, value in row
        ]
        matrix = csr_array(
            (
                np.array([value for _, value in entries], dtype=float),
                np.array([column for column, _ in entries], dtype=int),
                np.cumsum([0, *map(len, self._rows)]),
            ),
            shape=(len(self._rows), len(self._costs)),
        )
        least = [at / by for at, by in zip(self._rows.values(), sizes, strict=True)]
        result = milp(
            np.array(self._costs, dtype=float) / size,
            integrality=np.array(self._whole, dtype=int) * (not relaxed),
            bounds=Bounds(0, self._most),
            constraints=LinearConstraint(matrix, lb=least),
            options={"mip_rel_gap": gap, "node_limit": nodes},
        )
        found = result.fun if relaxed else result.mip_dual_bound
        # The least is a whole number, and what bounds it a float.
        bound = 0 if found is None else max(0, math.ceil(found * size * (1 - 1e-9) - 1e-6))
        values = () if result.x is None else tuple(float(value) for value in result.x)
        return Answer(values, bound, result.status == 0 and not relaxed and not gap)
