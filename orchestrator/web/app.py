"""The application: routes, and what stands before them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from orchestrator.web.access import Access
from orchestrator.web.actions import Actions
from orchestrator.web.asking import asking_routes
from orchestrator.web.child import Child
from orchestrator.web.feed import Feed
from orchestrator.web.folder import PlanFolder
from orchestrator.web.guard import Guard
from orchestrator.web.reading import reading_routes

STATIC = Path(__file__).parent / "static"


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


def application(site: Site) -> Starlette:
    """The ASGI application of one plan folder."""

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await asyncio.to_thread(site.feed.look)
        watching = asyncio.create_task(site.feed.watch())
        try:
            yield
        finally:
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watching
            site.folder.close()
            if site.what_if is not None:
                await site.what_if.close()

    guard = Middleware(Guard, access=site.access, hosts=site.hosts, cookie=site.cookie)
    return Starlette(
        routes=[
            Route("/", _page("live.html")),
            Route("/what-if", _page("what-if.html")),
            *reading_routes(site),
            *asking_routes(site),
            Mount("/static", StaticFiles(directory=STATIC)),
        ],
        middleware=[guard],
        lifespan=lifespan,
    )


def _page(name: str) -> Callable[[Request], Awaitable[FileResponse]]:
    async def page(_: Request) -> FileResponse:
        return FileResponse(STATIC / name, media_type="text/html; charset=utf-8")

    return page
