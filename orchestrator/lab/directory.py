"""What Active Directory holds: virtual directories, read and written at domain controllers.

A value written at the controller of one site is seen there at once and at the others after the
delay of the reading site. That stands for replication and for the caches behind it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ATTRIBUTES = ("internal_url", "external_url")


@dataclass(frozen=True)
class Written:
    """One value, when (seconds since 1970) and at which site's controller it was written."""

    time: float
    site: str
    value: str


@dataclass
class Directory:
    """The OWA virtual directory of every server, with its history of writes.

    Args:
        delay: seconds until a site sees what was written elsewhere.
    """

    delay: Callable[[str], float]
    _history: dict[str, dict[str, list[Written]]] = field(default_factory=dict)

    def create(self, server: str, site: str, values: Mapping[str, str]) -> None:
        """Put in a virtual directory that has been there for ever."""
        self._history[server] = {name: [Written(0.0, site, values[name])] for name in ATTRIBUTES}

    def read(self, server: str, attribute: str, *, site: str, now: float) -> str:
        """The value as the controller of a site knows it; empty is "not set"."""
        history = self._history[server][attribute]
        limit = now - self.delay(site)
        seen = [entry for entry in history if entry.site == site or entry.time <= limit]
        return (seen or history[:1])[-1].value

    def write(self, server: str, attribute: str, value: str, *, site: str, now: float) -> None:
        """Write at the controller of a site."""
        self._history[server][attribute].append(Written(now, site, value))

    def dump(self) -> dict[str, Any]:
        """The content as plain data."""
        return {
            server: {
                name: [[entry.time, entry.site, entry.value] for entry in entries]
                for name, entries in attributes.items()
            }
            for server, attributes in self._history.items()
        }

    def load(self, data: Mapping[str, Any]) -> None:
        """Take over what `dump` gave."""
        self._history = {
            server: {
                name: [Written(*entry) for entry in entries] for name, entries in attributes.items()
            }
            for server, attributes in data.items()
        }
