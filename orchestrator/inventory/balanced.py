"""Load-balanced names inside a pool: who is behind them, and how many of those keep serving."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Protocol

from orchestrator.inventory.findings import did_you_mean
from orchestrator.model.topology import Balanced
from orchestrator.model.words import counted


class Entry(Protocol):
    """A balanced name as people wrote it."""

    @property
    def name(self) -> str: ...
    @property
    def servers(self) -> Sequence[str]: ...
    @property
    def minimum_in_service(self) -> int | None: ...


def balanced_names(entries: Iterable[Entry]) -> tuple[Balanced, ...]:
    """The names with all but one server as their minimum where nobody said another."""
    return tuple(
        Balanced(
            entry.name,
            tuple(sorted(entry.servers)),
            len(entry.servers) - 1
            if entry.minimum_in_service is None
            else entry.minimum_in_service,
        )
        for entry in sorted(entries, key=lambda entry: entry.name)
    )


def default_minimum(servers: Collection[str], balanced: Collection[Balanced]) -> int:
    """All but one; beside balanced names what these leave, and all of the rest but one."""
    if not balanced:
        return len(servers) - 1
    behind = sum(len(one.servers) for one in balanced)
    return sum(one.minimum_in_service for one in balanced) + max(0, len(servers) - behind - 1)


def faults(members: Collection[str], entries: Sequence[Entry]) -> Iterator[tuple[int, str, str]]:
    """What is wrong with them: the number of the entry, the message and the remedy."""
    behind: dict[str, str] = {}
    names: set[str] = set()
    for number, entry in enumerate(entries):
        if entry.name in names:
            yield number, f"the balanced name {entry.name} is given twice", "merge the two"
        names.add(entry.name)
        for server in entry.servers:
            if server not in members:
                message = f"{server}, behind {entry.name}, is not a server of this pool"
                yield number, message, did_you_mean(server, members)
            elif server in behind:
                message = f"{server} is behind {behind[server]} and behind {entry.name}"
                yield number, message, "name it once: its pool counts it either way"
            behind[server] = entry.name
        count, least = len({*entry.servers}), entry.minimum_in_service
        if least is not None and least >= count:
            message = (
                f"minimum_in_service {least} of {counted(count, 'server')} behind {entry.name}: "
                "none could ever be updated"
            )
            yield number, message, f"use at most {count - 1}"
