"""What the probe makes of single answers, and of many."""

from __future__ import annotations

import pytest

BASE = "https://par-cas-01.contoso.example/owa/"
HOST = "par-cas-01.contoso.example"
COOKIE_ERROR = "Invalid user context cookie found in proxy response"
MAILBOX = "<html><head><title>Inbox</title></head><body><a href='?ae=Item'>Mail</a></body></html>"
USE_LINK = (
    "<html><body>Use the following link to open this mailbox: "
    '<a href="https://mail-madrid.contoso.example/owa">here</a></body></html>'
)


@pytest.fixture
def answer(owa_probe):
    def build(status=200, body=MAILBOX, cookies=None, **headers):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return owa_probe.Answer(status, named, {} if cookies is None else cookies, body)

    return build


@pytest.fixture
def log_on(owa_probe):
    return lambda given: owa_probe.classify_log_on(given, BASE, HOST)


@pytest.fixture
def mailbox(owa_probe):
    return lambda given: owa_probe.classify_mailbox(given, BASE, HOST, "par-cas-01", "X-DiagInfo")


def test_a_redirect_back_with_cookies_is_logged_on(answer, log_on):
    assert log_on(answer(302, "", {"sessionid": "1"}, location="/owa/")) is None


@pytest.mark.parametrize(
    ("given", "outcome", "text"),
    [
        ((302, "/owa/auth/logon.aspx?url=x&reason=2"), "denied", "refused"),
        ((302, "/owa/auth/logon.aspx?reason=0"), "broken", "back to the log-on page"),
        ((302, "/owa/"), "broken", "no cookie"),
        ((200, ""), "broken", "not what a log-on answers: HTTP 200: Inbox - Mail"),
        ((503, ""), "unavailable", "HTTP 503"),
        ((401, ""), "broken", "HTTP 401"),
    ],
)
def test_other_answers_to_a_log_on_end_the_try(answer, log_on, given, outcome, text):
    status, location = given
    seen = log_on(answer(status, location=location))
    assert seen.outcome == outcome
    assert text in seen.text


def test_a_redirect_to_another_host_is_reported_and_not_followed(answer, log_on, mailbox):
    elsewhere = "https://legacy-berlin.contoso.example/owa/"
    for judge in (log_on, mailbox):
        seen = judge(answer(302, "", {"sessionid": "1"}, location=elsewhere))
        assert (seen.outcome, seen.url) == ("redirected", elsewhere)


def test_the_page_with_a_link_is_a_redirect(answer, mailbox):
    seen = mailbox(answer(body=USE_LINK, x_diaginfo="PAR-CAS-01"))
    assert (seen.outcome, seen.url) == ("redirected", "https://mail-madrid.contoso.example/owa")


@pytest.mark.parametrize(
    "body",
    [
        MAILBOX,
        MAILBOX.replace("?ae=Item", "https://par-cas-01.contoso.example/owa/?ae=Item"),
        MAILBOX.replace("?ae=Item", "https://www.contoso.example/news"),
        MAILBOX.replace("?ae=Item", "https://other.contoso.example/owaextra"),
    ],
)
def test_other_links_are_no_redirect(answer, mailbox, body):
    assert mailbox(answer(body=body, x_diaginfo="BER-CAS-01")).outcome == "proxied"


def test_the_header_tells_served_from_proxied(answer, mailbox):
    served = mailbox(answer(x_diaginfo="PAR-CAS-01", x_owa_version="14.2.283.3"))
    assert (served.outcome, served.target, served.version) == ("served", "par-cas-01", "14.2.283.3")
    proxied = mailbox(answer(x_diaginfo="BER-CAS-01.contoso.example"))
    assert (proxied.outcome, proxied.target) == ("proxied", "ber-cas-01")


@pytest.mark.parametrize("status", [200, 500])
def test_the_cookie_error_is_broken_with_its_exact_words(answer, mailbox, status):
    body = f"<html><body><h1>Error</h1><p>Invalid user\n context cookie {COOKIE_ERROR[28:]}</p>"
    assert mailbox(answer(status, body, x_diaginfo="BER-CAS-01")).text == COOKIE_ERROR


@pytest.mark.parametrize(
    ("status", "body", "headers", "outcome"),
    [
        (500, "<title>Runtime Error</title>", {}, "broken"),
        (404, "", {}, "broken"),
        (204, "", {"x_diaginfo": "BER-CAS-01"}, "broken"),
        (200, "<html>hello", {}, "broken"),
        (302, "", {"location": "/owa/languageselection.aspx"}, "broken"),
        (200, "<form action='/owa/auth.owa'>", {"x_diaginfo": "PAR-CAS-01"}, "broken"),
        (200, MAILBOX, {"x_owa_version": "14.2.283.3"}, "unknown"),
        (502, "", {}, "unavailable"),
        (503, "", {"x_diaginfo": "BER-CAS-01"}, "unavailable"),
    ],
)
def test_anything_unrecognised_is_never_fine(answer, mailbox, status, body, headers, outcome):
    seen = mailbox(answer(status, body, **headers))
    assert seen.outcome == outcome
    assert seen.text


def test_cookies_that_are_deleted_are_dropped_and_odd_names_kept(owa_probe):
    lines = [
        "sessionid=abc; path=/; HttpOnly",
        'cadata="x y"; path=/; secure',
        "UserContext=; expires=Thu, 01-Jan-1970 00:00:00 GMT",
        "odd{name}=1; path=/",
    ]
    cookies = owa_probe.read_cookies(lines)
    assert cookies == {"sessionid": "abc", "cadata": '"x y"', "odd{name}": "1"}


