"""Files as pieces of bytes or lines of text, whatever their encoding and packing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from orchestrator.discovery.blocks import Unreadable, pieces, spans


def head(path: Path, size: int = 4096) -> bytes:
    """The first bytes, unpacked and in UTF-8 where it was UTF-16; empty if it is empty.

    Raises
    ------
    Unreadable, OSError
    """
    for piece in pieces(path):
        return piece[:size]
    return b""


def lines(path: Path, on_position: Callable[[int], object] = lambda _: None) -> Iterator[str]:
    """Lines with their ends; a line that is not UTF-8 is read as Windows-1252.

    Raises
    ------
    Unreadable
        Binary content, or a line of more than 1 MiB.
    OSError
    """
    for block, begin, end in spans(path, on_position):
        for line in block[begin:end].splitlines(keepends=True):
            if b"\0" in line:
                raise Unreadable("it is binary, not text")
            yield decoded(line)


def decoded(raw: bytes) -> str:
    """UTF-8, else Windows-1252."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")
