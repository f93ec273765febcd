"""One run at a time per organisation: a file that says who runs what since when."""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import secrets
import socket
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from orchestrator.errors import OrchestratorError
from orchestrator.execution import process
from orchestrator.execution.clock import Clock

LOCK_PATH = Path(".orchestrator") / "lock.json"
"""Where the lock is, in the folder of the inventory."""


@dataclass(frozen=True)
class Owner:
    """Who holds the lock.

    Parameters
    ----------
    user, host : str
    pid : int
    identity : str
        Tells a later process with the same pid apart.
    since : str
        ISO 8601, UTC.
    plan : str
        Digest of the plan.
    token : str
        Random; a lock is only ever released by the run that took it.
    """

    user: str
    host: str
    pid: int
    identity: str
    since: str
    plan: str
    token: str

    @property
    def gone(self) -> bool:
        """Whether the process is known to be dead; False if it runs on another host."""
        same_host = self.host == socket.gethostname()
        return same_host and not process.alive(self.pid, self.identity)

    def __str__(self) -> str:
        return (
            f"{self.user} on {self.host}, process {self.pid}, since {self.since}, "
            f"with plan {self.plan}"
        )


@contextlib.contextmanager
def run_lock(inventory: Path, *, plan: str, clock: Clock) -> Iterator[Owner]:
    """Hold the lock of an organisation while the context lasts.

    Parameters
    ----------
    inventory : Path
        Folder of the inventory.
    plan : str
        Digest of the plan that is to run.
    clock : Clock

    Raises
    ------
    OrchestratorError
        If another run holds it, or left it behind; says who, where and since when.
    """
    path = inventory / LOCK_PATH
    owner = Owner(
        user=_user(),
        host=socket.gethostname(),
        pid=os.getpid(),
        identity=process.identity(os.getpid()),
        since=clock.now().isoformat(timespec="seconds"),
        plan=plan,
        token=secrets.token_hex(16),
    )
    _take(path, owner)
    try:
        yield owner
    finally:
        if _read(path) == owner:
            path.unlink(missing_ok=True)


def _take(path: Path, owner: Owner) -> None:
    draft = path.with_name(f"lock.{owner.token}")
    try:
        path.parent.mkdir(exist_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(asdict(owner), file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        try:
            # Fails like O_EXCL if the lock exists, and nobody ever sees a half-written one.
            os.link(draft, path)
        finally:
            draft.unlink()
    except FileExistsError:
        raise _held(path) from None
    except OSError as error:
        raise OrchestratorError(
            f"cannot write the lock {path}: {error.strerror}",
            "the inventory folder must be writable: the lock keeps a second run away",
        ) from error


def _held(path: Path) -> OrchestratorError:
    owner = _read(path)
    check = f'read the farm ("orchestrator diagnose --live"), then remove {path}'
    if owner is None:
        return OrchestratorError(
            f"the lock {path} exists but does not say who holds it",
            f"if nobody runs a plan: {check}",
        )
    if owner.gone:
        return OrchestratorError(
            f"the lock {path} was left behind by a run that has died: {owner}",
            f"its step may have been cut off in the middle: {check}",
        )
    return OrchestratorError(
        f"another run holds the lock {path}: {owner}",
        "wait for it to end"
        if owner.host == socket.gethostname()
        else f"wait for it to end; if it has died on {owner.host}: {check}",
    )


def _read(path: Path) -> Owner | None:
    try:
        fields: Any = json.loads(path.read_text(encoding="utf-8"))
        return Owner(**fields)
    except (OSError, ValueError, TypeError):
        return None


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # No entry in the user database, e.g. in a container.
        return str(os.getuid())
