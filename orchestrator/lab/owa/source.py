"""The way from a Client Access server to a mailbox: its own, a redirection, or a proxy request."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

from orchestrator.lab import cookies
from orchestrator.lab.builds import Build, parse_build
from orchestrator.lab.owa import pages, watson
from orchestrator.lab.owa.routing import Way, decide
from orchestrator.lab.wire.http import Headers, Request, Response

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from orchestrator.lab.farm import Mailbox, Server
    from orchestrator.lab.machine import Event
    from orchestrator.lab.owa.session import Session
    from orchestrator.lab.wire.http import ClientConnection
    from orchestrator.lab.world import World

_UNAVAILABLE = (502, 503)
_CONTEXT = re.compile(r"UserContext=v(\d+)\.([^;]+)")


class Forward(Protocol):
    """Opens a connection to another server of the farm."""

    def __call__(self, url: str) -> AbstractAsyncContextManager[ClientConnection]:
        """Connect to the host of an URL, on behalf of one server.

        Raises:
            OSError: it cannot be reached.
        """


class Unavailable(Exception):
    """A target that cannot be used now; the next one is tried."""


class Source:
    """One server as the front users come to."""

    def __init__(self, world: World, server: Server, ticket: str, forward: Forward) -> None:
        self._world = world
        self._server = server
        self._ticket = ticket
        self._forward = forward
        self._turn: dict[tuple[str, str], int] = {}

    async def open(self, session: Session, client: str, own_headers: Headers) -> Response:
        """Show a user the mailbox, or what stands in the way."""
        mailbox, server = session.mailbox, self._server
        if (mailbox.site, mailbox.line) == (server.site, server.line):
            return self._served(mailbox, client, own_headers)
        candidates = self._candidates(session)
        external = self._url(candidates[0], "external_url") if candidates else ""
        redirect_type = str(self._world.switches[f"redirect_type.{server.name}"])
        way = decide(server, redirect_type, mailbox, external)
        if not candidates or way is Way.IMPOSSIBLE:
            return self._impossible(mailbox, client, own_headers)
        if way in (Way.SILENT_REDIRECT, Way.MANUAL_REDIRECT):
            self.log(
                client,
                mailbox=mailbox.address,
                target=candidates[0],
                mode="redirect",
                outcome="redirect",
                text=external,
            )
            if way is Way.SILENT_REDIRECT:
                return pages.go_to(external, own_headers)
            return pages.use_this_address(external, own_headers)
        return await self._proxy(session, candidates, client, own_headers)

    def log(
        self,
        client: str,
        *,
        mailbox: str,
        outcome: str,
        target: str | None = None,
        mode: str | None = None,
        target_build: Build | None = None,
        text: str = "",
    ) -> None:
        """Write one user request to requests.jsonl."""
        world = self._world
        if target is not None and target_build is None:
            target_build = world.machine(target).build
        entry = {
            "client": client,
            "source": self._server.name,
            "target": target,
            "mailbox": mailbox,
            "mode": mode,
            "outcome": outcome,
            "source_build": str(world.machine(self._server.name).build),
            "target_build": str(target_build) if target_build is not None else None,
            "text": text,
        }
        world.requests.add(world.clock(), entry)

    def _candidates(self, session: Session) -> list[str]:
        """The servers to try, first the one of this session, else the next in turn."""
        pool = self._world.pool(session.mailbox.site, session.mailbox.line)
        if not pool:
            return []
        if session.target is None:
            key = (session.mailbox.site, session.mailbox.line)
            turn = self._turn.get(key, 0)
            self._turn[key] = turn + 1
            session.target = pool[turn % len(pool)]
        first = pool.index(session.target)
        return pool[first:] + pool[:first]

    def _url(self, target: str, attribute: str) -> str:
        return self._world.url(target, attribute, site=self._server.site)

    def _served(self, mailbox: Mailbox, client: str, headers: Headers) -> Response:
        name = self._server.name
        self.log(client, mailbox=mailbox.address, target=name, mode="local", outcome="ok")
        return pages.mailbox(mailbox.address, headers)

    def _impossible(self, mailbox: Mailbox, client: str, headers: Headers) -> Response:
        newer = self._server.line == "2007" and mailbox.line != "2007"
        text = pages.NEWER_MAILBOX if newer else pages.NO_SERVER
        self._record(watson.none_found(self._world.clock(), mailbox.site))
        self.log(client, mailbox=mailbox.address, mode="proxy", outcome="broken", text=text)
        return pages.error(500, text, headers)

    async def _proxy(
        self, session: Session, candidates: list[str], client: str, headers: Headers
    ) -> Response:
        address = session.mailbox.address
        for position, target in enumerate(candidates):
            url = self._url(target, "internal_url")
            try:
                answer, problem, build = await self._ask(url, address, client)
            except (OSError, Unavailable):
                if position + 1 < len(candidates):
                    next_url = self._url(candidates[position + 1], "internal_url")
                    self._record(watson.failed_over(self._world.clock(), url, next_url))
                continue
            session.target = target
            self.log(
                client,
                mailbox=address,
                target=target,
                mode="proxy",
                target_build=build,
                outcome="broken" if problem else "ok",
                text=problem,
            )
            return pages.error(500, problem, headers) if problem else answer
        session.target = None
        self._record(watson.all_failed(self._world.clock(), session.mailbox.site))
        self.log(
            client, mailbox=address, mode="proxy", outcome="unavailable", text=pages.ALL_FAILED
        )
        return pages.error(503, pages.ALL_FAILED, headers)

    async def _ask(self, url: str, address: str, client: str) -> tuple[Response, str, Build]:
        """Log on to a target and fetch the page; gives it, the problem if any, its build.

        Args:
            client: the user's browser, which is passed on.

        Raises:
            OSError: the target cannot be reached.
            Unavailable: it answers that it cannot serve now.
        """
        if not url:
            raise Unavailable
        headers = (
            ("host", url.split("/")[2]),
            ("authorization", f"Lab {self._ticket}"),
            ("x-lab-user", address),
            ("user-agent", client),
        )
        async with self._forward(url) as target:
            logon = await target.ask(Request("POST", pages.PROXY_LOGON, headers))
            if logon.status != 241:
                raise Unavailable
            build = parse_build(logon.header("x-owa-version") or "")
            context = _CONTEXT.search(logon.header("set-cookie") or "")
            problem = self._incompatible(build, int(context[1]) if context else 0, url)
            if problem or context is None:
                return logon, problem or pages.INVALID_COOKIE, build
            cookie = ("cookie", f"UserContext=v{context[1]}.{context[2]}")
            page = await target.ask(Request("GET", "/owa/", (*headers, cookie)))
        if page.status in _UNAVAILABLE:
            raise Unavailable
        kept = tuple(item for item in page.headers if item[0] not in ("content-length",))
        return Response(page.status, kept, page.body), "", build

    def _incompatible(self, target: Build, cookie_version: int, url: str) -> str:
        """What a user sees because of the two builds; empty when they work together."""
        world = self._world
        machine, now = world.machine(self._server.name), world.clock()
        source = machine.build
        # Documented for 2007; for 2010 nobody has published it, so it is a switch.
        refuses = source.line == "2007" or world.switches["older_2010_source"] == "refuses"
        if source.line == target.line and source < target and refuses:
            self._record(watson.older_source(now, source, target, url))
            return pages.OLDER_SOURCE
        # Documented for 2007 in front of 2007; a switch says it is so for 2010, too, or for nobody.
        asked = {"2007": {"2007"}, "every": {"2007", "2010"}, "none": set[str]()}
        needs = asked[str(world.switches["version_folder"])]
        if (
            target.line == "2007"
            and source > target
            and source.line in needs
            and target not in machine.version_folders
        ):
            self._record(watson.missing_folder(now, source, target, url))
            return pages.MISSING_FOLDER
        if cookie_version not in cookies.readable_by(source, str(world.switches["ru2_fix"])):
            self._record(watson.cookie_not_understood(now, source))
            return pages.INVALID_COOKIE
        return ""

    def _record(self, event: Event) -> None:
        self._world.record(self._server.name, event)
