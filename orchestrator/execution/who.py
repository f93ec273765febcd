"""Who does something, where: a person, a host and a process that can be looked for later."""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from orchestrator.execution import process


@dataclass(frozen=True)
class Who:
    """A person at a process.

    Parameters
    ----------
    by, host : str
    pid : int
    identity : str
        Tells a later process with the same pid apart.
    """

    by: str
    host: str
    pid: int
    identity: str

    @classmethod
    def here(cls) -> Who:
        """The user and process that ask."""
        return cls(user_name(), socket.gethostname(), os.getpid(), process.identity(os.getpid()))

    def data(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


def user_name() -> str:
    """The name of the user, or the number where there is no entry, e.g. in a container."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return str(os.getuid())


def runs_still(who: Mapping[str, Any]) -> bool | None:
    """Whether the process of a journal's ``who`` is alive; None on another host, or unknown."""
    if who.get("host") != socket.gethostname() or "pid" not in who:
        return None
    return process.alive(int(who["pid"]), str(who.get("identity", "")))
