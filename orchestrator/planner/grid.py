"""What the order of two pools' changes has to avoid: one kind of source against one of target.

The builds of the source on its way are rows, those of the target columns. A run goes from the
first cell to the last, right or down. A cell that must not be seen is avoided by leaving its row
before coming into its column, or the other way about: a demand between two changes. Where both
would do and neither follows from the rest, the cell is a *disjunction*.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from orchestrator.model.build import Build
from orchestrator.planner.way import Change, Point, Way
from orchestrator.rules.engine import Judgement

Cell = tuple[int, int]


class Demand(NamedTuple):
    """One change before another, by their numbers on the two ways.

    Parameters
    ----------
    first, then : int
    cell : (int, int)
        What is avoided by it.
    target_first : bool
        Whether the first is the target's and the other the source's, or the reverse.
    """

    first: int
    then: int
    cell: Cell
    target_first: bool


class Open(NamedTuple):
    """A cell that can be avoided in two ways, of which no other demand decides."""

    cell: Cell
    ways: tuple[Demand, Demand]


@dataclass(frozen=True)
class Grid:
    """Judgements of every source build in front of every target build, if proxied.

    Parameters
    ----------
    source, target : tuple of Point
    judgements : tuple of tuple of Judgement
        By source and target.
    patient : bool
        Of a pair that is broken today and could work for a while, break and be repaired later:
        whether it stays broken until then, or is repaired at once and kept from breaking.
    """

    source: tuple[Point, ...]
    target: tuple[Point, ...]
    judgements: tuple[tuple[Judgement, ...], ...]
    patient: bool = False

    @property
    def end(self) -> Cell:
        """The cell in which all changes are made."""
        return len(self.source) - 1, len(self.target) - 1

    def at(self, cell: Cell) -> Judgement:
        """The judgement of a cell."""
        return self.judgements[cell[0]][cell[1]]

    def blocks(self, cell: Cell) -> bool:
        """Whether the pair must not be proxied there."""
        return self.at(cell).blocks

    @property
    def works_first(self) -> bool:
        """Whether the pair works before any change."""
        return not self.blocks((0, 0))

    @property
    def works_last(self) -> bool:
        """Whether the pair works after all changes."""
        return not self.blocks(self.end)

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """Every cell, the source's changes first."""
        rows, columns = range(len(self.source)), range(len(self.target))
        return tuple(sorted(itertools.product(rows, columns), key=lambda c: (c[1], c[0])))

    @cached_property
    def demands(self) -> tuple[Demand, ...]:
        """What has to come before what; none that another already implies."""
        return _strongest(self._settled[0])

    @cached_property
    def disjunctions(self) -> tuple[Open, ...]:
        """Cells that may be avoided in two ways."""
        return tuple(self._settled[1])

    @cached_property
    def unavoidable(self) -> tuple[Cell, ...]:
        """Bad cells seen in any order: on a stop, or while a change is made."""
        return tuple(
            cell
            for cell in self._forbidden
            if cell not in {(0, 0), self.end} and not self._options(cell)
        )

    @cached_property
    def cautious(self) -> bool:
        """Whether it makes a difference to be patient: there are cells that break what may work."""
        return bool(self._breaking_again[1])

    @cached_property
    def _breaking_again(self) -> tuple[set[Cell], set[Cell]]:
        """Cells in which a pair broken today works, and later ones that would break it again.

        The later ones do no harm as long as it has never worked.
        """
        if self.works_first or not self.works_last:
            return set(), set()
        stops = [c for c in self.cells if self.source[c[0]].stop and self.target[c[1]].stop]
        good = self._leading_to_end([cell for cell in stops if not self.blocks(cell)])
        never = self._never_worked([cell for cell in stops if self.blocks(cell)])
        pairs = [(g, b) for g in good for b in never if g[0] <= b[0] and g[1] <= b[1]]
        return {g for g, _ in pairs}, {b for _, b in pairs}

    @cached_property
    def _settled(self) -> tuple[list[Demand], list[Open]]:
        demands: list[Demand] = []
        left: list[Open] = []
        for cell in self.cells:
            if cell in self._forbidden:
                options = self._options(cell)
                if len(options) == 1:
                    demands.append(options[0])
                elif options:
                    left.append(Open(cell, (options[0], options[1])))
        while True:
            still: list[Open] = []
            for one in left:
                possible = [option for option in one.ways if not self._contradicts(option, demands)]
                if len(possible) == 2:
                    still.append(one)
                else:
                    # none: a pair of demands that contradict each other, which no order can meet
                    demands += possible or one.ways
            if len(still) == len(left):
                return demands, still
            left = still

    def _options(self, cell: Cell) -> list[Demand]:
        source, target = self.source[cell[0]], self.target[cell[1]]
        found = []
        if target.leaves <= self.target[-1].enters and source.enters:
            found.append(Demand(target.leaves, source.enters, cell, target_first=True))
        if source.leaves <= self.source[-1].enters and target.enters:
            found.append(Demand(source.leaves, target.enters, cell, target_first=False))
        return found

    def _contradicts(self, option: Demand, demands: Sequence[Demand]) -> bool:
        """Whether its opposite already follows: it would close a cycle."""
        # For each end the last change that must be done before the option's first one is.
        reached = {option.target_first: option.first, not option.target_first: 0}
        goal = (not option.target_first, option.then)
        changed = True
        while changed:
            changed = False
            for demand in demands:
                then_end, first_end = not demand.target_first, demand.target_first
                if demand.then <= reached[then_end] and demand.first > reached[first_end]:
                    reached[first_end] = demand.first
                    changed = True
        return reached[goal[0]] >= goal[1]

    @cached_property
    def _forbidden(self) -> frozenset[Cell]:
        """Cells no run may come into: what works must not break, and not break again."""
        blocked = {cell for cell in self.cells if self.blocks(cell)}
        stops = [c for c in self.cells if self.source[c[0]].stop and self.target[c[1]].stop]
        if self.works_first:
            return frozenset(blocked)
        ok = [cell for cell in stops if cell not in blocked]
        if not self.works_last:
            return frozenset(ok)
        good = self._leading_to_end(ok)
        never = self._never_worked([cell for cell in stops if cell in blocked])
        early = self._breaking_again[0] if self.patient else set()
        late = {
            cell
            for cell in blocked
            if any(g[0] <= cell[0] and g[1] <= cell[1] for g in good - early)
        }
        beyond = {cell for cell in stops if cell in blocked} - never
        return frozenset((set(ok) - good) | early | late | beyond)

    def _leading_to_end(self, ok: Iterable[Cell]) -> set[Cell]:
        """Cells from which the end can be reached by cells that work."""
        usable = set(ok)
        good = {self.end}
        for cell in sorted(usable, reverse=True):
            if any(then in good for then in self._moves(cell)):
                good.add(cell)
        return good & usable

    def _never_worked(self, blocked: Iterable[Cell]) -> set[Cell]:
        """Cells that can be reached from the start by cells that do not work."""
        usable = set(blocked)
        reached = {(0, 0)}
        for cell in sorted(usable):
            if cell in reached:
                reached |= {then for then in self._moves(cell) if then in usable}
        return reached

    def _moves(self, cell: Cell) -> Iterator[Cell]:
        for row in range(cell[0] + 1, len(self.source)):
            if self.source[row].stop:
                yield row, cell[1]
                break
        for column in range(cell[1] + 1, len(self.target)):
            if self.target[column].stop:
                yield cell[0], column
                break


