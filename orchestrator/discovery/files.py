"""Which files are meant by the paths a person names."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.diagnostic import Diagnostic, Severity
from orchestrator.errors import InvalidInput
from orchestrator.model.words import counted

# What Windows calls such folders everywhere; any other folder may be named after its server.
_COMMON = re.compile(
    r"w3svc\d+|logfiles|logs?|iis|inetpub|winevt|events?|windows|system32|[a-z]\$?|\.*|\d+",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class InputFile:
    """A file to be read.

    Parameters
    ----------
    path : Path
    size : int
        Bytes on disk.
    folder : str
        The folder within the path that was named and closest to the file, that may be named after
        the server; empty if there is none.
    """

    path: Path
    size: int
    folder: str = ""


def find_files(
    paths: Sequence[Path], endings: Sequence[str], option: str
) -> tuple[list[InputFile], list[Diagnostic]]:
    """Files as they were named, and those within folders that have one of the endings.

    Parameters
    ----------
    endings : sequence of str
        In lower case, with the dot.
    option : str
        The option they were given with, for messages.

    Returns
    -------
    tuple of list of InputFile and list of Diagnostic
        Files in order of path, each once; warnings about what was left out.

    Raises
    ------
    InvalidInput
        CAS-E811 if a path does not exist, cannot be read, or a folder has no such file.
    """
    found: dict[Path, InputFile] = {}
    errors, warnings = [], []
    for path in paths:
        if path.is_dir():
            inside, others = _inside(path, endings)
            if not inside:
                errors.append(_nothing(path, endings, option, others))
            elif others:
                warnings.append(_left_out(path, endings, others))
        else:
            inside = [InputFile(path, _size(path), "")] if path.exists() else []
            if not inside:
                message = "there is no such file or folder"
                errors.append(Diagnostic("CAS-E811", f"{option} {path}", message))
        for file in inside:
            found.setdefault(file.path.resolve(), file)
    if errors:
        raise InvalidInput(errors)
    return sorted(found.values(), key=lambda file: str(file.path)), warnings


def _inside(top: Path, endings: Sequence[str]) -> tuple[list[InputFile], int]:
    found, others = [], 0
    for folder, folders, names in os.walk(top):
        folders.sort()
        parts = Path(folder).relative_to(top).parts
        telling = next((part for part in reversed(parts) if not _COMMON.fullmatch(part)), "")
        for name in sorted(names):
            if name.lower().endswith(tuple(endings)):
                path = Path(folder, name)
                found.append(InputFile(path, _size(path), telling))
            else:
                others += 1
    return found, others


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _nothing(path: Path, endings: Sequence[str], option: str, others: int) -> Diagnostic:
    return Diagnostic(
        "CAS-E811",
        f"{option} {path}",
        f"no file in it ends in {', '.join(endings)} ({others} other files)",
        remedy="name the files themselves if they are called otherwise",
    )


def _left_out(path: Path, endings: Sequence[str], others: int) -> Diagnostic:
    return Diagnostic(
        "CAS-W811",
        f"folder {path}",
        f"{counted(others, 'file')} left out that {'does' if others == 1 else 'do'} not end in "
        f"{', '.join(endings)}",
        severity=Severity.WARNING,
    )
