"""Files encrypted with Ansible Vault, other than the inventory itself."""

from __future__ import annotations

from pathlib import Path

from orchestrator.errors import OrchestratorError
from orchestrator.inventory.ansible_source import unvault

HEADER = "$ANSIBLE_VAULT;"
"""How such a file begins."""


def decrypted(file: Path, text: str, password_file: Path | None) -> str:
    """The clear text of a file; what is not encrypted comes back as it is.

    Parameters
    ----------
    file : Path
        For messages.
    text : str
        What it holds.
    password_file : Path or None
        As for ``ansible-playbook --vault-password-file``.

    Raises
    ------
    OrchestratorError
        If it is encrypted and there is no password, or another one.
    """
    if not text.startswith(HEADER):
        return text
    if password_file is None:
        raise OrchestratorError(
            f"{file} is encrypted with Ansible Vault", "name its password: --vault-password-file"
        )
    try:
        return unvault(text, password_file)
    except ValueError as error:
        said = f"{file} cannot be decrypted with {password_file}: {error}"
        raise OrchestratorError(said) from error