def _strongest(demands: Iterable[Demand]) -> tuple[Demand, ...]:
    found: list[Demand] = []
    every = list(demands)
    for demand in every:
        implied = any(
            other.target_first == demand.target_first
            and other.first >= demand.first
            and other.then <= demand.then
            and other[:2] != demand[:2]
            for other in every
        )
        known = any((*d[:2], d.target_first) == (*demand[:2], demand.target_first) for d in found)
        if not implied and not known:
            found.append(demand)
    return tuple(found)


@dataclass(frozen=True)
class PairFacts:
    """How one kind of source fares in front of one kind of target.

    Parameters
    ----------
    source, target : Way
    grid : Grid
        Shared by all pairs with the same builds.
    """

    source: Way
    target: Way
    grid: Grid

    def builds_at(self, cell: Cell) -> tuple[Build, Build]:
        """The builds of source and target in a cell."""
        return self.grid.source[cell[0]].build, self.grid.target[cell[1]].build

    def changes_of(self, demand: Demand) -> tuple[Change, Change]:
        """The two changes of a demand, the first first."""
        ends = (self.target, self.source) if demand.target_first else (self.source, self.target)
        return ends[0].changes[demand.first - 1], ends[1].changes[demand.then - 1]

    @property
    def mended_by(self) -> Change | None:
        """The change that repairs a pair that is broken before and works after."""
        if self.grid.works_first or not self.grid.works_last:
            return None
        end, line = (
            (self.target, [(0, column) for column in range(len(self.grid.target))])
            if self.target.changes
            else (self.source, [(row, 0) for row in range(len(self.grid.source))])
        )
        for point, cell in zip(end.points, line, strict=True):
            if point.stop and not self.grid.blocks(cell):
                return end.changes[point.enters - 1]
        return end.changes[-1]

    @property
    def other_than_mended(self) -> Change:
        """The first change of the end that does not repair; from a build to itself if it stays."""
        end = self.source if self.target.changes else self.target
        return end.changes[0] if end.changes else Change(end.pool, end.builds[0], end.builds[0])

    @property
    def unavoidable(self) -> list[tuple[Change, Judgement]]:
        """Changes that bring about a bad state in any order."""
        found = []
        for cell in self.grid.unavoidable:
            row, column = self.grid.source[cell[0]], self.grid.target[cell[1]]
            way, point = (self.source, row) if row.enters else (self.target, column)
            found.append((way.changes[point.enters - 1], self.grid.at(cell)))
        return found
