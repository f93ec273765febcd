"""Which events tell of proxying that does not work, and what is to be read out of them.

Texts: MSExchange Common 4999 as in the Exchange team blog of 2012-02-17; MSExchange OWA as in the
event reference of Exchange 2010 (technet.microsoft.com, events 39, 42, 43, 71) and KB 947168 (46)
[doc]. Ids 40, 41, 45: by their titles only [field].
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from orchestrator.discovery.events.record import EventRecord
from orchestrator.discovery.evidence import Meaning, host_name
from orchestrator.model.build import Build
from orchestrator.rules.rule import Confidence

COMMON, OWA = "msexchange common", "msexchange owa"
WATSON = 4999
METHOD = "ProxyUtilities.UpdateProxyUserContextIdFromResponse"
"""With the namespace in front of it, spelt out or abbreviated; pid, bucket and build vary."""

PROXY_EVENTS = {
    39: (Meaning.FAILED_OVER, Confidence.DOC),
    40: (Meaning.ALL_FAILED, Confidence.FIELD),
    41: (Meaning.NONE_FOUND, Confidence.FIELD),
    42: (Meaning.SSL, Confidence.DOC),
    43: (Meaning.CERTIFICATE, Confidence.DOC),
    45: (Meaning.ACCESS_CHECK, Confidence.FIELD),
    46: (Meaning.VERSION, Confidence.DOC),
    71: (Meaning.AUTHENTICATION, Confidence.DOC),
}
_NAMES_A_TARGET = {39, 42, 43, 46, 71}
_BUILD = re.compile(r"(?<![\d.])(\d{1,2}\.\d{1,2}\.\d{1,5}\.\d{1,5})(?![\d.])")
_QUOTED = re.compile(r"[\"“„«]\s*([^\"“”„«»]*?)\s*[\"”“»]")
_TARGET = re.compile(r"\bto Client Access server \"?([^\s\",]+)", re.IGNORECASE)
_URL = re.compile(r"https?://[^\s\"'<>]+")


@dataclass(frozen=True)
class Recognised:
    """What an event says.

    Parameters
    ----------
    build : Build or None
        Of the server that logged it.
    target : str
        Host name of the server proxied to; empty if the event does not name it.
    target_build : Build or None
    """

    meaning: Meaning
    confidence: Confidence
    build: Build | None = None
    target: str = ""
    target_build: Build | None = None


def recognise(record: EventRecord) -> Recognised | None:
    """What an event says of proxying, or None if nothing."""
    provider = record.provider.lower()
    if provider == COMMON and record.event_id == WATSON:
        return _watson(record)
    if provider == OWA and record.event_id in PROXY_EVENTS:
        return _proxy(record)
    return None


def _watson(record: EventRecord) -> Recognised | None:
    # a console may have broken a field over two lines
    fields = tuple("".join(f.split()) for f in record.parts or record.message.split(","))
    if not any(METHOD.lower() in field.lower() for field in fields):
        return None
    builds = _builds(fields)
    return Recognised(Meaning.COOKIE, Confidence.DOC, builds[0] if builds else None)


def _proxy(record: EventRecord) -> Recognised | None:
    meaning, confidence = PROXY_EVENTS[record.event_id]
    target = _target(record) if record.event_id in _NAMES_A_TARGET else ""
    if meaning is not Meaning.VERSION:
        return Recognised(meaning, confidence, target=target)
    builds = _builds(record.parts or (record.message.split(" For example")[0],))
    both = len(builds) > 1
    return Recognised(
        meaning,
        confidence,
        build=builds[0] if both else None,
        target=target,
        target_build=builds[1] if both else None,
    )


def _builds(texts: tuple[str, ...]) -> list[Build]:
    return [Build.parse(found) for text in texts for found in _BUILD.findall(text)]


def _target(record: EventRecord) -> str:
    """%2 where the parts are stored; in a text what stands in its place."""
    named = [part for part in record.parts if part.strip() and not _BUILD.fullmatch(part.strip())]
    if len(named) > 1:
        return _host(named[1])
    said = _TARGET.search(record.message)
    if said:
        return _host(said[1])
    quoted = [found for found in _QUOTED.findall(record.message) if not _BUILD.fullmatch(found)]
    if len(quoted) > 1:  # another language, the same order
        return _host(quoted[1])
    url = _URL.search(record.message)
    return _host(url[0]) if url else ""


def _host(text: str) -> str:
    text = text.strip().rstrip(".,;")
    if "://" in text:
        try:
            return host_name(urlsplit(text).hostname or "")
        except ValueError:
            return ""
    return host_name(text)
