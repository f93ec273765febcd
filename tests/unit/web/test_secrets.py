"""What looks like a secret is not shown, and what does not is."""

from __future__ import annotations

import pytest

from orchestrator.web.secrets import shown


@pytest.mark.parametrize(
    "text",
    [
        "https://admin:hunter2hunter2@files.example/x.msp is not there",
        "password=hunter2hunter2 was refused",
        "exchange_test_mailbox_password: hunter2hunter2",
        '{"ansible_password": "hunter2hunter2", "x": 1}',
        "Authorization: Negotiate aHVudGVyMmh1bnRlcjI=hunter2hunter2",
        "401 after Basic YWRhOmh1bnRlcjI=hunter2hunter2",
        "Set-Cookie: sessionid=hunter2hunter2; path=/",
        "api_key = hunter2hunter2",
        "$ANSIBLE_VAULT;1.1;AES256\nhunter2hunter2",
        "-----BEGIN PRIVATE KEY-----\nhunter2hunter2\n-----END PRIVATE KEY-----",
    ],
)
def test_hidden(text: str) -> None:
    assert "hunter2hunter2" not in shown(text)


@pytest.mark.parametrize(
    "text",
    [
        "ber-cas-01: build 14.2.283.3, expected 14.2.298.4",
        "broken: Invalid user context cookie found in proxy response (12 of 12 tries)",
        "https://mail-madrid.contoso.example/owa answers 401",
        "1603 from msiexec /i \\\\files\\Exchange2010-SP2-RU2.msp",
    ],
)
def test_shown(text: str) -> None:
    assert shown(text) == text


def test_a_long_text_is_cut() -> None:
    assert len(shown("x" * 10_000)) == 601
