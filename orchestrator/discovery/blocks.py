"""A log file as spans of whole lines in UTF-8 or an 8-bit encoding, whatever it was written in."""

from __future__ import annotations

import codecs
import gzip
import zlib
from collections.abc import Callable, Iterator
from io import FileIO
from pathlib import Path
from typing import NamedTuple

BLOCK = 1 << 18
"""Bytes at a time: what several searches over the same block find in the processor's cache."""
LONGEST_LINE = 1 << 20
_UTF16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


class Unreadable(Exception):
    """The file, or the rest of it, cannot be read as text; what was given until then counts."""


class Span(NamedTuple):
    """Whole lines: ``block[begin:end]``, without copying them."""

    block: bytes
    begin: int
    end: int


def spans(path: Path, on_position: Callable[[int], object] = lambda _: None) -> Iterator[Span]:
    """Whole lines, at least one in each span; only the last of all may lack its line end.

    Parameters
    ----------
    on_position : callable
        Called now and then with the bytes of the file, packed as it is, that have been read.

    Raises
    ------
    Unreadable
        Compressed data that ends early or is damaged, and lines longer than 1 MiB.
    OSError
        As the operating system says.
    """
    yield from _lines(pieces(path, on_position))


def pieces(path: Path, on_position: Callable[[int], object] = lambda _: None) -> Iterator[bytes]:
    """The file unpacked, in UTF-8 where it was UTF-16 and else as it is, without byte order mark.

    Raises
    ------
    Unreadable, OSError
        As `spans`.
    """
    with path.open("rb", buffering=0) as file:
        raw = _raw(file, on_position)
        head = next(raw, b"")
        yield from _decoded(_with(head, raw), head)


def _raw(file: FileIO, on_position: Callable[[int], object]) -> Iterator[bytes]:
    packed = file.read(2) == b"\x1f\x8b"
    file.seek(0)
    unpacked = gzip.GzipFile(fileobj=file) if packed else file
    try:
        while block := unpacked.read(BLOCK):
            on_position(file.tell())
            yield block
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise Unreadable(f"compressed data is damaged or ends too early ({error})") from None


def _with(head: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    if head:
        yield head
    yield from rest


def _decoded(raw: Iterator[bytes], head: bytes) -> Iterator[bytes]:
    encoding = encoding_of(head)
    if not encoding:
        first = next(raw, b"")
        yield first.removeprefix(codecs.BOM_UTF8)
        yield from raw
        return
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    for block in raw:
        yield decoder.decode(block).removeprefix("\ufeff").encode()


def encoding_of(head: bytes) -> str:
    """``utf-16-le`` or ``utf-16-be`` by byte order mark or by the zeros of ASCII in it, else empty.

    Examples
    --------
    >>> encoding_of("#Software: IIS".encode("utf-16-le"))
    'utf-16-le'
    """
    for mark, name in _UTF16.items():
        if head.startswith(mark):
            return name
    sample = head[:512]
    if len(sample) >= 4 and not any(sample[1::2]) and all(sample[0::2]):
        return "utf-16-le"
    if len(sample) >= 4 and not any(sample[0::2]) and all(sample[1::2]):
        return "utf-16-be"
    return ""


def _lines(raw: Iterator[bytes]) -> Iterator[Span]:
    rest = b""
    for block in raw:
        last = block.rfind(b"\n") + 1
        if not last:
            rest += block
            if len(rest) > LONGEST_LINE:
                raise Unreadable("a line of more than 1 MiB: this is no text")
            continue
        first = 0
        if rest:  # the line that lies across two blocks is joined, the rest is not copied
            first = block.find(b"\n") + 1
            yield Span(rest + block[:first], 0, len(rest) + first)
        if first < last:
            yield Span(block, first, last)
        rest = block[last:]
    if rest:
        yield Span(rest, 0, len(rest))
