"""Start, ask and stop a detached lab."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.lab.errors import LabError
from orchestrator.lab.farm import load

if TYPE_CHECKING:
    from orchestrator.lab.farm import Farm
    from orchestrator.lab.store import Running, Store

_START_SECONDS = 30.0
_STOP_SECONDS = 10.0
_TOKEN_HEADER = "x-lab-token"  # noqa: S105 - the name of a header


def up(farm_file: Path, store: Store, *, fresh: bool) -> tuple[Farm, Running, bool]:
    """Start a lab and wait until it answers; says whether it was running already.

    Raises:
        LabError: the farm file or folder is no good, or the lab did not start.
    """
    farm = load(farm_file)
    if store.taken():
        if not fresh:
            return farm, _running(store), True
        down(store)
    store.prepare(fresh=fresh)
    store.release()
    arguments = ["--farm", str(farm_file.resolve()), "--state", str(store.folder.resolve())]
    with store.log_file.open("ab") as log:
        process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "orchestrator.lab.daemon", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env=_environment(),
        )
    limit = time.monotonic() + _START_SECONDS
    while time.monotonic() < limit:
        if process.poll() is not None:
            raise LabError(_last_line(store.log_file) or f"the lab ended; see {store.log_file}")
        with contextlib.suppress(LabError):
            if status(store)["pid"] == process.pid:
                # The lab outlives this process on purpose; it is not waited for.
                process.returncode = 0
                return farm, _running(store), False
        time.sleep(0.02)
    process.kill()
    process.wait()
    raise LabError(f"the lab did not answer within {_START_SECONDS:.0f} s; see {store.log_file}")


def down(store: Store) -> bool:
    """Stop the lab; false when none was running.

    Raises:
        LabError: it does not stop.
    """
    if not store.taken():
        return False
    pid = _running(store).pid
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        limit = time.monotonic() + _STOP_SECONDS
        while time.monotonic() < limit:
            if not store.taken():
                return True
            time.sleep(0.02)
    raise LabError(f"process {pid} does not stop: end it by hand")


def status(store: Store) -> dict[str, Any]:
    """Servers and switches of a running lab.

    Raises:
        LabError: none is running.
    """
    answer: dict[str, Any] = json.loads(_ask(store, "GET", "/lab/status"))
    return answer


def turn(store: Store, assignment: str) -> dict[str, Any]:
    """Turn a switch of a running lab.

    Raises:
        LabError: none is running, or it refuses.
    """
    answer: dict[str, Any] = json.loads(_ask(store, "POST", "/lab/set", assignment))
    return answer


def arm(store: Store, faults: list[dict[str, Any]]) -> dict[str, Any]:
    """Arm faults on a running lab; those that are armed now.

    Raises:
        LabError: none is running, or it refuses.
    """
    answer: dict[str, Any] = json.loads(_ask(store, "POST", "/lab/faults", json.dumps(faults)))
    return answer


def armed(store: Store, *, clear: bool) -> dict[str, Any]:
    """The faults that are armed on a running lab; with `clear` none any more.

    Raises:
        LabError: none is running.
    """
    answer: dict[str, Any] = json.loads(_ask(store, "DELETE" if clear else "GET", "/lab/faults"))
    return answer


def _ask(store: Store, method: str, path: str, body: str = "") -> str:
    if not store.taken():
        text = f"no lab is running on {store.folder}: start it with `orchestrator lab up`"
        raise LabError(text)
    connection = http.client.HTTPConnection("127.0.0.1", _running(store).port, timeout=10)
    try:
        token = (store.secrets / "control.token").read_text().strip()
        connection.request(method, path, body.encode(), {_TOKEN_HEADER: token})
        answer = connection.getresponse()
        text = answer.read().decode()
    except (OSError, http.client.HTTPException) as error:
        text = f"the lab on {store.folder} does not answer ({error}); see {store.log_file}"
        raise LabError(text) from error
    finally:
        connection.close()
    if answer.status != 200:
        raise LabError(text)
    return text


def _running(store: Store) -> Running:
    running = store.last_run()
    if running is None:
        raise LabError(f"the lab on {store.folder} is still starting; try again")
    return running


def _environment() -> dict[str, str]:
    """The package may have been found by the working folder only: name its place."""
    root = str(Path(__file__).resolve().parents[2])
    paths = [root, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def _last_line(path: Path) -> str:
    lines = path.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else ""
