"""Events that the hosts themselves reported, as evidence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from orchestrator.diagnostic import Place
from orchestrator.discovery.events.record import EventRecord
from orchestrator.discovery.events.signatures import Recognised, recognise
from orchestrator.discovery.evidence import EventEvidence, Sighting


def reported_events(answers: Mapping[str, Mapping[str, Any]]) -> tuple[EventEvidence, ...]:
    """What the events in the answers of exchange_server_facts say of proxying, by server and id.

    Their number is a lower bound: Exchange limits how often it writes most of them [doc].
    """
    found: dict[tuple[str, str, int], EventEvidence] = {}
    for name, answer in sorted(answers.items()):
        for record, seen, recognised in _recognised(name, answer.get("events") or ()):
            key = (name, record.provider, record.event_id)
            new = EventEvidence(
                name,
                record.provider,
                record.event_id,
                recognised.meaning,
                seen,
                recognised.confidence,
                (recognised.build,) if recognised.build else (),
                (recognised.target,) if recognised.target else (),
            )
            found[key] = _together(found[key], new) if key in found else new
    return tuple(found[key] for key in sorted(found))


def _recognised(name: str, events: Any) -> Iterator[tuple[EventRecord, Sighting, Recognised]]:
    for number, event in enumerate(events, 1):
        try:
            time = datetime.fromisoformat(str(event["time_utc"])).astimezone(UTC)
            record = EventRecord(
                provider=str(event["source"]),
                event_id=int(event["id"]),
                computer=name,
                time=str(event["time_utc"]),
                message=str(event["message"]),
                parts=(),
                category=str(event["category"]),
                line=number,
            )
        except (KeyError, TypeError, ValueError):
            continue  # a host whose answer cannot be used is named where its facts are read
        recognised = recognise(record)
        if recognised is not None:
            place = Place(f"events of {name}", number)
            yield record, Sighting(place, 1, time, time), recognised


def _together(one: EventEvidence, other: EventEvidence) -> EventEvidence:
    return EventEvidence(
        one.server,
        one.provider,
        one.event_id,
        one.meaning,
        one.sighting + other.sighting,
        one.confidence,
        tuple(sorted({*one.builds, *other.builds})),
        tuple(sorted({*one.targets, *other.targets})),
    )
