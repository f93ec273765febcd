"""What is asked of a playbook run and what came of it, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any


class RunStatus(StrEnum):
    """How a playbook run ended, judged by its statistics and never by its exit code alone."""

    SUCCESSFUL = "successful"
    FAILED = "failed"
    """At least one task failed; one that a ``rescue`` caught counts, too."""
    UNREACHABLE = "unreachable"
    """No task failed, but at least one host could not be reached."""
    CANCELLED = "cancelled"
    """Ended on request: what the running tasks did is unknown."""
    TIMED_OUT = "timed-out"
    """Ended by the time-out of the request: what the running tasks did is unknown."""
    NO_STATS = "no-stats"
    """Ended without statistics: unparsable, killed from outside, or its disk was full."""


class TaskOutcome(StrEnum):
    """What a task did on a host."""

    STARTED = "started"
    OK = "ok"
    CHANGED = "changed"
    SKIPPED = "skipped"
    RETRY = "retry"
    IGNORED = "ignored"
    FAILED = "failed"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True)
class TaskEvent:
    """One line of progress."""

    host: str
    play: str
    task: str
    outcome: TaskOutcome


@dataclass(frozen=True)
class TaskFailure:
    """A task that did not do its work on a host.

    Parameters
    ----------
    host, task : str
        As the inventory and the playbook name them.
    message : str
        What the host or Ansible said, unchanged.
    unreachable : bool
        Ansible counts the host as unreachable.
    in_doubt : bool
        The task may have done its work nevertheless: its answer was lost, cut off or hidden.
    """

    host: str
    task: str
    message: str
    unreachable: bool = False
    in_doubt: bool = False

    def __str__(self) -> str:
        return f"{self.host}: {self.task}: {self.message}"


@dataclass(frozen=True)
class Child:
    """The ansible-playbook process of a run.

    Parameters
    ----------
    pid : int
    identity : str
        Tells a later process with the same pid apart; empty where the system cannot say.
    folder : Path
        The run's private folder; every process of the run carries it in its environment.
    """

    pid: int
    identity: str
    folder: Path


@dataclass(frozen=True)
class RunRequest:
    """One run of ansible-playbook.

    Parameters
    ----------
    playbook : Path
        Its adjacent ``library/`` and ``roles/`` are found by Ansible itself.
    inventory : tuple of Path
        Inventory sources in order.
    private_data_dir : Path
        Created by the run, mode 0700; must not exist: one per attempt.
    ident : str
        Unique per attempt, names the artifacts.
    extra_vars : tuple of str
        Passed as ``-e``, e.g. ``@FILE``. Never secrets: they stand on the command line.
    vault_password_file : Path or None
    forks : int
        Hosts at the same time.
    timeout : int or None
        Seconds after which the run is ended, outcome unknown.
    limit : str
        Ansible's ``--limit``; empty for none.
    results_of : frozenset of str or None
        Names of the tasks whose results are kept; None keeps all.
    """

    playbook: Path
    inventory: tuple[Path, ...]
    private_data_dir: Path
    ident: str
    extra_vars: tuple[str, ...] = ()
    vault_password_file: Path | None = None
    forks: int = 5
    timeout: int | None = None
    limit: str = ""
    results_of: frozenset[str] | None = None


@dataclass(frozen=True)
class HostStats:
    """Ansible's counts for one host."""

    ok: int = 0
    changed: int = 0
    failures: int = 0
    unreachable: int = 0
    skipped: int = 0
    rescued: int = 0
    ignored: int = 0


@dataclass(frozen=True)
class RunResult:
    """What is known about a playbook run that has ended.

    Parameters
    ----------
    status : RunStatus
    rc : int or None
        Exit code of ansible-playbook; 254 if it was ended by us.
    stats : mapping of host to HostStats
        Empty without statistics.
    results : mapping of task name to mapping of host to result
        The last result of each task, without Ansible's own bookkeeping keys.
    failures : tuple of TaskFailure
        In the order they came; includes what a ``rescue`` caught, not what was ignored.
    child : Child or None
        None if no process was started.
    output : tuple of str
        The last lines Ansible said outside tasks: parse errors, warnings.
    artifacts : Path or None
        Where stdout and events are kept for a person.
    observer_error : Exception or None
        What the progress callback raised; no event is lost by it.
    """

    status: RunStatus
    rc: int | None
    stats: Mapping[str, HostStats] = field(default_factory=dict)
    results: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)
    failures: tuple[TaskFailure, ...] = ()
    child: Child | None = None
    output: tuple[str, ...] = ()
    artifacts: Path | None = None
    observer_error: Exception | None = None

    @property
    def hosts(self) -> frozenset[str]:
        """Every host in the statistics."""
        return frozenset(self.stats)

    @property
    def in_doubt(self) -> bool:
        """Whether some task may have done more, or less, than was reported."""
        unknown = {RunStatus.CANCELLED, RunStatus.TIMED_OUT, RunStatus.NO_STATS}
        return self.status in unknown or any(f.in_doubt for f in self.failures)
