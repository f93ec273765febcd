"""What users see: served, proxied, redirected, broken, unavailable; and what the log says."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.lab.lab import Lab

    from .conftest import Browse, Browser

COOKIE_ERROR = "Invalid user context cookie found in proxy response"


def _numbers(lab: Lab, server: str) -> list[int]:
    return [event["id"] for event in lab.events(server)]


def test_own_mailbox_is_served(lab: Lab, browse: Browse) -> None:
    page = browse("par-cas-01", "paris-2010")
    assert (page.status, page.server) == (200, "PAR-CAS-01")
    last = lab.requests()[-1]
    assert (last["mode"], last["outcome"], last["target"]) == ("local", "ok", "par-cas-01")
    assert last["client"] == "browser"


def test_wrong_password_and_missing_session_lead_to_the_form(
    lab: Lab, browse: Browse, browser: Callable[[str], Browser]
) -> None:
    page = browse("par-cas-01", "paris-2010", password="wrong")
    assert page.status == 302
    assert "/owa/auth/logon.aspx" in page.location
    assert page.location.endswith("reason=2")
    assert lab.requests()[-1]["outcome"] == "denied"
    user = browser("par-cas-01")
    try:
        page = user.ask("GET", "/owa/")
        assert page.location.endswith("reason=0")
        assert user.ask("GET", "/owa/auth/logon.aspx?reason=2").status == 200
        assert user.ask("GET", "/ecp/").status == 404
        # Nobody but a server of the farm may use the way servers use between them.
        somebody = {"X-Lab-User": "probe-paris-2010@contoso.example"}
        assert user.ask("POST", "/owa/proxyLogon.owa", **somebody).status == 401
        assert user.ask("GET", "/owa/", **somebody).status == 401
    finally:
        user.close()


def test_proxying_reaches_every_server_of_the_target_pool(lab: Lab, browse: Browse) -> None:
    pages = [browse("mad-cas-01", "lisbon-2007") for _ in range(4)]
    assert [page.status for page in pages] == [200] * 4
    assert {page.server for page in pages} == {"LIS-CAS-71", "LIS-CAS-72"}
    assert {row["target"] for row in lab.requests()} == {"lis-cas-71", "lis-cas-72"}
    row = lab.requests()[0]
    assert (row["mode"], row["source_build"], row["target_build"]) == (
        "proxy",
        "14.2.247.5",
        "8.3.245.2",
    )


def test_the_seed_incident(lab: Lab, browse: Browse) -> None:
    page = browse("par-cas-01", "berlin-2010")
    assert (page.status, page.server) == (500, "PAR-CAS-01")
    assert COOKIE_ERROR in page.text
    event = lab.events("par-cas-01")[-1]
    assert (event["source"], event["id"], event["level"]) == ("MSExchange Common", 4999, "Error")
    assert "UpdateProxyUserContextIdFromResponse" in event["message"]
    assert "14.02.0283.003" in event["message"]
    row = lab.requests()[-1]
    assert (row["outcome"], row["text"]) == ("broken", COOKIE_ERROR)
    # A cookie error is no reason to try another server.
    assert len(lab.requests()) == 1
    assert lab.events("ber-cas-01") == lab.events("ber-cas-02") == []


def test_redirection_silent_and_manual(lab: Lab, browse: Browse) -> None:
    legacy = "https://legacy-berlin.contoso.example/owa"
    silent = browse("ber-cas-01", "berlin-2007")
    assert (silent.status, silent.location) == (302, legacy)
    manual = browse("par-cas-01", "berlin-2007")
    assert manual.status == 200
    assert f'href="{legacy}"' in manual.text
    lab.set("redirect_type.par-cas-01=Silent")
    assert browse("par-cas-01", "berlin-2007").location == legacy
    assert {row["outcome"] for row in lab.requests()} == {"redirect"}


def test_2007_never_proxies_up(lab: Lab, browse: Browse) -> None:
    page = browse("ber-cas-71", "berlin-2010")
    assert page.status == 500
    assert "newer version" in page.text
    assert lab.requests()[-1]["outcome"] == "broken"


def test_published_name_leads_to_a_server_in_service(
    lab: Lab, browser: Callable[[str], Browser]
) -> None:
    lab.set("power.par-cas-01=off")
    for _ in range(2):
        user = browser("mail")
        try:
            assert user.ask("GET", "/owa/nothing").server == "PAR-CAS-02"
        finally:
            user.close()


def test_fail_over_to_the_next_target(lab: Lab, browse: Browse) -> None:
    lab.set("power.lis-cas-71=off")
    pages = [browse("rom-cas-01", "lisbon-2007") for _ in range(4)]
    assert {(page.status, page.server) for page in pages} == {(200, "LIS-CAS-72")}
    assert 39 in _numbers(lab, "rom-cas-01")
    lab.set("power.lis-cas-72=off")
    assert browse("rom-cas-01", "lisbon-2007").status == 503
    assert _numbers(lab, "rom-cas-01")[-1] == 40
    assert lab.requests()[-1]["outcome"] == "unavailable"


def test_source_that_is_off_refuses_the_connection_and_the_log_knows(
    lab: Lab, browse: Browse
) -> None:
    lab.set("power.rom-cas-01=off")
    with pytest.raises(OSError, match="502"):
        browse("rom-cas-01", "rome-2010")
    row = lab.requests()[-1]
    assert (row["source"], row["outcome"], row["target"]) == ("rom-cas-01", "unavailable", None)


def test_older_source_in_front_of_a_newer_target_is_a_switch(
    lab: Lab, browse: Browse, install: Callable[..., None]
) -> None:
    install("ber-cas-01", "14.2.298.4")
    install("ber-cas-02", "14.2.298.4")
    assert browse("mad-cas-01", "berlin-2010").status == 200
    assert browse("par-cas-01", "berlin-2010").status == 200
    lab.set("older_2010_source=refuses")
    for source in ("mad-cas-01", "par-cas-01"):
        page = browse(source, "berlin-2010")
        assert page.status == 500
        assert "older version" in page.text
        assert lab.events(source)[-1]["id"] == 46
        assert lab.events(source)[-1]["source"] == "MSExchange OWA"
    assert lab.requests()[-1]["outcome"] == "broken"
    assert browse("ber-cas-01", "berlin-2010").status == 200


def test_a_half_upgraded_pool_fails_for_some_requests(
    lab: Lab, browse: Browse, install: Callable[..., None]
) -> None:
    install("ber-cas-01", "14.2.283.3")
    statuses = [browse("par-cas-01", "berlin-2010").status for _ in range(4)]
    assert sorted(statuses) == [200, 200, 500, 500]


def test_installing_is_an_outage_of_that_server_only(
    lab: Lab, browse: Browse, install: Callable[..., None]
) -> None:
    lab.set("install_seconds=30")
    install("rom-cas-01", "14.2.298.4", wait=False)
    assert browse("mad-cas-01", "rome-2010").status == 503
    install("ber-cas-01", "14.2.298.4", wait=False)
    pages = [browse("mad-cas-01", "berlin-2010") for _ in range(3)]
    assert {(page.status, page.server) for page in pages} == {(200, "BER-CAS-02")}


def test_a_changed_address_reaches_other_sites_later(
    lab: Lab, browse: Browse, write_address: Callable[[str, str], None]
) -> None:
    lab.set("propagation_seconds.madrid=0.4")
    url = "https://somewhere.contoso.example/owa"
    assert browse("mad-cas-01", "rome-2010").status == 200
    started = time.monotonic()
    write_address("rom-cas-01", url)
    page = browse("mad-cas-01", "rome-2010")
    if time.monotonic() - started < 0.4:
        assert "redirectLink" not in page.text
    time.sleep(max(0.0, 0.45 - (time.monotonic() - started)))
    assert url in browse("mad-cas-01", "rome-2010").text
    assert lab.external_url("rom-cas-01", site="madrid") == url
