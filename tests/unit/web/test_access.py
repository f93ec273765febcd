"""Tokens, sessions and what proves that a request is meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.errors import OrchestratorError
from orchestrator.web.access import (
    SESSION_SECONDS,
    Access,
    is_loopback,
    new_token,
    read_token,
)


def test_a_session_is_good_for_a_night_and_for_one_token_only() -> None:
    access = Access(new_token(), read_needs_token=False)
    held = access.session(now=1000)
    assert access.holds(held, now=1000 + SESSION_SECONDS - 1)
    assert not access.holds(held, now=1000 + SESSION_SECONDS + 1)
    assert not Access(new_token(), read_needs_token=False).holds(held, now=1000)


@pytest.mark.parametrize("change", ["", "x", ".", "9999999999.", "9999999999.00", "a.b.c", "é.é"])
def test_a_session_somebody_made_up(change: str) -> None:
    access = Access(new_token(), read_needs_token=False)
    assert not access.holds(change)


def test_a_longer_session_needs_another_signature() -> None:
    access = Access(new_token(), read_needs_token=False)
    ends, _, signature = access.session(now=1000).partition(".")
    assert not access.holds(f"{int(ends) + 9999}.{signature}", now=1000)


def test_what_a_page_says_belongs_to_its_session() -> None:
    access = Access(new_token(), read_needs_token=False)
    mine, other = access.session(now=1000), access.session(now=2000)
    assert access.meant(mine, access.csrf(mine))
    assert not access.meant(mine, access.csrf(other))
    assert not access.meant(mine, "")
    assert not access.meant(mine, "é")


def test_a_token_is_taken_whole() -> None:
    access = Access("correct horse battery staple", read_needs_token=False)
    assert access.accepts("correct horse battery staple")
    for wrong in ("", "correct", "correct horse battery stapleX", "ünicode"):
        assert not access.accepts(wrong)


def test_a_token_file_others_can_read(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text(new_token())
    path.chmod(0o644)
    with pytest.raises(OrchestratorError, match="read by others") as caught:
        read_token(path)
    assert caught.value.remedy == f"chmod 600 {path}"
    path.chmod(0o600)
    assert read_token(path) == path.read_text()
    path.write_text("short")
    with pytest.raises(OrchestratorError, match="5 characters"):
        read_token(path)
    with pytest.raises(OrchestratorError, match="cannot be read"):
        read_token(tmp_path / "absent")


@pytest.mark.parametrize(
    ("host", "here"),
    [
        *[(name, True) for name in ("127.0.0.1", "localhost", "::1", "[::1]", "127.8.8.8")],
        *[(name, False) for name in ("::", "10.0.0.1", "jump.example", "")],
    ],
)
def test_what_can_be_reached_from_this_machine_only(host: str, *, here: bool) -> None:
    assert is_loopback(host) is here
