"""A log-on: what a server remembers of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestrator.lab.farm import Mailbox


@dataclass
class Session:
    """A logged-on user; `target` is the server that was found for the mailbox."""

    mailbox: Mailbox
    target: str | None = None
