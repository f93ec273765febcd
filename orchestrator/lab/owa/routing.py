"""What a Client Access server does with a user whose mailbox is in some pool.

Written from the published behaviour of Exchange 2007 and 2010, apart from the product's own
routing on purpose: the lab must not prove the product with the product's code.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestrator.lab.farm import Mailbox, Server


class Way(enum.Enum):
    """How the user gets to the mailbox."""

    LOCAL = "local"
    SILENT_REDIRECT = "silent redirect"
    MANUAL_REDIRECT = "manual redirect"
    PROXY = "proxy"
    IMPOSSIBLE = "impossible"


def decide(source: Server, redirect_type: str, mailbox: Mailbox, external_url: str) -> Way:
    """Choose the way for one user.

    Args:
        redirect_type: CrossSiteRedirectType of the source, `Manual` or `Silent`.
        external_url: of the target the source has picked, as the source's site knows it.
    """
    if source.site == mailbox.site and source.line == mailbox.line:
        return Way.LOCAL
    if source.line == "2007" and mailbox.line != "2007":
        return Way.IMPOSSIBLE
    if source.site == mailbox.site:
        return Way.SILENT_REDIRECT if external_url else Way.IMPOSSIBLE
    if external_url:
        return Way.SILENT_REDIRECT if redirect_type == "Silent" else Way.MANUAL_REDIRECT
    return Way.PROXY
