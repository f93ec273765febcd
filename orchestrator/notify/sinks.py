"""Where notifications go: URLs from a file only its owner can read; the only import of apprise."""

from __future__ import annotations

import logging
import stat
import warnings
from collections.abc import Callable
from pathlib import Path

from orchestrator.errors import OrchestratorError

Send = Callable[[str, str], bool]
"""Sends title and body; says whether it arrived. May take its time, may raise."""


def read_urls(file: Path, decrypt: Callable[[str], str] = str) -> list[str]:
    """The URLs of a file, one a line; blank lines and lines that begin with ``#`` are none.

    They may hold tokens, so they are never shown: not in errors, plans, journals or logs.

    Parameters
    ----------
    file : Path
    decrypt : callable
        From what the file holds to its clear text. Anybody may read a file that it changes.

    Raises
    ------
    OrchestratorError
        If the file cannot be read, others can read it, or it holds no URL.
    """
    try:
        mode = file.stat().st_mode
        stored = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        said = error.strerror if isinstance(error, OSError) else "it is no text"
        raise OrchestratorError(f"--notify {file}: cannot be read: {said}") from error
    text = decrypt(stored)
    if text == stored and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise OrchestratorError(
            f"--notify {file}: others can read it, and its URLs may hold tokens",
            f"chmod 600 {file}, or ansible-vault encrypt {file}",
        )
    lines = [line.strip() for line in text.splitlines()]
    urls = [line for line in lines if line and not line.startswith("#")]
    if not urls:
        raise OrchestratorError(
            f"--notify {file}: it holds no URL",
            "write one apprise URL a line, e.g. mailtos://... (github.com/caronc/apprise/wiki)",
        )
    return urls


def sinks(urls: list[str]) -> list[Send]:
    """One sender per URL.

    Raises
    ------
    OrchestratorError
        If the extra is not installed, or a URL is none that apprise knows; it is named by its
        number, as it may hold a token.
    """
    with warnings.catch_warnings():
        # It imports what Python has announced to remove, some of it only with the first URL.
        warnings.simplefilter("ignore", DeprecationWarning)
        return _sinks(urls)


def _sinks(urls: list[str]) -> list[Send]:
    try:
        import apprise
    except ImportError:
        raise OrchestratorError(
            "--notify needs the package apprise, which is not installed",
            "pip install 'exchange-proxy-orchestrator[notify]'",
        ) from None
    # It logs what it sends and where.
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    found: list[Send] = []
    for number, url in enumerate(urls, start=1):
        sink = apprise.Apprise()
        if not sink.add(url):
            raise OrchestratorError(
                f"--notify: URL number {number} is none that apprise knows",
                "see github.com/caronc/apprise/wiki for the forms there are",
            )
        found.append(_sender(sink))
    return found


def _sender(sink: object) -> Send:
    def send(title: str, body: str) -> bool:
        return bool(sink.notify(title=title, body=body))  # type: ignore[attr-defined]

    return send
