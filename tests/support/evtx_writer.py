"""A small writer of .evtx files, for there is no Windows here to make them.

Format as documented by the libevtx project. Insertion strings are unnamed ``Data`` elements as
those of classic event sources are. Windows writes records by templates; here every record is
spelt out, which the format allows and readers take the same way.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

CHUNK = 65_536
_CHUNK_HEAD = 512
_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)
_EVENT = "http://schemas.microsoft.com/win/2004/08/events/event"


@dataclass(frozen=True)
class Written:
    """One record."""

    provider: str
    event_id: int
    parts: Sequence[str]
    time: datetime = datetime(2012, 2, 20, 8, 15, 2, tzinfo=UTC)
    computer: str = "PAR-CAS-01.contoso.example"
    level: int = 2


def write_evtx(path: Path, records: Sequence[Written], per_chunk: int = 20) -> Path:
    """An .evtx file of as many chunks as are needed."""
    groups = [records[at : at + per_chunk] for at in range(0, len(records), per_chunk)] or [[]]
    body, number = b"", 1
    for group in groups:
        body += _chunk(group, number)
        number += len(group)
    path.write_bytes(_file_head(len(groups), number) + body)
    return path


def _file_head(chunks: int, next_record: int) -> bytes:
    head = b"ElfFile\0" + struct.pack(
        "<QQQIHHHH76sI", 0, chunks - 1, next_record, 128, 1, 3, 4096, chunks, b"", 0
    )
    return (head + struct.pack("<I", zlib.crc32(head[:120]))).ljust(4096, b"\0")


def _chunk(records: Sequence[Written], first: int) -> bytes:
    data, last_at = b"", _CHUNK_HEAD
    for number, record in enumerate(records, first):
        last_at = _CHUNK_HEAD + len(data)
        data += _record(record, number, last_at)
    last = first + max(len(records) - 1, 0)
    head = b"ElfChnk\0" + struct.pack(
        "<QQQQIIII64sI",
        *(first, last, first, last, 128, last_at, _CHUNK_HEAD + len(data), zlib.crc32(data)),
        *(b"", 0),
    )
    tables = bytes(384)
    check = struct.pack("<I", zlib.crc32(head[:120] + tables))
    whole = head + check + tables + data
    assert len(whole) <= CHUNK, "too many records for a chunk"
    return whole.ljust(CHUNK, b"\0")


def _record(record: Written, number: int, at: int) -> bytes:
    xml = _fragment(record, number, at + 24)
    size = 24 + len(xml) + 4
    since = int((record.time - _EPOCH).total_seconds() * 10_000_000)
    return struct.pack("<4sIQQ", b"**\0\0", size, number, since) + xml + struct.pack("<I", size)


def _fragment(record: Written, number: int, at: int) -> bytes:
    system = [
        _Element("Provider", {"Name": record.provider}),
        _Element("EventID", {"Qualifiers": "49156"}, [str(record.event_id)]),
        _Element("Level", {}, [str(record.level)]),
        _Element("Task", {}, ["1"]),
        _Element("TimeCreated", {"SystemTime": record.time.isoformat().replace("+00:00", "Z")}),
        _Element("EventRecordID", {}, [str(number)]),
        _Element("Channel", {}, ["Application"]),
        _Element("Computer", {}, [record.computer]),
    ]
    data = [_Element("Data", {}, [part]) for part in record.parts]
    event = _Element(
        "Event",
        {"xmlns": _EVENT},
        [_Element("System", {}, system), _Element("EventData", {}, data)],
    )
    head = b"\x0f\x01\x01\x00"
    return head + event.write(at + len(head)) + b"\0"


class _Element:
    def __init__(
        self, name: str, attributes: dict[str, str], content: Sequence[_Element | str] = ()
    ) -> None:
        self._name = name
        self._attributes = attributes
        self._content = content

    def write(self, at: int) -> bytes:
        """Its binary form at an offset of the chunk: names are found by their offsets."""
        name = _name(self._name)
        attributes = b""
        begin = at + 9 + len(name) + 4
        for left, (key, value) in zip(
            range(len(self._attributes) - 1, -1, -1), self._attributes.items(), strict=True
        ):
            token = b"\x46" if left else b"\x06"
            place = begin + len(attributes) + 5
            attributes += token + struct.pack("<I", place) + _name(key) + _value(value)
        size = struct.pack("<I", len(attributes)) if self._attributes else b""
        rest = size + attributes
        start = at + 9 + len(name) + len(rest)
        inner = b"\x02" if self._content else b"\x03"
        for part in self._content:
            inner += _value(part) if isinstance(part, str) else part.write(start + len(inner))
        if self._content:
            inner += b"\x04"
        length = 4 + len(name) + len(rest) + len(inner)
        token = b"\x41" if self._attributes else b"\x01"
        return token + struct.pack("<II", length, at + 9) + name + rest + inner


def _name(text: str) -> bytes:
    code = 0
    for letter in text:
        code = (code * 65_599 + ord(letter)) & 0xFFFF
    raw = text.encode("utf-16-le")
    return struct.pack("<IHH", 0, code, len(text)) + raw + b"\0\0"


def _value(text: str) -> bytes:
    return b"\x05\x01" + struct.pack("<H", len(text)) + text.encode("utf-16-le")
