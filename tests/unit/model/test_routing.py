"""The decision table of bb310763, row by row."""

from __future__ import annotations

import pytest

from orchestrator.model.routing import Route, route
from orchestrator.model.state import AccessMode, State
from orchestrator.model.topology import Pool, PoolId, Protocol

PARIS, ROME = PoolId("paris", "2010"), PoolId("rome", "2010")
ROME_2007, PARIS_2007 = PoolId("rome", "2007"), PoolId("paris", "2007")
P, R, M = AccessMode.PROXY, AccessMode.REDIRECT, AccessMode.MIXED


@pytest.mark.parametrize(
    ("source", "target", "protocol", "mode", "expected"),
    [
        (PARIS, PARIS, Protocol.OWA, P, Route.LOCAL),
        (PARIS, ROME, Protocol.OWA, P, Route.PROXY),
        (PARIS, ROME, Protocol.OWA, R, Route.REDIRECT),
        (PARIS, ROME, Protocol.OWA, M, Route.EITHER),
        (PARIS, ROME, Protocol.ECP, R, Route.REDIRECT),
        (PARIS, ROME, Protocol.EAS, R, Route.REDIRECT),
        (PARIS, ROME, Protocol.EWS, R, Route.PROXY),
        (PARIS, ROME, Protocol.POP3, R, Route.PROXY),
        (PARIS, ROME, Protocol.IMAP4, M, Route.PROXY),
        (PARIS, ROME_2007, Protocol.OWA, P, Route.PROXY),
        (PARIS, ROME_2007, Protocol.OWA, R, Route.REDIRECT),
        (PARIS, PARIS_2007, Protocol.OWA, R, Route.REDIRECT),
        (PARIS, PARIS_2007, Protocol.OWA, P, Route.IMPOSSIBLE),
        (PARIS, PARIS_2007, Protocol.OWA, M, Route.IMPOSSIBLE),
        (PARIS_2007, ROME_2007, Protocol.OWA, P, Route.PROXY),
        (PARIS_2007, ROME, Protocol.OWA, P, Route.IMPOSSIBLE),
        (PARIS_2007, ROME, Protocol.OWA, R, Route.IMPOSSIBLE),
    ],
)
def test_row(
    source: PoolId, target: PoolId, protocol: Protocol, mode: AccessMode, expected: Route
) -> None:
    decision = route(source, target, protocol, mode)
    assert decision.route is expected
    assert decision.reason
    assert decision.confidence in {"doc", "field", "infer"}


def test_mode_is_that_of_every_server() -> None:
    pool = Pool(ROME, ("a", "b"))
    none = State({}, {})
    one = none.with_urls({("a", Protocol.OWA): "https://x/owa"})
    both = one.with_urls({("b", Protocol.OWA): "https://x/owa"})
    assert [s.mode(pool, Protocol.OWA) for s in (none, one, both)] == [P, M, R]
    assert both.mode(pool, Protocol.ECP) is P
    cleared = both.with_urls({("a", Protocol.OWA): "", ("b", Protocol.OWA): ""})
    assert cleared == none