@pytest.fixture
def judge(owa_probe):
    def build(outcomes, targets=(), expect=("proxied",), **more):
        tries = [
            owa_probe.Try(
                outcome,
                target=detail if outcome in ("proxied", "served") else None,
                url=detail if outcome == "redirected" else None,
                text=detail if outcome not in ("proxied", "served", "redirected") else None,
            )
            for outcome, detail in outcomes
        ]
        arguments = {"redirect_url": None, "may_break": False, **more}
        return owa_probe.judge(tries, targets=list(targets), expect=list(expect), **arguments)

    return build


def test_every_target_has_to_answer(judge):
    one = judge([("proxied", "ber-cas-01")] * 12, ("BER-CAS-01", "ber-cas-02"))
    assert not one["as_expected"]
    assert one["why"] == "ber-cas-02 did not answer in 12 tries; 1 of 2 targets"
    assert one["coverage"] == {
        "seen": ["ber-cas-01"],
        "wanted": ["ber-cas-01", "ber-cas-02"],
        "text": "1 of 2 targets",
    }
    both = judge([("proxied", "ber-cas-01"), ("proxied", "ber-cas-02")], ("ber-cas-01",))
    assert both["as_expected"]
    assert both["counts"] == {"proxied": 2}


def test_the_worst_answer_counts_and_is_quoted(judge):
    result = judge([("proxied", "b"), ("broken", COOKIE_ERROR), ("unavailable", "HTTP 503")], "b")
    assert result["outcome"] == "broken"
    assert not result["as_expected"]
    assert result["why"].startswith(f"broken: {COOKIE_ERROR} (1 of 3 tries)")
    assert "unavailable: HTTP 503 (1 of 3 tries)" in result["why"]


def test_a_known_break_is_recorded_but_working_targets_must_answer(judge):
    tolerated = judge([("broken", COOKIE_ERROR), ("proxied", "b")], ("b",), may_break=True)
    assert tolerated["as_expected"]
    assert tolerated["counts"] == {"broken": 1, "proxied": 1}
    assert "not yet repaired" in tolerated["why"]
    silent = judge([("broken", COOKIE_ERROR)] * 12, ("b",), may_break=True)
    assert not silent["as_expected"]
    assert silent["why"].startswith("b did not answer in 12 tries")
    assert not judge([("unavailable", "x")], (), may_break=True)["as_expected"]
    assert not judge([("denied", "x")], (), may_break=True)["as_expected"]


def test_no_header_is_said_and_never_fine(judge):
    result = judge([("unknown", "no header X-DiagInfo")] * 2, ("b",), ("proxied", "served"))
    assert not result["as_expected"]
    assert "could not tell which server answered: no header X-DiagInfo" in result["why"]


def test_a_redirect_must_lead_to_the_right_place(judge):
    there = "https://mail-madrid.contoso.example/owa"
    good = judge([("redirected", "https://MAIL-madrid.contoso.example:443/owa/")], (),
                 ("redirected",), redirect_url=there)  # fmt: skip
    assert good["as_expected"]
    wrong = judge([("redirected", "https://else.example/owa")], (), ("redirected",),
                  redirect_url=there)  # fmt: skip
    assert wrong["why"] == f"redirected to https://else.example/owa instead of {there}"
    assert not judge([("proxied", "mad-cas-01")] * 3, (), ("redirected",))["as_expected"]


def test_targets_need_not_answer_where_an_expected_redirect_answers_for_them(judge):
    assert judge([("redirected", "https://x.example/owa")] * 3, ("b",), ("redirected",))[
        "as_expected"
    ]
    mixed = [("redirected", "https://x.example/owa"), ("proxied", "a")]
    assert not judge(mixed, ("a", "b"), ("proxied", "redirected"))["as_expected"]


def test_when_to_stop(owa_probe):
    proxied_a, proxied_b = (owa_probe.Try("proxied", target=name) for name in "ab")
    broken, down, denied, away = (
        owa_probe.Try(name) for name in ("broken", "unavailable", "denied", "redirected")
    )

    def enough(seen, targets=("a", "b"), expect=("proxied",)):
        return owa_probe.enough(list(seen), list(targets), list(expect), 12)

    assert not enough([])
    assert not enough([proxied_a] * 11)
    assert enough([proxied_a] * 12)
    assert enough([proxied_a, proxied_b])
    assert not enough([broken] * 11)
    assert enough([denied]), "a mailbox must not be locked out"
    assert enough([broken, down, down, down])
    assert not enough([down, down, broken])
    assert not enough([away, away], (), ("redirected",))
    assert enough([away] * 3, (), ("redirected",))
    assert not enough([proxied_a, away], ("a", "b"), ("proxied", "redirected"))


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"url": "http://par-cas-01.contoso.example/owa/"}, "never sent in clear"),
        ({"url": "https://par-cas-01.contoso.example:x/owa/"}, "is not an address"),
        ({"url": "https://par-cas-01.contoso.example/ecp/"}, "does not end in /owa/"),
        ({"http_proxy": "proxy:8080"}, "is not an http address"),
        ({"http_proxy": "https://proxy:8080"}, "is not an http address"),
        ({"http_proxy": "http://proxy:99999"}, "is not an address"),
        ({"attempts": 0}, "less than 1"),
        ({"timeout": 0}, "less than 1"),
        ({"expect": []}, "at least one"),
    ],
)
def test_bad_arguments_are_told(owa_probe, change, complaint):
    good = {"url": BASE, "http_proxy": None, "attempts": 12, "timeout": 30, "expect": ["served"]}
    assert owa_probe.check_arguments(good) is None
    assert complaint in owa_probe.check_arguments({**good, **change})
