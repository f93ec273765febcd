"""The OWA front of one Client Access server: log-on, own mailboxes, and the way to others'."""

from __future__ import annotations

import asyncio
import hmac
import secrets
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote, urlsplit

from orchestrator.lab import cookies
from orchestrator.lab.owa import pages
from orchestrator.lab.owa.session import Session
from orchestrator.lab.owa.source import Source
from orchestrator.lab.wire.http import Headers, Request, Response

if TYPE_CHECKING:
    from orchestrator.lab.farm import Mailbox
    from orchestrator.lab.owa.source import Forward
    from orchestrator.lab.world import World

_SESSIONS_KEPT = 20_000
USER_HEADER = "x-lab-user"


class OwaFront:
    """OWA on one server.

    Args:
        ticket: what servers of the farm show each other, the lab's stand-in for Kerberos.
        forward: asks another server over HTTP.
    """

    def __init__(self, world: World, name: str, ticket: str, forward: Forward) -> None:
        self._world = world
        self._server = world.farm.servers[name]
        self._ticket = ticket
        self._source = Source(world, self._server, ticket, forward)
        self._sessions: dict[str, Session] = {}
        self._contexts: dict[str, str] = {}

    def forget(self) -> None:
        """Drop all sessions, as IIS does when it stops."""
        self._sessions.clear()
        self._contexts.clear()

    def refused(self, client: str) -> None:
        """Note that a user could not connect because IIS is down."""
        self._source.log(client, mailbox="", outcome="unavailable", text="connection refused")

    def holds_session(self, request: Request) -> bool:
        """Whether a request belongs to a user who has logged on here."""
        return request.cookies().get("sessionid", "") in self._sessions

    def account(self, request: Request, peer: str | None) -> str:
        """Who asks, as IIS logs it: a user by name, another server by its machine account.

        Args:
            peer: the server that asks on behalf of a user, `None` for a user.
        """
        domain = self._world.farm.domain.partition(".")[0].upper()
        if peer is not None:
            return f"{domain}\\{peer.upper()}$"
        session = self._sessions.get(request.cookies().get("sessionid", ""))
        return f"{domain}\\{session.mailbox.address.partition('@')[0]}" if session else ""

    async def handle(self, request: Request, *, host: str, client: str) -> Response:
        """Answer one request of a user or of another server.

        Args:
            host: name in the URL, for redirections to the front itself.
            client: who asks, for the log.
        """
        await asyncio.sleep(self._world.seconds("page"))
        if self._world.machine(self._server.name).in_service["owa"]["state"] != "in":
            # The application pool is stopped; IIS itself answers.
            return pages.error(503, "Service Unavailable", ())
        url = urlsplit(request.target)
        path = url.path.lower()
        if path == pages.PROXY_LOGON.lower():
            return self._proxy_logon(request)
        if path == pages.LOGON_FORM and request.method == "POST":
            return self._logon(request, host, client)
        if path == pages.LOGON:
            query = parse_qs(url.query)
            destination = query.get("url", [f"https://{host}/owa/"])[0]
            return pages.logon_form(destination, query.get("reason", ["0"])[0])
        if path in ("/owa", "/owa/"):
            return await self._mailbox(request, host, client)
        return pages.error(404, "Not found", self._own_headers())

    def _own_headers(self) -> Headers:
        build = self._world.machine(self._server.name).build
        named = (("X-DiagInfo", self._server.name.upper()),)
        absent = self._world.switches["diag_header"] == "absent"
        return (("X-OWA-Version", str(build)), *(() if absent else named))

    # ---- log-on -----------------------------------------------------------------------------

    def _logon(self, request: Request, host: str, client: str) -> Response:
        form = request.form()
        own = f"https://{host}/owa/"
        destination = form.get("destination", own)
        if urlsplit(destination).netloc.lower() not in ("", host, f"{host}:443"):
            destination = own
        name = form.get("username", "")
        mailbox = self._find(name)
        if mailbox is None or not self._password_fits(mailbox, form.get("password", "")):
            self._source.log(client, mailbox=name, outcome="denied", text="credentials refused")
            location = f"https://{host}{pages.LOGON}?url={quote(destination, safe='')}&reason=2"
            return pages.go_to(location)
        token = secrets.token_urlsafe(16)
        if len(self._sessions) >= _SESSIONS_KEPT:
            self._sessions.pop(next(iter(self._sessions)))
        self._sessions[token] = Session(mailbox)
        headers = tuple(
            ("Set-Cookie", f"{name}={value}; path=/; secure; HttpOnly")
            for name, value in (("sessionid", token), ("cadata", secrets.token_urlsafe(16)))
        )
        return pages.go_to(destination, headers)

    def _find(self, name: str) -> Mailbox | None:
        """A mailbox by address or by DOMAIN\\alias."""
        alias = name.lower().rpartition("\\")[2]
        address = alias if "@" in alias else f"{alias}@{self._world.farm.domain}"
        return self._world.farm.mailboxes.get(address)

    def _password_fits(self, mailbox: Mailbox, password: str) -> bool:
        right = self._world.store.secret(f"mailboxes/{mailbox.address}.password")
        return hmac.compare_digest(right.encode(), password.encode())

    # ---- pages ------------------------------------------------------------------------------

    async def _mailbox(self, request: Request, host: str, client: str) -> Response:
        user = request.header(USER_HEADER)
        if user is not None:
            return self._proxied_mailbox(request, user)
        session = self._sessions.get(request.cookies().get("sessionid", ""))
        if session is None:
            destination = quote(f"https://{host}/owa/", safe="")
            return pages.go_to(f"https://{host}{pages.LOGON}?url={destination}&reason=0")
        return await self._source.open(session, client, self._own_headers())

    # ---- as target of a proxy request -------------------------------------------------------

    def _proxy_logon(self, request: Request) -> Response:
        address = request.header(USER_HEADER) or ""
        if not self._trusted(request) or not self._holds(address):
            return pages.error(401, "Not authorised", self._own_headers())
        build = self._world.machine(self._server.name).build
        switches = self._world.switches
        version = cookies.issued_by(build, str(switches["ru2_fix"]), str(switches["sp1_ru7"]))
        token = secrets.token_urlsafe(12)
        if len(self._contexts) >= _SESSIONS_KEPT:
            self._contexts.pop(next(iter(self._contexts)))
        self._contexts[token] = address
        cookie = ("Set-Cookie", f"UserContext=v{version}.{token}; path=/; secure; HttpOnly")
        moments = self._world.proxied_logons.setdefault(self._server.name, [])
        moments.append(self._world.clock())
        # 241 is the private status with which targets accept a proxied log-on.
        return Response(241, (cookie, *self._own_headers()), reason="Proxy logon accepted")

    def _proxied_mailbox(self, request: Request, address: str) -> Response:
        context = request.cookies().get("UserContext", "").partition(".")[2]
        if not self._trusted(request) or self._contexts.pop(context, None) != address:
            return pages.error(401, "Not authorised", self._own_headers())
        return pages.mailbox(address, self._own_headers())

    def _trusted(self, request: Request) -> bool:
        shown = request.header("authorization") or ""
        return hmac.compare_digest(shown, f"Lab {self._ticket}")

    def _holds(self, address: str) -> bool:
        mailbox = self._world.farm.mailboxes.get(address)
        return mailbox is not None and (mailbox.site, mailbox.line) == (
            self._server.site,
            self._server.line,
        )
