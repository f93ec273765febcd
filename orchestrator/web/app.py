"""The application: routes, and what stands before them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from orchestrator.web.asking import asking_routes
from orchestrator.web.guard import Guard
from orchestrator.web.reading import reading_routes
from orchestrator.web.site import Site

STATIC = Path(__file__).parent / "static"


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
