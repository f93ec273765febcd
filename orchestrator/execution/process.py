"""Processes by pid: whether one still lives, and which belong to a run.

ansible-playbook puts each worker into its own session, so ending its process group leaves the
workers at work. The private folder of the run in their environment is what they share.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

_PROC = Path("/proc")
_END_SECONDS = 10.0
_LOOK_SECONDS = 0.02


def identity(pid: int) -> str:
    """Boot and start time of a process; tells a reused pid apart. Empty if it cannot be had."""
    try:
        stat = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
        boot = (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""
    fields = stat.rpartition(")")[2].split()
    if fields[0] in {"Z", "X"}:  # A zombie does nothing any more.
        return ""
    return f"{boot}/{fields[19]}"


def alive(pid: int, known_identity: str = "") -> bool:
    """Whether the process still runs; with an identity, whether it is the same one.

    Parameters
    ----------
    pid : int
    known_identity : str
        What `identity` said about it once; empty if that is not known.
    """
    now = identity(pid)
    if known_identity and _PROC.is_dir():
        return now == known_identity
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return bool(now) or not _PROC.is_dir()


def of_run(folder: Path) -> list[int]:
    """Pids of living processes whose environment names the private folder of a run."""
    marker = os.fsencode(folder) + b"/"
    found = []
    for entry in _PROC.glob("[0-9]*"):
        pid = int(entry.name)
        try:
            environment = (entry / "environ").read_bytes()
        except OSError:  # Gone meanwhile, or not ours.
            continue
        values = (item.partition(b"=") for item in environment.split(b"\0"))
        ours = any(
            name == b"AWX_ISOLATED_DATA_DIR" and (value + b"/").startswith(marker)
            for name, _, value in values
        )
        if ours and pid != os.getpid() and identity(pid):
            found.append(pid)
    return found


def end_run(folder: Path) -> list[int]:
    """Kill whatever is left of a run and wait until it is gone; returns the pids, sorted.

    One that cannot die (it waits for a disk) is given up after a while; `of_run` still finds it.
    """
    ended: set[int] = set()
    limit = time.monotonic() + _END_SECONDS
    # Again and again: between looking and killing, a process may have started another.
    while (left := of_run(folder)) and time.monotonic() < limit:
        ended.update(left)
        for pid in left:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(_LOOK_SECONDS)
    return sorted(ended)
