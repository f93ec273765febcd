"""Whether a source CAS answers itself, redirects or proxies: the decision table as a function.

Source of the table: TechNet bb310763 "Understanding Proxying and Redirection" [doc], and for 2007
mailboxes behind a 2010 source third-party write-ups [field].
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from orchestrator.model.build import PRODUCT_LINES
from orchestrator.model.state import AccessMode

if TYPE_CHECKING:
    from orchestrator.model.topology import PoolId, Protocol

_AGE = {line: position for position, line in enumerate(PRODUCT_LINES)}


class Route(StrEnum):
    """What becomes of a request that arrives at the source for a mailbox of the target."""

    LOCAL = "local"
    REDIRECT = "redirect"
    PROXY = "proxy"
    EITHER = "either"
    """The target's servers disagree about their ExternalURL: it is redirected or proxied."""
    IMPOSSIBLE = "impossible"
    """The source can neither redirect nor proxy it; users get an error."""

    @property
    def may_proxy(self) -> bool:
        """Whether proxying, and so every compatibility rule, can come into play."""
        return self in {Route.PROXY, Route.EITHER}


@dataclass(frozen=True)
class Decision:
    """A route with the row of the table it rests on and how sure that row is."""

    route: Route
    reason: str
    confidence: str


def route(source: PoolId, target: PoolId, protocol: Protocol, mode: AccessMode) -> Decision:
    """Decide how the source reaches a mailbox of the target.

    Parameters
    ----------
    source, target : PoolId
    protocol : Protocol
    mode : AccessMode
        Of the target's label.
    """
    if source == target:
        return Decision(Route.LOCAL, "the mailbox is in the source's own pool", "doc")
    if _AGE[source.product_line] < _AGE[target.product_line]:
        return Decision(
            Route.IMPOSSIBLE,
            f"Exchange {source.product_line} never proxies up to {target.product_line}",
            "doc",
        )
    if source.site == target.site:
        return _same_site(mode)
    if not protocol.can_redirect or mode is AccessMode.PROXY:
        why = "no ExternalURL" if protocol.can_redirect else f"{protocol} cannot be redirected"
        return Decision(Route.PROXY, f"mailbox in another site, {why}: proxied", "doc")
    if mode is AccessMode.REDIRECT:
        return Decision(Route.REDIRECT, "mailbox in another site with an ExternalURL", "doc")
    return Decision(
        Route.EITHER, "only some servers of the target pool have an ExternalURL", "infer"
    )


def _same_site(mode: AccessMode) -> Decision:
    if mode is AccessMode.REDIRECT:
        return Decision(
            Route.REDIRECT, "older mailbox in the same site: silent redirect to its URL", "doc"
        )
    return Decision(
        Route.IMPOSSIBLE,
        "older mailbox in the same site, and its pool has no ExternalURL on every server: "
        "there is no proxying inside a site to fall back to",
        "doc",
    )
