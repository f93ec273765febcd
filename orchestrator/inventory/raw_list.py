"""A list of hosts as its owner wrote it, from which an inventory is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestrator.diagnostic import Place
    from orchestrator.inventory.raw_host import RawHost


@dataclass(frozen=True)
class Sealed:
    """A value encrypted by Ansible's vault; it is passed on, never opened."""

    ciphertext: str


@dataclass(frozen=True)
class RawGroup:
    """One group of the hosts file, with what stands in it and nothing inherited.

    Parameters
    ----------
    name : str
    children, hosts : tuple of str
        In the file's order.
    variables : mapping of str to object
        Plain values, templates unresolved, `Sealed` for vault.
    """

    name: str
    children: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    variables: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class RawList:
    """Hosts and groups of a hosts file.

    Parameters
    ----------
    groups : tuple of RawGroup
        Without Ansible's own ``ungrouped``; ``all`` is the first.
    own_variables : mapping of host to its variables in the hosts file
    hosts : tuple of RawHost
        Every host, with the variables that can be resolved, wherever they stand.
    clear_secrets : tuple of (host, variable, Place)
        Passwords that stand there in clear.
    """

    groups: tuple[RawGroup, ...] = ()
    own_variables: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    hosts: tuple[RawHost, ...] = ()
    clear_secrets: tuple[tuple[str, str, Place], ...] = ()

    def members(self, group: str) -> tuple[str, ...]:
        """Hosts of a group and of the groups below it, in order."""
        by_name = {entry.name: entry for entry in self.groups}
        found: dict[str, None] = {}
        waiting, seen = [group], set()
        while waiting:
            name = waiting.pop(0)
            if name in seen or name not in by_name:
                continue
            seen.add(name)
            found |= dict.fromkeys(by_name[name].hosts)
            waiting += by_name[name].children
        return tuple(found)
