"""Events of many records as one line per server and kind."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo

from orchestrator.diagnostic import Place
from orchestrator.discovery.events.moments import Order, Reading, read_moment
from orchestrator.discovery.events.record import EventRecord
from orchestrator.discovery.events.signatures import Recognised
from orchestrator.discovery.evidence import BuildEvidence, EventEvidence, Meaning, Sighting
from orchestrator.model.build import Build
from orchestrator.rules.rule import Confidence


@dataclass
class Kind:
    """What one file shows of one kind of event on one server."""

    provider: str
    event_id: int
    found: Recognised
    place: Place
    count: int = 0
    builds: dict[Build, int] = field(default_factory=dict)
    targets: dict[str, Build | None] = field(default_factory=dict)
    spans: list[datetime | None] = field(default_factory=lambda: [None] * 4)

    def add(self, found: Recognised, reading: Reading | None) -> None:
        """Count one."""
        self.count += 1
        if found.build is not None:
            self.builds[found.build] = self.builds.get(found.build, 0) + 1
        if found.target:
            self.targets[found.target] = found.target_build or self.targets.get(found.target)
        if reading is not None:
            self._span(0, reading.day_first)
            self._span(2, reading.month_first)

    def _span(self, at: int, moment: datetime | None) -> None:
        if moment is None:
            return
        first, last = self.spans[at], self.spans[at + 1]
        self.spans[at] = moment if first is None else min(first, moment)
        self.spans[at + 1] = moment if last is None else max(last, moment)

    def sighting(self, *, month_first: bool | None) -> Sighting:
        """When; without times where the order of day and month is not known."""
        if month_first is None:
            return Sighting(self.place, self.count)
        first, last = self.spans[2:] if month_first else self.spans[:2]
        return Sighting(self.place, self.count, first, last)


class Tally:
    """Counts the events of one file.

    Parameters
    ----------
    file : str
    server : str
        What the file is said to be of, where records do not name their computer.
    zone : tzinfo
        For times without one.
    """

    def __init__(self, file: str, server: str, zone: tzinfo = UTC) -> None:
        self._file = file
        self._server = server
        self._zone = zone
        self._kinds: dict[tuple[str, str, int, Meaning], Kind] = {}
        self._order = Order()
        self.matched = self.without_time = self.without_zone = 0

    def note_time(self, text: str) -> Reading | None:
        """Learn from a date, also from that of an event nobody wants."""
        reading = read_moment(text, self._zone)
        if reading is not None:
            self._order.note(reading)
        return reading

    def add(self, record: EventRecord, found: Recognised) -> None:
        """Count an event."""
        reading = self.note_time(record.time)
        self.without_time += reading is None
        self.without_zone += reading is not None and not reading.has_zone
        self.matched += 1
        server = record.computer or self._server
        key = (server, record.provider.lower(), record.event_id, found.meaning)
        kind = self._kinds.get(key)
        if kind is None:
            place = Place(self._file, record.line)
            kind = Kind(record.provider, record.event_id, found, place)
            self._kinds[key] = kind
        kind.add(found, reading)

    @property
    def order_unknown(self) -> bool:
        """Whether times had to be left out because 3/4 may be March or April."""
        return self.matched > 0 and self._order.month_first is None

    def events(self) -> list[EventEvidence]:
        """One per server and kind of event."""
        return [
            EventEvidence(
                server=server,
                provider=kind.provider,
                event_id=number,
                meaning=meaning,
                sighting=kind.sighting(month_first=self._order.month_first),
                confidence=kind.found.confidence,
                builds=tuple(sorted(kind.builds)),
                targets=tuple(sorted(kind.targets)),
            )
            for (server, _, number, meaning), kind in self._kinds.items()
        ]

    def builds(self) -> list[BuildEvidence]:
        """Builds that events name, of the server itself and of those it proxied to."""
        found = []
        for (server, *_), kind in self._kinds.items():
            seen = kind.sighting(month_first=self._order.month_first)
            pairs = [(server, build) for build in kind.builds]
            pairs += [(target, build) for target, build in kind.targets.items() if build]
            how = f"named by event {kind.event_id} of {kind.provider} on {server}"
            found += [
                BuildEvidence(name, build, seen, Confidence.DOC, how) for name, build in pairs
            ]
        return found
