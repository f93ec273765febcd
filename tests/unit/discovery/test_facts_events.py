"""Events a host reported itself: only those of OWA proxying count, and their number is a bound."""

from __future__ import annotations

from typing import Any

from orchestrator.discovery.evidence import Meaning
from orchestrator.discovery.facts_events import reported_events
from orchestrator.model.build import Build

WATSON = (
    "Watson report about to be sent for process id: 744, with parameters: E12, c-RTL-AMD64, "
    "14.02.0283.003, OWA, M.E.Clients.Owa, {method}, "
    "M.E.C.O.Core.OwaAsyncOperationException, 413, 14.02.0283.003."
)
COOKIE = WATSON.format(method="M.E.C.O.C.ProxyUtilities.UpdateProxyUserContextIdFromResponse")


def event(message: str, hour: int = 1, **more: Any) -> dict[str, Any]:
    time = f"2012-04-23T{hour:02d}:00:00Z"
    common = {"time_utc": time, "source": "MSExchange Common", "id": 4999, "category": "General"}
    return {**common, "message": message, **more}


def test_watson_reports_count_only_if_they_are_about_the_cookie() -> None:
    other = WATSON.format(method="M.E.C.O.C.Calendar.Render")
    found = reported_events({"a": {"events": [event(COOKIE), event(other), event(COOKIE, 5)]}})
    (cookie,) = found
    assert (cookie.server, cookie.meaning, cookie.sighting.count) == ("a", Meaning.COOKIE, 2)
    assert cookie.builds == (Build.parse("14.2.283.3"),)
    assert (cookie.sighting.first, cookie.sighting.last) != (None, None)
    assert str(cookie.sighting.first) == "2012-04-23 01:00:00+00:00"
    assert str(cookie.sighting.last) == "2012-04-23 05:00:00+00:00"


def test_events_of_several_servers_and_kinds_stay_apart_and_rubbish_is_left_out() -> None:
    refusal = event("The Client Access server refuses", source="MSExchange OWA", id=46)
    answers = {
        "b": {"events": [refusal, {"id": "many"}, event(COOKIE, time_utc="yesterday")]},
        "a": {"events": [event(COOKIE)]},
        "c": {"events": None},
    }
    found = reported_events(answers)
    assert [(e.server, e.event_id) for e in found] == [("a", 4999), ("b", 46)]
