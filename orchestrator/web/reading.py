"""What a page reads: the scene, the stream of updates, moments of the past, logs of steps."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from orchestrator.drawing import legend_svg, style
from orchestrator.model.topology import Protocol
from orchestrator.web.folder import frames
from orchestrator.web.news import entry_row
from orchestrator.web.tasklog import AttemptLog

if TYPE_CHECKING:
    from orchestrator.web.site import Site

RETRY_MILLISECONDS = 1000
"""How soon a page looks for the server again after it has gone."""


def reading_routes(site: Site) -> list[Route]:
    """Routes that change nothing."""

    async def scene(_: Request) -> Response:
        mode = "replay" if site.actions is None else "live"
        return _json({**site.folder.scene, "mode": mode, "what_if": site.what_if is not None})

    async def events(request: Request) -> Response:
        last = request.headers.get("last-event-id", "0")
        after = min(int(last), len(site.folder.entries)) if last.isdigit() else 0
        return StreamingResponse(_stream(site, after), media_type="text/event-stream")

    async def frames_(_: Request) -> Response:
        return _json(
            {
                "frames": frames(site.folder.entries),
                "journal": [row for e in site.folder.entries if (row := entry_row(e))],
            }
        )

    async def at(request: Request) -> Response:
        return _json(await asyncio.to_thread(site.folder.standing_at, _seq(site, request)))

    async def graph(request: Request) -> Response:
        name = request.path_params["protocol"]
        if name not in site.folder.scene["protocols"]:
            raise HTTPException(404, "nothing is proxied by that protocol")
        seq = _seq(site, request)
        return _svg(await asyncio.to_thread(site.folder.graph, Protocol(name), seq))

    async def gantt(request: Request) -> Response:
        return _svg(await asyncio.to_thread(site.folder.gantt, _seq(site, request)))

    async def legend(_: Request) -> Response:
        return _svg(legend_svg())

    async def drawing_style(_: Request) -> Response:
        return Response(style(), media_type="text/css")

    async def log(request: Request) -> Response:
        step, attempt = request.path_params["step"], request.path_params["attempt"]
        folder = site.folder.attempt_folder(step, attempt)
        # an attempt that was cut off before it had a process left nothing behind
        lines, probes = await asyncio.to_thread(AttemptLog(folder).news) if folder else ([], [])
        return _json(
            {
                "tasks": [[step, *line.row()] for line in lines],
                "probes": [[step, *probe.row()] for probe in probes],
            }
        )

    return [
        Route("/api/scene", scene),
        Route("/api/events", events),
        Route("/api/frames", frames_),
        Route("/api/at", at),
        Route("/api/graph/{protocol}.svg", graph),
        Route("/api/gantt.svg", gantt),
        Route("/api/legend.svg", legend),
        Route("/drawing.css", drawing_style),
        Route("/api/steps/{step}/{attempt:int}", log),
    ]


def _seq(site: Site, request: Request) -> int:
    """The entry a request asks about: everything after it has not happened yet."""
    text = request.query_params.get("seq", "")
    if not text.isdigit() or int(text) > len(site.folder.entries):
        raise HTTPException(404, "there is no such entry")
    return int(text)


async def _stream(site: Site, after: int) -> AsyncIterator[str]:
    yield f"retry: {RETRY_MILLISECONDS}\n\n"
    async for update in site.feed.updates(after):
        if not update:
            yield ": still here\n\n"
            continue
        # JSON holds no line break, so it is one line of the stream
        yield f"id: {update['seq']}\nevent: update\ndata: {_text(update)}\n\n"


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _svg(text: str) -> Response:
    return Response(text, media_type="image/svg+xml")


def _json(value: Any) -> Response:
    return Response(_text(value), media_type="application/json")
