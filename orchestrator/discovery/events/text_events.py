"""Events as text: `Get-WinEvent | Format-List`, `wevtutil qe /f:text`, the Event Viewer's copy."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from orchestrator.discovery.events.record import FIELDS, EventRecord, plain, record_of
from orchestrator.discovery.rows.row import Row

_PAIR = re.compile(r"\s{0,4}([A-Za-zÀ-ÿ'’ ]{2,30}?)\s*:(?:\s(.*))?$")
_FIELD = re.compile(r"[A-Za-z]+\s+:(\s|$)")
"""Any field of `Format-List`: the colons stand in one column, lines that go on are indented."""
_LONG = {"message", "description", "beschreibung"}
_NEXT = re.compile(r"Event\[\d+\]:?\s*$")


def looks_like_events(line: str) -> bool:
    """Whether a line begins a field of an event."""
    pair = _PAIR.match(line.rstrip())
    return bool(_NEXT.match(line)) or (pair is not None and plain(pair[1]) in _KNOWN)


_KNOWN = {*FIELDS, "logname", "level", "leveldisplayname", "protokollname"}


def events(lines: Iterable[str]) -> Iterator[EventRecord | None]:
    """Every block of fields; None for those without id or source.

    A block ends where a field comes a second time, or at ``Event[n]``. After the text of an event,
    lines without a field's name go on with it.
    """
    values: dict[str, str] = {}
    current, began = "", 0
    for number, raw in enumerate(lines, 1):
        line = raw.rstrip()
        pair = _PAIR.match(line)
        name = plain(pair[1]) if pair else ""
        if _NEXT.match(line) or (name in _KNOWN and name in values):
            yield from _record(values, began)
            values, current = {}, ""
        if pair and name in _KNOWN:
            if not values:
                began = number
            current = name
            values[name] = (pair[2] or "").strip()
        elif _FIELD.match(line) or current not in _LONG:
            current = ""
        else:
            values[current] += " " + line.strip()
    yield from _record(values, began)


def _record(values: dict[str, str], line: int) -> Iterator[EventRecord | None]:
    if values:
        yield record_of(Row(line, values))
