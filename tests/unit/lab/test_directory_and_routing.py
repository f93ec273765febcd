"""Replication between sites, and the way a server finds to a mailbox."""

from __future__ import annotations

import json

import pytest

from orchestrator.lab.builds import parse_build
from orchestrator.lab.directory import Directory
from orchestrator.lab.farm import Mailbox, Server
from orchestrator.lab.owa.routing import Way, decide

URL = "https://mail.x.example/owa"


def test_other_sites_see_a_change_after_their_own_delay() -> None:
    directory = Directory({"here": 5.0, "near": 10.0, "far": 60.0}.__getitem__)
    directory.create("a", "here", {"internal_url": "i", "external_url": ""})
    directory.write("a", "external_url", URL, site="here", now=100.0)

    def seen(site: str, now: float) -> str:
        return directory.read("a", "external_url", site=site, now=now)

    assert seen("here", 100.0) == URL
    assert (seen("near", 109.0), seen("near", 110.0)) == ("", URL)
    assert (seen("far", 110.0), seen("far", 160.0)) == ("", URL)
    directory.write("a", "external_url", "", site="here", now=170.0)
    assert (seen("here", 170.0), seen("far", 170.0)) == ("", URL)
    again = Directory(directory.delay)
    again.load(json.loads(json.dumps(directory.dump())))
    assert again.read("a", "external_url", site="far", now=170.0) == URL
    assert again.read("a", "internal_url", site="far", now=0.0) == "i"


def _server(site: str, line: str) -> Server:
    base = parse_build({"2007": "8.3.83.6", "2010": "14.2.247.5"}[line])
    return Server("s", site, base, (), "", "", "2.0", "Manual", (), "", 1, "disabled")


@pytest.mark.parametrize(
    ("source", "mailbox", "external_url", "redirect_type", "way"),
    [
        (("a", "2010"), ("a", "2010"), URL, "Manual", Way.LOCAL),
        (("a", "2010"), ("b", "2010"), "", "Manual", Way.PROXY),
        (("a", "2010"), ("b", "2010"), URL, "Manual", Way.MANUAL_REDIRECT),
        (("a", "2010"), ("b", "2010"), URL, "Silent", Way.SILENT_REDIRECT),
        (("a", "2010"), ("b", "2007"), "", "Manual", Way.PROXY),
        (("a", "2010"), ("b", "2007"), URL, "Manual", Way.MANUAL_REDIRECT),
        (("a", "2010"), ("a", "2007"), URL, "Manual", Way.SILENT_REDIRECT),
        (("a", "2010"), ("a", "2007"), "", "Manual", Way.IMPOSSIBLE),
        (("a", "2007"), ("b", "2007"), "", "Manual", Way.PROXY),
        (("a", "2007"), ("a", "2010"), URL, "Manual", Way.IMPOSSIBLE),
        (("a", "2007"), ("b", "2010"), "", "Manual", Way.IMPOSSIBLE),
    ],
)
def test_the_way_to_a_mailbox(
    source: tuple[str, str],
    mailbox: tuple[str, str],
    external_url: str,
    redirect_type: str,
    way: Way,
) -> None:
    user = Mailbox("u@x.example", *mailbox)
    assert decide(_server(*source), redirect_type, user, external_url) is way
