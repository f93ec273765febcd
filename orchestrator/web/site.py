"""What the pages of one plan folder need, put together by the command line."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from orchestrator.web.access import Access
from orchestrator.web.actions import Actions
from orchestrator.web.child import Child
from orchestrator.web.feed import Feed
from orchestrator.web.folder import PlanFolder


@dataclass
class Site:
    """Everything the pages of one plan folder need.

    Parameters
    ----------
    folder : PlanFolder
    access : Access
    hosts : collection of str
        Names by which the server may be addressed.
    cookie : str
        Name of the session's cookie.
    secure : bool
        Whether it is served over TLS.
    actions : Actions or None
        None for a replay: it cannot do anything.
    what_if : Child or None
        Answers the questions of the what-if page.
    """

    folder: PlanFolder
    access: Access
    hosts: Collection[str]
    cookie: str
    secure: bool = False
    actions: Actions | None = None
    what_if: Child | None = None
    feed: Feed = field(init=False)

    def __post_init__(self) -> None:
        self.feed = Feed(self.folder)
