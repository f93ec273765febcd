"""One run at a time per organisation: a file that says who runs what since when."""

from __future__ import annotations

import contextlib
import fcntl
import getpass
import json
import os
import secrets
import socket
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
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
    folder : str
        Of the plan; what still works below it belongs to that run.
    expires : str
        ISO 8601, UTC: when a run of that plan should long be over. Says nothing about a process
        on this host, which can be looked for.
    """

    user: str
    host: str
    pid: int
    identity: str
    since: str
    plan: str
    token: str
    folder: str = ""
    expires: str = ""

    @property
    def gone(self) -> bool:
        """Whether the process is known to be dead; False if it runs on another host."""
        same_host = self.host == socket.gethostname()
        return same_host and not process.alive(self.pid, self.identity)

    def stale(self, now: datetime) -> bool:
        """Whether its run is dead, or on another host and long past its time."""
        if self.host == socket.gethostname():
            return self.gone
        return bool(self.expires) and now >= datetime.fromisoformat(self.expires)

    def __str__(self) -> str:
        where = f" in {self.folder}" if self.folder else ""
        until = f", expected to end before {self.expires}" if self.expires else ""
        return (
            f"{self.user} on {self.host}, process {self.pid}, since {self.since}, "
            f"with plan {self.plan}{where}{until}"
        )


@dataclass(frozen=True)
class Held:
    """The lock as it is held now, and from which dead run it was taken over, if from any."""

    owner: Owner
    taken_from: Owner | None = None


@contextlib.contextmanager
def run_lock(
    inventory: Path,
    *,
    plan: str,
    clock: Clock,
    folder: Path | None = None,
    minutes: int = 0,
    take_over: bool = False,
) -> Iterator[Held]:
    """Hold the lock of an organisation while the context lasts.

    Parameters
    ----------
    inventory : Path
        Folder of the inventory.
    plan : str
        Digest of the plan that is to run.
    clock : Clock
    folder : Path or None
        Of the plan.
    minutes : int
        How long the run should take; after twice as long, and an hour, it counts as expired.
    take_over : bool
        Take over a lock whose run has died. One that is alive is never taken over.

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
        folder=str(folder.absolute()) if folder else "",
        expires=(clock.now() + timedelta(minutes=60 + 2 * minutes)).isoformat(timespec="seconds"),
    )
    taken_from = _remove_stale(path, clock.now()) if take_over else None
    _take(path, owner)
    try:
        yield Held(owner, taken_from)
    finally:
        if _read(path) == owner:
            path.unlink(missing_ok=True)


def _remove_stale(path: Path, now: datetime) -> Owner | None:
    """Remove the lock of a dead run; the owner it had, None if there was none to remove."""
    if not path.exists():
        return None
    # Two may take over at once: without this guard the second would remove the first one's lock.
    with path.with_name("take-over").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        found = _read(path)
        if found is None or not found.stale(now):
            return None
        path.unlink(missing_ok=True)
        return found


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
    again = "run the command again with --take-over"
    if owner is None:
        return OrchestratorError(
            f"the lock {path} exists but does not say who holds it",
            f"if nobody runs a plan: {check}",
        )
    if owner.gone:
        return OrchestratorError(
            f"the lock {path} was left behind by a run that has died: {owner}",
            f"its step may have been cut off in the middle. To go on with that plan: "
            f"orchestrator resume {owner.folder or 'DIR'} -i {path.parents[1]} --take-over; "
            f"for anything else {again}",
        )
    remedy = "wait for it to end"
    if owner.host != socket.gethostname():
        remedy += (
            f". If it has died on {owner.host}: look there for processes it left behind, then "
            f"remove {path}; once it has expired, {again}"
        )
    return OrchestratorError(f"another run holds the lock {path}: {owner}", remedy)


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
