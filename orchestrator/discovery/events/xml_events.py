"""Events as XML: `wevtutil qe`, `Get-WinEvent | % ToXml`, and what the Event Viewer saves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from xml.etree.ElementTree import Element  # built, not parsed

from orchestrator.discovery.events.record import EventRecord, event_id
from orchestrator.discovery.evidence import host_name
from orchestrator.discovery.rows.xml_records import records


def events(pieces: Iterable[bytes]) -> Iterator[EventRecord | None]:
    """Every ``Event`` element; None for those without id or source.

    Raises
    ------
    Damaged
    """
    for line, element in records(pieces, lambda name, depth: name == "Event" and depth <= 3):
        yield _record(element, line)


def _record(event: Element, line: int) -> EventRecord | None:
    number = event_id(event.findtext("System/EventID"))
    source = event.find("System/Provider")
    provider = source.get("Name", "") if source is not None else ""
    if number is None or not provider:
        return None
    created = event.find("System/TimeCreated")
    return EventRecord(
        provider=provider,
        event_id=number,
        computer=host_name(event.findtext("System/Computer") or ""),
        time=created.get("SystemTime", "") if created is not None else "",
        message=event.findtext("RenderingInfo/Message") or "",
        parts=tuple(data.text or "" for data in event.iterfind("EventData/Data")),
        category=event.findtext("RenderingInfo/Task") or "",
        line=line,
    )
