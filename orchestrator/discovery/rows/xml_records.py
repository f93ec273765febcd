"""Elements of a kind out of an XML file of any size; bombs and external entities are refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol
from xml.etree.ElementTree import Element, ParseError, TreeBuilder  # built, not parsed

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from orchestrator.discovery.rows.row import Damaged

DEEPEST = 100
MOST_PARTS = 200_000
"""Elements within one record: more is no export of anything."""
_DECLARATION = re.compile(rb"^\s*<\?xml[^>]*?(?:encoding=[\"']([\w.-]+)[\"'])?[^>]*\?>")
_PIECE = 1 << 16


class _Expat(Protocol):
    CurrentLineNumber: int


def records(
    pieces: Iterable[bytes], wanted: Callable[[str, int], bool]
) -> Iterator[tuple[int, Element]]:
    """Line and element of each record, one at a time; several documents in a row are fine.

    Parameters
    ----------
    pieces : iterable of bytes
        UTF-8, or 8-bit text whose XML declaration names its encoding.
    wanted : callable
        Whether an element of this local name at this depth (1: outermost) is a record.

    Raises
    ------
    Damaged
        Not well-formed, cut off, with a document type, or nested as no export is.
    """
    target = _Target(wanted)
    parser = None
    for piece in pieces:
        if parser is None:
            head = _DECLARATION.match(piece)
            encoding = head[1].decode() if head and head[1] else "utf-8"
            if encoding.lower().startswith("utf-16"):
                encoding = "utf-8"  # it was decoded on the way here
            parser = DefusedXMLParser(target=target, encoding=encoding, forbid_dtd=True)
            _feed(parser, b"<all>", 1)
            target.expat = parser.parser
            piece = piece[head.end() :] if head else piece
        for at in range(0, len(piece), _PIECE):
            _feed(parser, piece[at : at + _PIECE], target.line)
            yield from target.taken()
    if parser is not None:
        if target.open:
            raise Damaged("it ends in the middle of an element", target.line)
        _feed(parser, b"</all>", target.line)


def _feed(parser: DefusedXMLParser, piece: bytes, line: int) -> None:
    try:
        parser.feed(piece)
    except ParseError as error:
        if b"<!DOCTYPE" in piece or b"<!ENTITY" in piece:
            raise Damaged("refused: it has a document type, which no export has", line) from None
        why = str(error).partition(":")[0]
        raise Damaged(f"it is not well-formed XML ({why})", error.position[0]) from None
    except (DefusedXmlException, LookupError) as error:
        raise Damaged(f"refused: {type(error).__name__} ({error})"[:200], line) from None


class _Target:
    """Builds wanted elements and forgets all others."""

    def __init__(self, wanted: Callable[[str, int], bool]) -> None:
        self._wanted = wanted
        self._done: list[tuple[int, Element]] = []
        self._builder: TreeBuilder | None = None
        self._depth = self._began = self._parts = self._line = 0
        self.expat: _Expat | None = None

    @property
    def line(self) -> int:
        return self.expat.CurrentLineNumber if self.expat else 1

    @property
    def open(self) -> bool:
        return self._depth > 1

    def taken(self) -> list[tuple[int, Element]]:
        done, self._done = self._done, []
        return done

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > DEEPEST:
            raise Damaged(f"elements are nested more than {DEEPEST} deep", self.line)
        name = tag.rpartition("}")[2]
        # `all` is ours, so what stands in the file begins at depth 2
        if self._builder is None and self._wanted(name, self._depth - 1):
            self._builder, self._began, self._parts = TreeBuilder(), self._depth, 0
            self._line = self.line
        if self._builder is not None:
            self._parts += 1
            if self._parts > MOST_PARTS:
                raise Damaged(f"one record has more than {MOST_PARTS} elements", self._line)
            self._builder.start(name, attributes)

    def data(self, text: str) -> None:
        if self._builder is not None:
            self._builder.data(text)

    def end(self, tag: str) -> None:
        if self._builder is not None:
            self._builder.end(tag.rpartition("}")[2])
            if self._depth == self._began:
                self._done.append((self._line, self._builder.close()))
                self._builder = None
        self._depth -= 1

    def close(self) -> None:
        """Part of what a parser expects."""
