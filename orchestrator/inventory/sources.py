"""Which files of an inventory folder are read, and how they are named to the user."""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.diagnostic import Place
from orchestrator.inventory import yaml_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.inventory.findings import Findings

HOSTS_NAMES = ("hosts.yml", "hosts.yaml", "hosts.ini", "hosts")
ORGANIZATION_NAME = "organization.yml"
_VAULT_HEADER = b"$ANSIBLE_VAULT"
_YAML = {".yml", ".yaml"}


@dataclass(frozen=True)
class Sources:
    """The files of one inventory; None for one that is missing.

    Parameters
    ----------
    folder : Path
        As the user named it.
    hosts : Path or None
        File or folder to be passed to Ansible. Never the inventory folder itself: Ansible would
        read organization.yml as a group.
    organization : Path or None
    """

    folder: Path
    hosts: Path | None
    organization: Path | None

    @property
    def variables_folder(self) -> Path:
        """Where Ansible looks for group_vars and host_vars: beside the hosts file(s)."""
        return self.hosts if self.hosts is not None and self.hosts.is_dir() else self.folder

    def shown(self, path: str | Path) -> str:
        """A path as the user would name it: through the folder as given where possible."""
        return _shown(self.folder, str(path), os.getcwd())  # noqa: PTH109


@functools.cache  # asked once per variable of every host
def _shown(folder: Path, path: str, working_folder: str) -> str:
    for base in (os.path.join(working_folder, folder), os.path.realpath(folder)):  # noqa: PTH118
        if Path(path).is_relative_to(os.path.normpath(base)):
            return str(folder / Path(path).relative_to(os.path.normpath(base)))
    return path


def find(folder: Path, findings: Findings) -> Sources:
    """Find the files (CAS-E001 to CAS-E004)."""
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "does not exist"
        findings.error(
            "CAS-E001",
            f"inventory {folder}",
            what,
            remedy="name a folder that holds hosts.yml and organization.yml",
        )
        return Sources(folder, None, None)
    hosts = _hosts_file(folder, findings)
    organization = folder / ORGANIZATION_NAME
    if not organization.exists():
        findings.error(
            "CAS-E004",
            f"inventory {folder}",
            f"has no {ORGANIZATION_NAME}",
            Place(str(folder)),
            "describe sites, pools and paths in it; inventories/contoso has an example",
        )
    return Sources(folder, hosts, organization if organization.exists() else None)


def find_list(source: Path, findings: Findings) -> Sources:
    """Find a bare list of hosts: a folder with a hosts file, or such a file (CAS-E001 to CAS-E003).

    Variables stand beside it as in an inventory; organization.yml is not looked for.
    """
    if source.is_dir():
        return Sources(source, _hosts_file(source, findings), None)
    if not source.exists():
        findings.error(
            "CAS-E001",
            f"list {source}",
            "does not exist",
            remedy="name a folder with hosts.yml, or a hosts file",
        )
        return Sources(source.parent, None, None)
    return Sources(source.parent, source, None)


def _hosts_file(folder: Path, findings: Findings) -> Path | None:
    hosts = [folder / name for name in HOSTS_NAMES if (folder / name).exists()]
    subject = f"inventory {folder}"
    if not hosts:
        findings.error(
            "CAS-E002",
            subject,
            "has no hosts file",
            Place(str(folder)),
            f"add one of {', '.join(HOSTS_NAMES)}",
        )
    if len(hosts) > 1:
        findings.error(
            "CAS-E003",
            subject,
            f"has more than one hosts file: {', '.join(path.name for path in hosts)}",
            Place(str(folder)),
            "keep one, or put all of them into a folder hosts/",
        )
    return hosts[0] if len(hosts) == 1 else None


def check_yaml_of_hosts(sources: Sources, findings: Findings) -> None:
    """Look through the YAML files that Ansible will read.

    Ansible stops at the first fault and says little of the line; this finds all of them.
    """
    if sources.hosts is None:
        return
    variables = set(_variable_files(sources))
    for path in sorted({*_files(sources.hosts), *variables}):
        if _is_vault(path):
            continue
        text = yaml_text.read_text(path, str(path), findings)
        document = yaml_text.parse(text, str(path), findings, foreign=True) if text else None
        if document is None or isinstance(document.value, dict):
            continue
        if path in variables:
            empty, what, remedy = True, "variables", "write `name: value`"
        else:
            empty, what, remedy = False, "groups", "it begins with `all:` or `exchange:`"
        if document.value is not None or not empty:
            message = f"is not a mapping of {what}"
            findings.error("CAS-E006", str(path), message, document.place(), remedy)


def _files(hosts: Path) -> Iterator[Path]:
    candidates = hosts.rglob("*") if hosts.is_dir() else [hosts]
    return (path for path in candidates if path.suffix in _YAML and path.is_file())


def _variable_files(sources: Sources) -> Iterator[Path]:
    for name in ("group_vars", "host_vars"):
        yield from _files(sources.variables_folder / name)


def _is_vault(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(_VAULT_HEADER)) == _VAULT_HEADER
    except OSError:
        return False  # reported when the text is read
