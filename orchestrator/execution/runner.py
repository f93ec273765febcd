"""Runs a playbook; the only module that imports ansible_runner.

What the thing underneath does unasked, and what is done about it here, is in
docs/ansible-runner.md; every line of it has a test in tests/integration/execution.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from orchestrator.errors import OrchestratorError
from orchestrator.execution import process
from orchestrator.execution.drain import Drain
from orchestrator.execution.environment import child_environment
from orchestrator.execution.events import Recorder
from orchestrator.execution.results import Child, RunRequest, RunResult, RunStatus, TaskEvent

# How often the runner asks whether to go on; its default of 5 s delays every cancel by that.
_ASK_SECONDS = 0.25

# The child says its own pid before it does anything, and then becomes ansible-playbook.
_SAY_PID = 'echo $$ > "$1" && shift && exec "$@"'


def run_playbook(
    request: RunRequest,
    *,
    on_event: Callable[[TaskEvent], None] | None = None,
    on_child: Callable[[Child], None] | None = None,
    cancel: threading.Event | None = None,
) -> RunResult:
    """Run one playbook to its end.

    Parameters
    ----------
    request : RunRequest
    on_event : callable, optional
        Progress, called from another thread; may be slow, may fail, loses no event.
    on_child : callable, optional
        Told the child's pid before its first task, from another thread. If it raises, the run
        is cancelled and the exception comes out of this function.
    cancel : threading.Event, optional
        Set it to end the run; its outcome is then unknown.

    Returns
    -------
    RunResult
        Also for runs that failed; judge it by `status`, `failures` and `hosts`.

    Raises
    ------
    OrchestratorError
        If an input file is missing or the private folder cannot be created.
    """
    _check_inputs(request)
    folder = _private_folder(request)
    cancel = cancel or threading.Event()
    recorder = Recorder(request.results_of)
    drain = Drain(recorder, folder, on_event, on_child)

    def cancelled() -> bool:
        drain.start()
        return cancel.is_set() or drain.poison is not None

    runner = _prepare(request, folder, drain, cancelled)
    broken = ""
    try:
        runner.run()
    except Exception as error:
        # pexpect gives up on a child whose end it does not see, e.g. after a cancel.
        broken = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
    finally:
        # Workers have sessions of their own: they outlive ansible-playbook and go on.
        left = process.end_run(folder)
        drain.finish()
    if drain.poison is not None:
        raise drain.poison
    status = _status(recorder, runner, cancelled=cancel.is_set())
    output = recorder.output
    if broken and status is not RunStatus.CANCELLED:
        output += (f"ansible-runner: {broken}",)
    if left:
        output += (f"ended with the run: process {', '.join(map(str, left))}",)
    return RunResult(
        status=status,
        rc=runner.rc,
        stats=recorder.stats or {},
        results=recorder.results,
        failures=tuple(recorder.failures),
        child=drain.child,
        output=output,
        artifacts=folder / "artifacts" / request.ident,
        observer_error=drain.observer_error,
    )


def _prepare(request: RunRequest, folder: Path, drain: Drain, cancelled: Callable[[], bool]) -> Any:
    # Takes half a second, which only commands that run playbooks should pay.
    import ansible_runner

    config = ansible_runner.RunnerConfig(
        private_data_dir=str(folder),
        playbook=str(request.playbook.absolute()),
        inventory=[str(source.absolute()) for source in request.inventory],
        cmdline=shlex.join(_arguments(request)) or None,
        envvars={"ANSIBLE_CALLBACK_PLUGINS": ""},
        ident=request.ident,
        timeout=request.timeout,
        forks=request.forks,
        limit=request.limit or None,
        quiet=True,
        fact_cache_type="memory",
    )
    config.prepare()
    config.env = child_environment(os.environ, config.env, folder)
    # By this interpreter, not by PATH: the program may be started without its environment active.
    config.command = [
        *("/bin/sh", "-c", _SAY_PID, "sh", str(folder / "child.pid")),
        *(sys.executable, "-P", "-m", "ansible", "playbook"),
        *config.command[1:],
    ]
    return ansible_runner.Runner(config, event_handler=drain.put, cancel_callback=cancelled)


def _arguments(request: RunRequest) -> list[str]:
    arguments: list[str] = []
    for given in request.extra_vars:
        # The child runs in another folder.
        value = f"@{Path(given[1:]).absolute()}" if given.startswith("@") else given
        arguments += ["-e", value]
    if request.vault_password_file is not None:
        arguments += ["--vault-password-file", str(request.vault_password_file.absolute())]
    return arguments


def _check_inputs(request: RunRequest) -> None:
    variables = [Path(given[1:]) for given in request.extra_vars if given.startswith("@")]
    vault = [request.vault_password_file] if request.vault_password_file else []
    for what, paths in (
        ("playbook", [request.playbook]),
        ("inventory", request.inventory),
        ("file of extra variables", variables),
        ("vault password file", vault),
    ):
        for path in paths:
            if not path.exists():
                raise OrchestratorError(f"{what} {path} does not exist")


def _private_folder(request: RunRequest) -> Path:
    folder = request.private_data_dir.absolute()
    settings = {"pexpect_timeout": _ASK_SECONDS, "suppress_ansible_output": True}
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700)
        (folder / "env").mkdir(mode=0o700)
        # The runner prefers this file to its arguments, so it is written and not left to chance.
        (folder / "env" / "settings").write_text(json.dumps(settings), encoding="utf-8")
        (folder / "ansible.cfg").write_text("[defaults]\n", encoding="utf-8")
    except FileExistsError:
        raise OrchestratorError(
            f"{folder} exists already", "every attempt needs a folder of its own"
        ) from None
    except OSError as error:
        raise OrchestratorError(f"cannot write to {folder}: {error.strerror}") from error
    return folder


def _status(recorder: Recorder, runner: Any, *, cancelled: bool) -> RunStatus:
    if recorder.stats is None:
        if cancelled or runner.canceled:
            return RunStatus.CANCELLED
        return RunStatus.TIMED_OUT if runner.timed_out else RunStatus.NO_STATS
    # Statistics are the last thing a playbook says: it ran to its end, whatever came after.
    counts = recorder.stats.values()
    if any(host.failures or host.rescued for host in counts) or (
        any(not failure.unreachable for failure in recorder.failures)
    ):
        return RunStatus.FAILED
    if any(host.unreachable for host in counts) or recorder.failures:
        return RunStatus.UNREACHABLE
    ended_by_us = runner.canceled or runner.timed_out
    return RunStatus.SUCCESSFUL if runner.rc == 0 or ended_by_us else RunStatus.FAILED
