"""Commands that a report tells a person to type, complete with the options that were given."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from orchestrator.execution.attempts import AnsibleInputs
from orchestrator.execution.outcome import Commands
from orchestrator.execution.way_back import parent_of


def commands_for(
    folder: Path,
    inventory: Path,
    extra_vars: list[str] | None,
    vault_password_file: Path | None = None,
    windows: Path | None = None,
) -> Commands:
    """What to type after a stop, for a plan or for a way back below it."""
    options = ["-i", str(inventory), *_options(extra_vars or [], vault_password_file)]
    inside = ["--windows", str(windows)] if windows is not None else []
    parent = parent_of(folder) or folder
    return Commands(
        resume=shlex.join(["orchestrator", "resume", str(folder), *options, *inside]),
        rollback=shlex.join(["orchestrator", "rollback", str(parent), *options]),
    )


def _options(extra_vars: Sequence[str], vault_password_file: Path | None) -> list[str]:
    """What has to be given again, whoever runs the playbooks."""
    words = [word for given in extra_vars for word in ("-e", given)]
    if vault_password_file is not None:
        words += ["--vault-password-file", str(vault_password_file)]
    return words


def by_ansible(playbook: Path, inputs: AnsibleInputs) -> str:
    """How the playbook of a step is run without this program."""
    words = ["ansible-playbook"]
    for source in inputs.inventory:
        words += ["-i", str(source)]
    words += _options(inputs.extra_vars, inputs.vault_password_file)
    return shlex.join([*words, str(playbook)])
