"""One event as any of the formats tells it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator.discovery.evidence import host_name
from orchestrator.discovery.rows.row import Row

# What exports call the fields, lower case and without spaces, hyphens and underscores. The second
# line of each: the Event Viewer in German, French and Spanish.
_NAMES: dict[str, tuple[str, ...]] = {
    "event_id": (
        *("id", "eventid", "instanceid"),
        *("ereignisid", "iddelévénement", "iddel’événement", "iddel'événement", "iddelevento"),
    ),
    "provider": ("providername", "provider", "source", "sourcename", "quelle", "origen"),
    "computer": ("machinename", "computer", "computername", "pscomputername", "ordinateur"),
    "time": (
        *("timecreated", "timegenerated", "timewritten", "date", "dateandtime", "time"),
        *("datumunduhrzeit", "datum", "dateetheure", "fechayhora"),
    ),
    "message": ("message", "description", "beschreibung", "descripción", "info"),
    "category": (
        *("taskdisplayname", "category", "taskcategory", "task"),
        *("aufgabenkategorie", "catégoriedelatâche", "categoríadelatarea"),
    ),
    "parts": ("properties", "replacementstrings"),
}
FIELDS = {name: field for field, names in reversed(_NAMES.items()) for name in names}


@dataclass(frozen=True)
class EventRecord:
    """One event.

    Parameters
    ----------
    provider : str
        Event source.
    event_id : int
    computer : str
        Host name; empty where the export has none.
    time : str
        As written.
    message : str
        The rendered text; empty where only its parts are stored (.evtx).
    parts : tuple of str
        Insertion strings: what stands for %1, %2, … in the message.
    category : str
        Name of the task category; empty where only its number is stored.
    line : int
        Line or record number.
    """

    provider: str
    event_id: int
    computer: str
    time: str
    message: str
    parts: tuple[str, ...] = ()
    category: str = ""
    line: int = 0


def plain(name: str) -> str:
    """A column's name as `FIELDS` has it.

    Examples
    --------
    >>> FIELDS[plain("Event ID")]
    'event_id'
    """
    return name.strip().lower().translate({32: None, 45: None, 95: None, 160: None})


def record_of(row: Row) -> EventRecord | None:
    """The event of an exported object, or None if it is no event."""
    found: dict[str, object] = {}
    for name, value in row.values.items():
        field = FIELDS.get(plain(name))
        if field is not None and (field not in found or not found[field]):
            found[field] = value
    number = event_id(found.get("event_id"))
    if number is None or not found.get("provider"):
        return None
    parts = found.get("parts")
    return EventRecord(
        provider=str(found["provider"]).strip(),
        event_id=number,
        computer=host_name(str(found.get("computer") or "")),
        time=str(found.get("time") or ""),
        message=str(found.get("message") or ""),
        parts=tuple(_part(part) for part in parts) if isinstance(parts, list) else (),
        category=str(found.get("category") or ""),
        line=row.line,
    )


def event_id(value: object) -> int | None:
    """The id; an instance id carries severity and facility in its upper half."""
    text = str(value).strip() if value is not None else ""
    return int(text) & 0xFFFF if text.isdigit() else None


def _part(value: object) -> str:
    if isinstance(value, Mapping):
        value = value.get("Value")
    return "" if value is None else str(value)
