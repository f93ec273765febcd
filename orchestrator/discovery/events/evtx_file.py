"""Records of an .evtx file; the only import of the evtx library."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from orchestrator.discovery.events.record import EventRecord, event_id
from orchestrator.discovery.evidence import host_name
from orchestrator.discovery.rows.row import Damaged

MAGIC = b"ElfFile\0"
_FILE_HEAD, _CHUNK = 4096, 65_536
_SIGN = '"MSExchange '
"""What stands in the JSON of every record that matters: others are not taken apart."""


class LibraryMissing(Exception):
    """The evtx library is not installed."""


def records(
    path: Path,
    on_bad: Callable[[str], object],
    on_record: Callable[[int], object] = lambda _: None,
) -> Iterator[EventRecord]:
    """Events of Exchange sources, in the order of the file.

    Parameters
    ----------
    on_bad : callable
        Called with the reason for each record that cannot be read.
    on_record : callable
        Called with the number of each record, read or not.

    Raises
    ------
    Damaged
        If the file's head cannot be read, or it is shorter than its head says; what can be read
        was given before.
    LibraryMissing
    """
    try:
        from evtx import PyEvtxParser
    except ImportError:
        raise LibraryMissing from None
    try:
        parsed = PyEvtxParser(str(path), number_of_threads=1).records_json()
    except (OSError, RuntimeError) as error:
        raise Damaged(f"its head cannot be read ({error})"[:200]) from None
    number = 0
    while True:
        number += 1
        try:
            raw: Any = next(parsed)  # typed as optional, but the end is StopIteration
        except StopIteration:
            break
        except (OSError, RuntimeError) as error:
            on_bad(str(error))
            continue
        on_record(number)
        if _SIGN in raw["data"]:
            try:
                # the library leaves control characters in texts as they are
                record = _record(json.loads(raw["data"], strict=False), raw)
            except (ValueError, TypeError, AttributeError, KeyError) as error:
                on_bad(f"record {raw['event_record_id']}: {error}")
                continue
            if record is not None:
                yield record
    _whole(path)


def _whole(path: Path) -> None:
    """Chunks that the head promises and the file does not have."""
    with path.open("rb") as file:
        promised = struct.unpack_from("<H", file.read(64), 42)[0]
    there, rest = divmod(path.stat().st_size - _FILE_HEAD, _CHUNK)
    if there < promised:
        torn = f" and {rest} bytes of the next" if rest else ""
        raise Damaged(f"it is cut off: {promised} chunks by its head, {there}{torn} are there")


def _record(event: dict[str, Any], raw: dict[str, Any]) -> EventRecord | None:
    system = event.get("Event", {}).get("System", {})
    number = event_id(_content(system.get("EventID")))
    provider = (system.get("Provider") or {}).get("#attributes", {}).get("Name")
    if number is None or not provider:
        return None
    return EventRecord(
        provider=str(provider),
        event_id=number,
        computer=host_name(str(_content(system.get("Computer")) or "")),
        time=str(raw["timestamp"]),
        message="",
        parts=_parts(event["Event"].get("EventData") or {}),
        line=int(raw["event_record_id"]),
    )


def _parts(data: dict[str, Any]) -> tuple[str, ...]:
    """Unnamed strings as classic sources store them, or named ones as newer sources do."""
    unnamed = _content(data.get("Data"))
    if isinstance(unnamed, list):
        return tuple("" if part is None else str(part) for part in unnamed)
    if unnamed is not None:
        return (str(unnamed),)
    named = {key: value for key, value in data.items() if key not in {"Binary", "#attributes"}}
    return tuple(str(_content(value) or "") for value in named.values())


def _content(value: Any) -> Any:
    return value.get("#text") if isinstance(value, dict) else value
