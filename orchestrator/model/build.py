"""Exchange build numbers and the catalogue of releases they belong to."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

_NUMBER = re.compile(r"^\s*(\d{1,2})\.(\d{1,2})\.(\d{1,5})\.(\d{1,5})\s*$", re.ASCII)
_WORDS = re.compile(r"[\s_-]+")

PRODUCT_LINES = ("2007", "2010", "2013", "2016", "2019", "SE")
"""Product lines from old to new, as people say them: ``Exchange 2010`` is ``2010``."""


class Build(NamedTuple):
    """A build number; compares as Exchange does, part by part.

    Examples
    --------
    >>> Build.parse("14.02.0283.003") == Build(14, 2, 283, 3)
    True
    >>> str(Build(14, 2, 283, 3))
    '14.2.283.3'
    """

    major: int
    minor: int
    build: int
    revision: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.build}.{self.revision}"

    @classmethod
    def parse(cls, text: str) -> Build:
        """Read ``14.2.283.3`` or the padded form of event logs, ``14.02.0283.003``.

        Raises
        ------
        ValueError
            If the text is not four dotted numbers.
        """
        match = _NUMBER.match(text)
        if match is None:
            raise ValueError(f'"{text}" is not a build number of four parts such as 14.2.283.3')
        return cls(*(int(part) for part in match.groups()))

    @property
    def service_pack_level(self) -> tuple[int, int]:
        """``(14, 2)`` for 2010 SP2: a rollup fits exactly one of these (2007 and 2010)."""
        return (self.major, self.minor)


@dataclass(frozen=True)
class Release:
    """One row of the build catalogue.

    Parameters
    ----------
    build : Build
        As ExSetup.exe shows it.
    product_line : str
        One of `PRODUCT_LINES`.
    service_pack, rollup, cumulative_update, security_update : str
        Empty where the release has none.
    kb : str
        Knowledge-base number, empty where not verified.
    source : str
        Where the row comes from.
    """

    build: Build
    product_line: str
    service_pack: str = ""
    rollup: str = ""
    cumulative_update: str = ""
    security_update: str = ""
    kb: str = ""
    source: str = ""

    @property
    def name(self) -> str:
        """The name people use: ``2010 SP2 RU1``; the first release of a line is ``2010 RTM``."""
        parts = [
            self.product_line,
            self.service_pack,
            self.rollup,
            self.cumulative_update,
            self.security_update,
        ]
        if not any(parts[1:]):
            parts.append("RTM")
        return " ".join(part for part in parts if part)


@dataclass(frozen=True)
class BuildRange:
    """Builds with ``at_least <= build < below``; None is open."""

    at_least: Build | None = None
    below: Build | None = None

    def __contains__(self, build: Build) -> bool:
        return (self.at_least is None or self.at_least <= build) and (
            self.below is None or build < self.below
        )


class UnknownBuild(ValueError):
    """A build or name the catalogue does not hold; the message suggests the nearest one."""


class Catalogue:
    """The known releases, found by build or by name.

    Parameters
    ----------
    releases : iterable of Release
        Builds must be unique.
    """

    def __init__(self, releases: Iterable[Release]) -> None:
        self._by_build = {release.build: release for release in releases}
        self._by_name: dict[str, Release] = {}
        for release in self._by_build.values():
            self._by_name.setdefault(_plain(release.name), release)
            if release.service_pack and not release.rollup:
                self._by_name.setdefault(_plain(f"{release.name} RTM"), release)

    def __len__(self) -> int:
        return len(self._by_build)

    def read(self, text: str) -> Build:
        """A build number in either form, or a name such as ``2010 SP2 RU1``.

        Raises
        ------
        UnknownBuild
            If it is neither, or not in the catalogue.
        """
        named = self._by_name.get(_plain(text))
        if named is not None:
            return named.build
        try:
            build = Build.parse(text)
        except ValueError:
            raise UnknownBuild(
                f'"{text}" is not a known Exchange build{self._suggestion(text)}'
            ) from None
        if build not in self._by_build:
            raise UnknownBuild(f'"{text}" is not a known Exchange build{self._suggestion(text)}')
        return build

    def updates_of(self, build: Build) -> tuple[Build, ...]:
        """Every build a server may have whose AdminDisplayVersion shows this one, sorted.

        Up to 2010 it names the service pack and hides rollups; from 2013 on it names the
        cumulative update and hides security updates [doc].
        """
        fixed = 2 if build.major <= 14 else 3
        return tuple(sorted(b for b in self._by_build if b[:fixed] == build[:fixed] and b >= build))

    def release(self, build: Build) -> Release | None:
        """The release of a build, or None for one the catalogue does not hold."""
        return self._by_build.get(build)

    def name(self, build: Build) -> str:
        """The name of a build, or the number itself where the catalogue has no name."""
        release = self._by_build.get(build)
        return release.name if release else str(build)

    def is_service_pack(self, build: Build) -> bool:
        """Whether a build is that of a service pack itself, as set-up brings it (2007, 2010)."""
        release = self._by_build.get(build)
        return bool(
            release
            and build.major in {8, 14}
            and not (release.rollup or release.cumulative_update or release.security_update)
        )

    def base(self, build: Build) -> Build:
        """What is left of a build once all that can be removed is removed.

        For 2007 and 2010 its service pack, later its cumulative update. Where the catalogue does
        not know it, the lowest number it could have, of which no rule will say that it works.
        """
        parts = 2 if build.major < 15 else 3
        same = [
            release.build
            for release in self._by_build.values()
            if release.build[:parts] == build[:parts]
            and not (release.rollup or release.security_update)
        ]
        return min(same, default=Build(*build[:parts], *(0,) * (4 - parts)))

    def product_line(self, build: Build) -> str | None:
        """The product line by catalogue, else by version where that is unambiguous."""
        release = self._by_build.get(build)
        if release:
            return release.product_line
        lines = {(8,): "2007", (14,): "2010", (15, 0): "2013", (15, 1): "2016"}
        return lines.get((build.major,)) or lines.get((build.major, build.minor))

    def _suggestion(self, text: str) -> str:
        plain = _plain(text)
        near = difflib.get_close_matches(plain, self._by_name, n=1, cutoff=0.75)
        if near:
            release = self._by_name[near[0]]
        else:
            numbers = {str(build): release for build, release in self._by_build.items()}
            prefixed = [n for n in numbers if n.startswith(text.strip())] if text.strip() else []
            close = prefixed[:1] or difflib.get_close_matches(text, numbers, n=1, cutoff=0.75)
            if not close:
                return ""
            release = numbers[close[0]]
        return f"; did you mean {release.build} ({release.name})?"


def _plain(name: str) -> str:
    words = _WORDS.sub(" ", name.strip().lower())
    return words.removeprefix("microsoft ").removeprefix("exchange ").removeprefix("server ")
