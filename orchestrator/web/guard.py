"""What stands before every request: names it may come by, what a browser may do with the answer.

The order matters: a request under a foreign host name (DNS rebinding) is refused before anything
else is looked at.
"""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from orchestrator.web.access import Access

HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "cache-control": "no-store",
}

OPEN = frozenset({"/", "/what-if", "/drawing.css", "/api/session"})
"""Readable without a token even where reading needs one: they hold nothing of the farm."""


class Guard:
    """ASGI middleware.

    Parameters
    ----------
    app : ASGIApp
    access : Access
    hosts : collection of str
        Names by which the server may be addressed, without port.
    cookie : str
        Name of the session's cookie.
    """

    def __init__(self, app: ASGIApp, access: Access, hosts: Collection[str], cookie: str) -> None:
        self._app = app
        self._access = access
        self._hosts = frozenset(name.lower().strip("[]") for name in hosts)
        self._cookie = cookie

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        refused = self._refusal(scope)
        if refused is not None:
            await refused(scope, receive, send_guarded)
            return
        await self._app(scope, receive, send_guarded)

    def _refusal(self, scope: Scope) -> JSONResponse | None:
        headers = Headers(scope=scope)
        if _host_name(headers.get("host", "")) not in self._hosts:
            return refuse(421, "this server does not answer to that name; see --host-name")
        if scope["method"] not in {"GET", "HEAD"} and not _same_origin(scope, headers):
            return refuse(403, "this request comes from another site")
        session = HTTPConnection(scope).cookies.get(self._cookie, "")
        signed_in = self._access.holds(session) if session else False
        scope["session_text"] = session if signed_in else ""
        public = scope["path"] in OPEN or scope["path"].startswith("/static/")
        if self._access.read_needs_token and not signed_in and not public:
            return refuse(401, "sign in with the token the server printed when it was started")
        return None


def refuse(status: int, why: str) -> JSONResponse:
    """An answer that says why not."""
    return JSONResponse({"error": why}, status_code=status)


def _host_name(host: str) -> str:
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


def _same_origin(scope: Scope, headers: Headers) -> bool:
    """Every browser sends Origin with a POST; what sends none is no page."""
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    if site not in {None, "same-origin"}:
        return False
    return origin is not None and origin == f"{scope['scheme']}://{headers.get('host', '')}"
