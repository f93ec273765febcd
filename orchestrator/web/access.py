"""Who may do what: a token, sessions made from it, and what proves that a request is meant.

Nothing is stored: a session is a signature by the token over the moment it ends, so a page stays
signed in over a restart of the server if the token stays the same.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
import stat
import time
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import OrchestratorError

SESSION_SECONDS = 12 * 3600
"""A night and the morning after."""

_SHORTEST = 20


def new_token() -> str:
    """A token nobody can guess: 256 bits."""
    return secrets.token_urlsafe(32)


def read_token(path: Path) -> str:
    """A token from a file only its owner can read.

    Raises
    ------
    OrchestratorError
        If others can read it, or it is too short to be safe.
    """
    try:
        mode = path.stat().st_mode
        token = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise OrchestratorError(f"the token file {path} cannot be read: {error}") from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise OrchestratorError(f"the token file {path} can be read by others", f"chmod 600 {path}")
    if len(token) < _SHORTEST:
        raise OrchestratorError(
            f"the token in {path} has {len(token)} characters; {_SHORTEST} are the least",
            f"make one: (umask 077; python3 -c 'import secrets; print(secrets.token_urlsafe())' "
            f"> {path})",
        )
    return token


def is_loopback(host: str) -> bool:
    """Whether an address to listen on can be reached from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True)
class Access:
    """What a server asks of a request.

    Parameters
    ----------
    token : str
    read_needs_token : bool
        Whether even looking needs it.
    """

    token: str
    read_needs_token: bool

    def accepts(self, given: str) -> bool:
        """Whether a text is the token; takes as long for a wrong one."""
        return hmac.compare_digest(given.encode(), self.token.encode())

    def session(self, now: float | None = None) -> str:
        """A new session, for a cookie."""
        ends = str(int((time.time() if now is None else now) + SESSION_SECONDS))
        return f"{ends}.{self._sign('session', ends)}"

    def holds(self, session: str, now: float | None = None) -> bool:
        """Whether a session was made with this token and has not ended."""
        ends, _, signature = session.partition(".")
        if not hmac.compare_digest(signature.encode(), self._sign("session", ends).encode()):
            return False
        return int(ends) > (time.time() if now is None else now)

    def csrf(self, session: str) -> str:
        """What a page of this session says with every request that changes something."""
        return self._sign("csrf", session)

    def meant(self, session: str, given: str) -> bool:
        """Whether a request comes from a page of this session."""
        return hmac.compare_digest(given.encode(), self.csrf(session).encode())

    def _sign(self, purpose: str, text: str) -> str:
        return hmac.new(
            self.token.encode(), f"{purpose}|{text}".encode(), hashlib.sha256
        ).hexdigest()
