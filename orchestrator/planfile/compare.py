"""Whether the files of a folder are, byte for byte, what they should be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path


def differences(folder: Path, expected: Mapping[str, str], within: Iterable[str]) -> list[str]:
    """What differs, one line per file, by name.

    Parameters
    ----------
    folder : Path
    expected : mapping of relative path to text
    within : iterable of str
        Folders in which no other file may stand.
    """
    found = {name: _difference(folder / name, text) for name, text in expected.items()}
    for part in within:
        found |= {
            path.relative_to(folder).as_posix(): "is not part of the plan"
            for path in (folder / part).rglob("*")
            if path.is_file() and path.relative_to(folder).as_posix() not in expected
        }
    return [f"{name} {what}" for name, what in sorted(found.items()) if what]


def _difference(path: Path, text: str) -> str:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    wanted = text.encode()
    if data == wanted:
        return ""
    same = next(
        (n for n, (a, b) in enumerate(zip(data, wanted, strict=False)) if a != b),
        min(len(data), len(wanted)),
    )
    line = wanted.count(b"\n", 0, same) + 1
    return f"was changed: byte {same + 1}, line {line}, differs from what the plan says"
