"""NTLM log-on and message encryption for one connection, as WinRM speaks it over HTTP."""

from __future__ import annotations

import base64
import os
import re
import struct
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import spnego
from spnego.exceptions import SpnegoError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_BOUNDARY = "Encrypted Boundary"
_PROTOCOL = "application/HTTP-SPNEGO-session-encrypted"
_ORIGINAL = "OriginalContent: type=application/soap+xml;charset=UTF-8;Length="

# pyspnego takes its user file from the environment of the process; the lock keeps two labs in
# one process from seeing each other's.
_user_file_lock = threading.Lock()


@dataclass(frozen=True)
class Granted:
    """The client is who it says; these headers go with the answer."""

    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Refused:
    """Not (yet) logged on: answer 401 with these headers."""

    headers: tuple[tuple[str, str], ...]


_OFFER = (("WWW-Authenticate", "Negotiate"), ("WWW-Authenticate", "NTLM"))


class NtlmSession:
    """The security context of one connection."""

    def __init__(self, user_file: Path) -> None:
        self._user_file = user_file
        self._context: spnego.ContextProxy | None = None

    @property
    def complete(self) -> bool:
        """Whether the client has proved who it is."""
        return self._context is not None and self._context.complete

    def check(self, authorization: str | None) -> Granted | Refused:
        """Take the next step of the log-on with the `Authorization` header of a request."""
        scheme, _, text = (authorization or "").partition(" ")
        if not text or scheme.lower() not in ("negotiate", "ntlm"):
            return Granted() if self.complete else Refused(_OFFER)
        try:
            token = base64.b64decode(text, validate=True)
            answer = self._step(token)
        except (ValueError, SpnegoError):
            self._context = None
            return Refused(_OFFER)
        headers: tuple[tuple[str, str], ...] = ()
        if answer:
            headers = (("WWW-Authenticate", f"{scheme} {base64.b64encode(answer).decode()}"),)
        return Granted(headers) if self.complete else Refused(headers)

    def _step(self, token: bytes) -> bytes | None:
        with _users(self._user_file):
            if self._context is None or self._context.complete:
                if token.startswith(b"NTLMSSP\0"):
                    protocol, provider = "ntlm", spnego.NegotiateOptions.use_ntlm
                else:
                    protocol, provider = "negotiate", spnego.NegotiateOptions.use_negotiate
                self._context = spnego.server(protocol=protocol, options=provider)
            return self._context.step(token)

    def decrypt(self, content_type: str, body: bytes) -> bytes:
        """Open an encrypted request body.

        Raises:
            ValueError: the body is not what its content type says, or fails its check.
        """
        if self._context is None:
            raise ValueError("encrypted message before log-on")
        found = re.search(r'boundary="?([^";]+)"?', content_type)
        if found is None:
            raise ValueError("no boundary in the content type")
        parts = re.split(rb"--\s*" + re.escape(found[1].encode()) + rb"(?:--)?\r\n", body)
        blocks = [part for part in parts if part]
        plain = b""
        for head, payload in zip(blocks[::2], blocks[1::2], strict=True):
            expected = int(head.strip().rsplit(b"Length=", 1)[1])
            sealed = payload.removeprefix(b"\tContent-Type: application/octet-stream\r\n")
            size = struct.unpack("<i", sealed[:4])[0]
            try:
                piece = self._context.unwrap_winrm(sealed[4 : 4 + size], sealed[4 + size :])
            except SpnegoError as error:
                raise ValueError(f"message does not open: {error}") from error
            if len(piece) != expected:
                raise ValueError("message has another length than it says")
            plain += piece
        return plain

    def encrypt(self, body: bytes) -> tuple[str, bytes]:
        """Close an answer; gives its content type and body."""
        if self._context is None:
            raise ValueError("encrypted message before log-on")
        sealed = self._context.wrap_winrm(body)
        head = "\r\n".join(
            (
                f"--{_BOUNDARY}",
                f"\tContent-Type: {_PROTOCOL}",
                f"\t{_ORIGINAL}{len(body) + sealed.padding_length}",
                f"--{_BOUNDARY}",
                "\tContent-Type: application/octet-stream",
                "",
            )
        ).encode()
        size = struct.pack("<i", len(sealed.header))
        content = head + size + sealed.header + sealed.data + f"--{_BOUNDARY}--\r\n".encode()
        return f'multipart/encrypted;protocol="{_PROTOCOL}";boundary="{_BOUNDARY}"', content


@contextmanager
def _users(path: Path) -> Iterator[None]:
    with _user_file_lock:
        before = os.environ.get("NTLM_USER_FILE")
        os.environ["NTLM_USER_FILE"] = str(path)
        try:
            yield
        finally:
            if before is None:
                del os.environ["NTLM_USER_FILE"]
            else:
                os.environ["NTLM_USER_FILE"] = before
