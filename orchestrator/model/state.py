"""What may change: builds per server and external addresses per server and protocol."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from orchestrator.model.build import Build
    from orchestrator.model.topology import Pool, Protocol


class AccessMode(StrEnum):
    """How other sites reach a pool for one protocol."""

    PROXY = "proxy"
    REDIRECT = "redirect"
    MIXED = "mixed"
    """Some servers of the pool have an ExternalURL and some have none: either may be seen."""


@dataclass(frozen=True)
class State:
    """Builds and ExternalURLs of every server at one moment, and version folders beside them.

    Parameters
    ----------
    builds : mapping of server name to Build
    external_urls : mapping of (server name, Protocol) to str
        Only what is set; an absent key means no ExternalURL.
    version_folders : frozenset of (server name, Build)
        Folders ``owa\\<build>`` of other builds that a server is known to have (KB 947168). What
        is not known to be there counts as missing; one more than expected does no harm, so states
        that differ in nothing else are equal.
    """

    builds: Mapping[str, Build]
    external_urls: Mapping[tuple[str, Protocol], str]
    version_folders: frozenset[tuple[str, Build]] = field(default=frozenset(), compare=False)

    def __post_init__(self) -> None:
        urls = {key: url for key, url in self.external_urls.items() if url}
        object.__setattr__(self, "builds", MappingProxyType(dict(self.builds)))
        object.__setattr__(self, "external_urls", MappingProxyType(urls))

    def __reduce__(self) -> tuple[type[State], tuple[object, object, object]]:
        """How it is sent to another process: read-only views cannot be."""
        return State, (dict(self.builds), dict(self.external_urls), self.version_folders)

    def mode(self, pool: Pool, protocol: Protocol) -> AccessMode:
        """The access mode of one label, from the ExternalURLs of the pool's servers."""
        if not self.external_urls:
            return AccessMode.PROXY
        found = {(name, protocol) in self.external_urls for name in pool.servers}
        if found == {True}:
            return AccessMode.REDIRECT
        return AccessMode.MIXED if True in found else AccessMode.PROXY

    def with_builds(self, builds: Mapping[str, Build]) -> State:
        """The state after some servers changed their build."""
        return State({**self.builds, **builds}, self.external_urls, self.version_folders)

    def with_urls(self, urls: Mapping[tuple[str, Protocol], str]) -> State:
        """The state after some ExternalURLs were set, or cleared by an empty text."""
        return State(self.builds, {**self.external_urls, **urls}, self.version_folders)

    def with_folders(self, folders: Iterable[tuple[str, Build]]) -> State:
        """The state after some servers got version folders."""
        return State(self.builds, self.external_urls, self.version_folders | {*folders})

    def only_folders(self, folders: Iterable[tuple[str, Build]]) -> State:
        """The state as far as it concerns these version folders."""
        return State(self.builds, self.external_urls, self.version_folders & {*folders})


def differences(expected: State, found: State) -> list[str]:
    """What differs, one line per server and value, for a person; empty if nothing does."""
    lines = []
    for name in sorted({*expected.builds, *found.builds}):
        old, new = expected.builds.get(name), found.builds.get(name)
        if old != new:
            lines.append(f"{name}: build {new or 'not read'}, expected {old or 'none'}")
    for name, protocol in sorted({*expected.external_urls, *found.external_urls}):
        want = expected.external_urls.get((name, protocol), "")
        seen = found.external_urls.get((name, protocol), "")
        if want != seen:
            lines.append(
                f"{name}: {protocol} ExternalUrl {seen or 'none'}, expected {want or 'none'}"
            )
    lines += [
        f"{name}: no version folder of {build}, expected one"
        for name, build in sorted(expected.version_folders - found.version_folders)
    ]
    return lines
