"""The builds servers of one pool go through: the changes on the way, and what shows in between."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from orchestrator.model.build import Build
from orchestrator.model.topology import Pool, PoolId


class Change(NamedTuple):
    """What the order is about: the servers of one pool that go from one build to one other.

    Parameters
    ----------
    pool : PoolId
    old, new : Build
    way : tuple of Build
        The whole way if this is a part of it, empty if it is all of it: servers that go the same
        way are one, others of the pool are not.
    """

    pool: PoolId
    old: Build
    new: Build
    way: tuple[Build, ...] = ()

    def __str__(self) -> str:
        return f"{self.pool} to {self.new}" if self.way else str(self.pool)


class Point(NamedTuple):
    """A build on a way, with the changes that lead there and away by number.

    Parameters
    ----------
    build : Build
    enters : int
        The change before which the build cannot be seen; 0 at the start.
    leaves : int
        The change after which it cannot be seen any more; one more than there are at the end.
    stop : bool
        Whether servers stay there between two changes. Otherwise the build may show while one
        change is made, which then both enters and leaves it.
    """

    build: Build
    enters: int
    leaves: int
    stop: bool


@dataclass(frozen=True)
class Way:
    """Stops of servers of one pool from start to end; one alone if they stay.

    Parameters
    ----------
    pool : PoolId
    builds : tuple of Build
        Start, stops, end.
    passing : tuple of tuple of Build
        For each change the builds that may show while it is made; empty if there are none at all.
    """

    pool: PoolId
    builds: tuple[Build, ...]
    passing: tuple[tuple[Build, ...], ...] = ()

    @cached_property
    def changes(self) -> tuple[Change, ...]:
        """The changes in their order."""
        whole = self.builds if len(self.builds) > 2 else ()
        pairs = zip(self.builds, self.builds[1:], strict=False)
        return tuple(Change(self.pool, old, new, whole) for old, new in pairs)

    @cached_property
    def points(self) -> tuple[Point, ...]:
        """Every build that may show, in order."""
        found = [Point(self.builds[0], 0, 1, stop=True)]
        for number, build in enumerate(self.builds[1:], 1):
            between = self.passing[number - 1] if self.passing else ()
            found += [Point(passed, number, number, stop=False) for passed in between]
            found.append(Point(build, number, number + 1, stop=True))
        return tuple(found)


Ways = Mapping[str, Way]
"""The way of each server."""


def ways_of_pool(pool: Pool, ways: Ways) -> list[Way]:
    """The distinct ways of a pool's servers, in a stable order."""
    # Most servers of a pool share one: to compare them by identity first is cheap.
    shared = {id(way): way for name in pool.servers for way in (ways[name],)}
    return sorted({*shared.values()}, key=lambda way: (way.builds, way.passing))


def in_sequence(ways: Iterable[Way]) -> list[tuple[Change, Change]]:
    """Each change with the next of the same way."""
    distinct = {way for way in {id(way): way for way in ways}.values() if len(way.builds) > 2}
    return sorted(pair for way in distinct for pair in itertools.pairwise(way.changes))
