"""The real ports of the engine: playbooks by ansible-runner, each attempt in a new folder."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from orchestrator.execution.looks import TASKS, Looks, looks_of
from orchestrator.execution.observed import ObservedFarm
from orchestrator.execution.read_state import PLAYBOOK, TASK, read_state
from orchestrator.execution.results import Child, RunRequest, RunResult, TaskEvent
from orchestrator.execution.runner import run_playbook
from orchestrator.model.plan import Probe
from orchestrator.shipped import playbooks_folder

LOOK_PLAYBOOK = "look_at_paths.yml"


@dataclass(frozen=True)
class AnsibleInputs:
    """What every playbook of a run is started with.

    Parameters
    ----------
    inventory : tuple of Path
    extra_vars : tuple of str
        As given with ``-e``; never secrets.
    vault_password_file : Path or None
    forks : int
    """

    inventory: tuple[Path, ...]
    extra_vars: tuple[str, ...] = ()
    vault_password_file: Path | None = None
    forks: int = 10

    def with_values(self, values: Mapping[str, int]) -> AnsibleInputs:
        """The same with further extra variables."""
        given = tuple(f"{name}={value}" for name, value in values.items())
        return replace(self, extra_vars=(*self.extra_vars, *given))

    def request(self, playbook: Path, folder: Path, ident: str) -> RunRequest:
        """A request for a new attempt below `folder`: ``IDENT-1``, ``IDENT-2`` ..."""
        free = next(n for n in itertools.count(1) if not (folder / f"{ident}-{n}").exists())
        return RunRequest(
            playbook=playbook,
            inventory=self.inventory,
            private_data_dir=folder / f"{ident}-{free}",
            ident=f"{ident}-{free}",
            extra_vars=self.extra_vars,
            vault_password_file=self.vault_password_file,
            forks=self.forks,
        )


@dataclass(frozen=True)
class StepPlaybooks:
    """Runs the playbook of a step.

    Parameters
    ----------
    inputs : AnsibleInputs
    folder : Path
        Where the attempts' folders are made.
    cancel : threading.Event
    timeout : int or None
        Seconds per step; its outcome is unknown when they are over.
    """

    inputs: AnsibleInputs
    folder: Path
    cancel: threading.Event
    timeout: int | None = None

    def __call__(
        self,
        playbook: Path,
        ident: str,
        *,
        on_event: Callable[[TaskEvent], None],
        on_child: Callable[[Child], None],
    ) -> RunResult:
        """Run it to its end."""
        request = self.inputs.request(playbook, self.folder, ident)
        # Of the results the gates need those of the probes; a farm of a thousand hosts has many.
        request = replace(request, timeout=self.timeout, results_of=TASKS)
        return run_playbook(request, on_event=on_event, on_child=on_child, cancel=self.cancel)


@dataclass(frozen=True)
class FarmReader:
    """Reads the farm by the shipped playbook.

    Parameters
    ----------
    inputs : AnsibleInputs
    folder : Path
        Where the attempts' folders are made.
    expected : collection of str
        Servers that must answer.
    on_event : callable or None
        Progress.
    cancel : threading.Event or None
        None: reading is not interrupted, as after an interrupted step.
    playbook : Path or None
        Another playbook than the shipped one.
    """

    inputs: AnsibleInputs
    folder: Path
    expected: Collection[str]
    on_event: Callable[[TaskEvent], None] | None = None
    cancel: threading.Event | None = None
    playbook: Path | None = None

    def __call__(self) -> ObservedFarm:
        """Read every server once."""
        playbook = self.playbook or playbooks_folder() / PLAYBOOK
        request = self.inputs.request(playbook, self.folder, "read-state")
        request = replace(request, results_of=frozenset({TASK}))
        return read_state(request, self.expected, on_event=self.on_event, cancel=self.cancel)


@dataclass(frozen=True)
class PathLooker:
    """Looks at paths by the shipped playbook.

    Parameters
    ----------
    inputs : AnsibleInputs
    folder : Path
        Where the attempts' folders are made.
    variables : callable
        From probes to the text of a file of extra variables, without secrets.
    cancel : threading.Event
    """

    inputs: AnsibleInputs
    folder: Path
    variables: Callable[[Sequence[Probe]], str]
    cancel: threading.Event

    def __call__(self, probes: Sequence[Probe]) -> Looks:
        """Send every probe once."""
        playbook = playbooks_folder() / LOOK_PLAYBOOK
        request = self.inputs.request(playbook, self.folder, "baseline")
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / f"{request.ident}.yml"
        file.write_text(self.variables(probes), encoding="utf-8")
        given = (*request.extra_vars, f"@{file}")
        request = replace(request, extra_vars=given, results_of=TASKS)
        return looks_of(run_playbook(request, cancel=self.cancel))
