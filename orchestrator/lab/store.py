"""The files of a lab: state that survives it, secrets, and the records it writes."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from orchestrator.lab.errors import LabError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from io import TextIOWrapper
    from pathlib import Path

_STATE = "lab-state.json"
_OURS = (
    _STATE,
    "connection.yml",
    "ca.pem",
    "lab.log",
    "requests.jsonl",
    "modules.jsonl",
    "faults.jsonl",
    "secrets",
    "servers",
)


@dataclass(frozen=True)
class Running:
    """A lab process and its port on 127.0.0.1."""

    pid: int
    port: int


class Store:
    """One folder, called STATE in the documentation."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.secrets = folder / "secrets"
        self._lock: TextIOWrapper | None = None

    @property
    def connection_file(self) -> Path:
        """Variables to pass to Ansible with `-e @FILE`; holds no secret."""
        return self.folder / "connection.yml"

    @property
    def ca_file(self) -> Path:
        """Certificate of the lab's own authority."""
        return self.folder / "ca.pem"

    @property
    def pid_file(self) -> Path:
        """Process id and port of the running lab."""
        return self.folder / "lab.pid"

    @property
    def log_file(self) -> Path:
        """What the detached lab prints."""
        return self.folder / "lab.log"

    @property
    def user_file(self) -> Path:
        """Windows accounts in the form NTLM wants."""
        return self.secrets / "ntlm-users"

    def prepare(self, *, fresh: bool) -> None:
        """Create the folder and take it; with `fresh` remove what an earlier lab left in it.

        Raises:
            LabError: the folder holds something else, is in use, or cannot be written.
        """
        try:
            if self.folder.is_dir() and any(self.folder.iterdir()) and not self._marked():
                text = f"{self.folder} is not empty and not a lab's: choose another --state"
                raise LabError(text)
            self.folder.mkdir(parents=True, exist_ok=True)
            self._take()
            if fresh:
                for name in _OURS:
                    path = self.folder / name
                    if path.is_dir():
                        shutil.rmtree(path)
                    else:
                        path.unlink(missing_ok=True)
            self.secrets.mkdir(exist_ok=True)
            self.secrets.chmod(0o700)
        except OSError as error:
            self.release()
            raise LabError(f"{self.folder}: {error.strerror}; choose another --state") from error

    def _marked(self) -> bool:
        return any(path.exists() for path in (self.folder / _STATE, self.secrets, self.pid_file))

    def _take(self) -> None:
        """Hold the pid file locked; the lock ends with the process, however that ends."""
        handle = self.pid_file.open("a+", encoding="utf-8")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.close()
            raise LabError(
                f"a lab is already running on {self.folder}: "
                f"stop it with `orchestrator lab down --state {self.folder}`"
            ) from None
        self._lock = handle

    def release(self) -> None:
        """Let the folder go."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def write_running(self, port: int) -> None:
        """Tell others that this process answers on that port."""
        if self._lock is not None:
            self._lock.truncate(0)
            self._lock.write(json.dumps({"pid": os.getpid(), "port": port}) + "\n")
            self._lock.flush()

    def last_run(self) -> Running | None:
        """What the last lab on this folder wrote about itself, running or not."""
        try:
            entry = json.loads(self.pid_file.read_text())
            return Running(int(entry["pid"]), int(entry["port"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def taken(self) -> bool:
        """Whether a lab is alive on this folder."""
        if not self.pid_file.exists():
            return False
        with self.pid_file.open(encoding="utf-8") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def load_state(self) -> dict[str, Any] | None:
        """The saved state, `None` before the first start.

        Raises:
            LabError: the file is damaged.
        """
        path = self.folder / _STATE
        try:
            state = json.loads(path.read_text())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise LabError(f"{path}: damaged ({error}); start over with --fresh") from error
        if not isinstance(state, dict):
            raise LabError(f"{path}: damaged; start over with --fresh")
        return state

    def save_state(self, state: dict[str, Any]) -> None:
        """Replace the saved state in one step."""
        path = self.folder / _STATE
        passing = path.with_suffix(".new")
        passing.write_text(json.dumps(state, separators=(",", ":")))
        passing.replace(path)

    def secret(self, name: str) -> str:
        """A password or token, made up at random the first time it is asked for."""
        path = self.secrets / name
        try:
            return path.read_text().strip()
        except FileNotFoundError:
            value = secrets.token_urlsafe(18)
            self.write_secret(name, value + "\n")
            return value

    def write_secret(self, name: str, text: str) -> None:
        """Write a file only its owner can read."""
        path = self.secrets / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(text)

    def records(self, name: str) -> Records:
        """The record file of that name, opened for appending."""
        return Records(self.folder / f"{name}.jsonl")


class Records:
    """Append-only lines of JSON."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: TextIOWrapper | None = None

    def add(self, now: float, entry: dict[str, Any]) -> None:
        """Write one line, stamped with the time."""
        if self._file is None:
            self._file = self.path.open("a", encoding="utf-8")
        self._file.write(json.dumps({"time": iso(now), **entry}, ensure_ascii=False) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None


def read_records(path: Path) -> Iterable[dict[str, Any]]:
    """The lines of a record file; an incomplete last line is left out."""
    if not path.exists():
        return
    with path.open(encoding="utf-8") as file:
        for line in file:
            if line.endswith("\n"):
                yield json.loads(line)


def iso(seconds: float) -> str:
    """Seconds since 1970 as ISO 8601 in UTC with milliseconds."""
    moment = datetime.fromtimestamp(seconds, tz=UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def from_iso(text: str) -> float:
    """ISO 8601 (UTC when it names no zone) as seconds since 1970.

    Raises:
        ValueError: the text is no such time.
    """
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
