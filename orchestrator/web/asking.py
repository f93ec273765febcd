"""What a page asks for: to be signed in, to approve, to pause, to resume, and what if."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from orchestrator.errors import OrchestratorError
from orchestrator.web.access import SESSION_SECONDS
from orchestrator.web.guard import refuse

if TYPE_CHECKING:
    from orchestrator.web.site import Site

_LONGEST_BODY = 200_000
_LONGEST_NAME = 80
CSRF = "x-csrf-token"


class _Refused(Exception):
    def __init__(self, answer: JSONResponse) -> None:
        super().__init__()
        self.answer = answer


def asking_routes(site: Site) -> list[Route]:
    """Routes that need the token, but for the one that takes it and the one that only thinks."""

    async def session(request: Request) -> Response:
        held = str(request.scope["session_text"])
        return JSONResponse(
            {
                "signed_in": bool(held),
                "csrf": site.access.csrf(held) if held else "",
                "needed": site.access.read_needs_token,
                "can_resume": bool(site.actions and site.actions.resume_options is not None),
            }
        )

    async def sign_in(request: Request) -> Response:
        given = await _body(request)
        if not site.access.accepts(str(given.get("token", ""))):
            return refuse(403, "that is not the token the server printed when it was started")
        held = site.access.session()
        answer = JSONResponse({"signed_in": True, "csrf": site.access.csrf(held)})
        answer.set_cookie(
            site.cookie, held, max_age=SESSION_SECONDS, httponly=True, samesite="strict",
            secure=site.secure,
        )  # fmt: skip
        return answer

    async def approve(request: Request) -> Response:
        actions, by, given = await _asked(site, request)
        await _do(lambda: actions.approve(str(given.get("digest", "")), by, _from(request)))
        return JSONResponse({"said": f"Approved by {by}; written to the journal"})

    async def pause(request: Request) -> Response:
        actions, by, _ = await _asked(site, request)
        await _do(lambda: actions.pause(by, _from(request)))
        return JSONResponse({"said": "Asked: the run stops before its next step"})

    async def resume(request: Request) -> Response:
        actions, _, _ = await _asked(site, request)
        await _do(actions.resume)
        # what it refuses, it refuses after reading the farm; the page asks again for that
        return JSONResponse({"said": "Begun: the farm is read first"})

    async def refusal(_: Request) -> Response:
        return JSONResponse({"refusal": site.actions.refusal() if site.actions else ""})

    async def what_if(request: Request) -> Response:
        if site.what_if is None:
            return refuse(404, "this server answers no questions")
        given = await _body(request)
        return JSONResponse(await site.what_if.ask(given))

    async def picture(request: Request) -> Response:
        number, name = request.path_params["number"], request.path_params["name"]
        text = site.what_if.picture(number, name) if site.what_if else None
        if text is None:
            return refuse(404, "that picture is not kept any more")
        return Response(text, media_type="image/svg+xml")

    async def guarded(request: Request, call: Callable[[Request], Any]) -> Response:
        try:
            return await call(request)  # type: ignore[no-any-return]
        except _Refused as refused:
            return refused.answer
        except OrchestratorError as error:
            return JSONResponse({"error": error.message, "remedy": error.remedy}, status_code=409)

    def route(path: str, call: Callable[[Request], Any], method: str = "POST") -> Route:
        async def answer(request: Request) -> Response:
            return await guarded(request, call)

        return Route(path, answer, methods=[method])

    return [
        route("/api/session", session, "GET"),
        route("/api/session", sign_in),
        route("/api/approve", approve),
        route("/api/pause", pause),
        route("/api/resume", resume),
        route("/api/resume", refusal, "GET"),
        route("/api/what-if", what_if),
        route("/api/what-if/{number:int}/{name}.svg", picture, "GET"),
    ]


async def _asked(site: Site, request: Request) -> tuple[Any, str, dict[str, Any]]:
    """Who asks for something that changes something; refuses whoever may not."""
    if site.actions is None:
        raise _Refused(refuse(409, "a replay shows what was; there is nothing to do"))
    held = str(request.scope["session_text"])
    if not held:
        raise _Refused(refuse(401, "sign in with the token first"))
    if not site.access.meant(held, request.headers.get(CSRF, "")):
        raise _Refused(refuse(403, "this request does not come from the page; load it again"))
    given = await _body(request)
    by = " ".join(str(given.get("by", "")).split())
    if not by or len(by) > _LONGEST_NAME:
        raise _Refused(refuse(422, f"say who you are, in at most {_LONGEST_NAME} characters"))
    return site.actions, by, given


async def _do(call: Callable[[], None]) -> None:
    await asyncio.to_thread(call)


async def _body(request: Request) -> dict[str, Any]:
    # only JSON: a form of another site cannot send it without asking first
    if request.headers.get("content-type", "").partition(";")[0] != "application/json":
        raise _Refused(refuse(415, "only JSON is understood"))
    text = b""
    async for part in request.stream():
        text += part
        if len(text) > _LONGEST_BODY:
            raise _Refused(refuse(413, "that is too long"))
    try:
        given = json.loads(text)
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise _Refused(refuse(422, "that is not a JSON object"))
    return given


def _from(request: Request) -> str:
    return request.client.host if request.client else "unknown"
