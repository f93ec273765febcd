"""The one listener: an HTTP proxy that picks the simulated host by name.

Clients keep the real names and ports in their inventory and only need this proxy. `CONNECT` leads
to TLS on the host's behalf, an absolute URI to plain HTTP. A host that is down refuses the
connection; so does IIS on a server whose installer is running.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

import h11

from orchestrator.lab.faults import BEFORE
from orchestrator.lab.server_logs import user_address
from orchestrator.lab.wire.channel import Channel
from orchestrator.lab.wire.http import ClientConnection, Request, Response, ServerConnection
from orchestrator.lab.wire.wsman import WinRm

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Awaitable, Callable

    from orchestrator.lab.owa.front import OwaFront
    from orchestrator.lab.world import World

    Handler = Callable[[Request], Awaitable[Response]]

log = logging.getLogger(__name__)
_WEB_PORTS = (80, 443)
_WINRM_PORTS = (5985, 5986)
_TLS_PORTS = (443, 5986)
# A proxying server names itself to the network, which stands for its address.
_FROM = "x-lab-from"
_LOOK_SECONDS = 0.5


class Control(Protocol):
    """Answers requests to the listener itself."""

    async def __call__(self, request: Request) -> Response:
        """Answer one."""


class Refused(Exception):
    """The connection is refused; the text is why."""


class Network:
    """All connections of the lab.

    Args:
        server_tls: for the simulated hosts.
        client_tls: for a server that connects to another.
    """

    def __init__(
        self, world: World, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
    ) -> None:
        self._world = world
        self._server_tls = server_tls
        self._client_tls = client_tls
        self._listener: asyncio.Server | None = None
        self._channels: dict[Channel, tuple[str, int] | None] = {}
        self._balance: dict[str, int] = {}
        self.winrm: dict[str, WinRm] = {}
        self.owa: dict[str, OwaFront] = {}
        self.control: Control | None = None
        self.port = 0

    async def listen(self, port: int) -> None:
        """Open the listener on 127.0.0.1.

        Raises:
            OSError: the port is taken.
        """
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(
            lambda: Channel(self._serve), "127.0.0.1", port, backlog=512
        )
        self.port = self._listener.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Reset every connection and close the listener."""
        if self._listener is not None:
            self._listener.close()
        tasks = [channel.task for channel in self._channels if channel.task is not None]
        for channel in list(self._channels):
            channel.abort()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        # Transports report their end on the loop's next turns.
        for _ in range(3):
            await asyncio.sleep(0)

    def reset(self, name: str, *, web_only: bool) -> None:
        """Reset the connections to a host, all of them or those of OWA."""
        for channel, place in list(self._channels.items()):
            if place is None or place[0] != name:
                continue
            if not web_only or place[1] in _WEB_PORTS:
                channel.abort()

    @asynccontextmanager
    async def connect(self, source: str, url: str) -> AsyncIterator[ClientConnection]:
        """A connection from one server to the host of an URL, through the listener.

        Raises:
            OSError: refused, reset, or no valid TLS.
        """
        parts = urlsplit(url)
        host, secure = parts.hostname or "", parts.scheme == "https"
        authority = f"{host}:{parts.port or (443 if secure else 80)}"
        loop = asyncio.get_running_loop()
        _, channel = await loop.create_connection(Channel, "127.0.0.1", self.port)
        try:
            connection = ClientConnection(channel)
            headers = (("host", authority), (_FROM, source))
            answer = await connection.ask(Request("CONNECT", authority, headers))
            if answer.status != 200:
                raise ConnectionRefusedError(f"{authority}: {answer.status}")
            if secure:
                await channel.start_tls(self._client_tls, server_side=False, server_hostname=host)
            yield ClientConnection(channel)
        except h11.ProtocolError as error:
            raise ConnectionResetError(str(error)) from error
        finally:
            channel.close()

    async def _serve(self, channel: Channel) -> None:
        self._channels[channel] = None
        try:
            await self._converse(channel)
        except h11.ProtocolError as error:
            log.info("not HTTP: %s", error)
        except OSError as error:
            log.info("connection ended: %s", error)
        except Exception:
            log.exception("the lab failed to answer a request")
        finally:
            del self._channels[channel]

    async def _converse(self, channel: Channel) -> None:
        connection = ServerConnection(channel)
        handlers: dict[tuple[str, int], Handler] = {}
        while (request := await connection.receive()) is not None:
            if request.method == "CONNECT":
                await self._tunnel(channel, connection, request)
                return
            if "://" in request.target:
                response = await self._plain(channel, request, handlers)
            else:
                response = await self.control(request) if self.control else Response(404)
            if not await connection.send(response):
                return

    async def _tunnel(
        self, channel: Channel, connection: ServerConnection, request: Request
    ) -> None:
        host, _, port_text = request.target.rpartition(":")
        port = int(port_text) if port_text.isdecimal() else 0
        try:
            name = self._reach(host, port, request)
        except Refused as refused:
            await connection.send(_bad_gateway(refused))
            return
        handler = self._handler(name, host, port, request)
        await channel.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        self._channels[channel] = (name, port)
        if port in _TLS_PORTS:
            await channel.start_tls(self._server_tls, server_side=True)
        inner = ServerConnection(channel)
        while (asked := await inner.receive()) is not None:
            if not await inner.send(await handler(asked)):
                return

    async def _plain(
        self, channel: Channel, request: Request, handlers: dict[tuple[str, int], Handler]
    ) -> Response:
        """Answer a request with an absolute URI; NTLM needs one handler per connection."""
        url = urlsplit(request.target)
        host, port = url.hostname or "", url.port or 80
        try:
            name = self._reach(host, port, request)
        except Refused as refused:
            return _bad_gateway(refused)
        if (host, port) not in handlers:
            handlers[host, port] = self._handler(name, host, port, request)
        self._channels[channel] = (name, port)
        path = (url.path or "/") + (f"?{url.query}" if url.query else "")
        asked = Request(request.method, path, request.headers, request.body)
        return await handlers[host, port](asked)

    def _reach(self, host: str, port: int, request: Request) -> str:
        """The host that takes the connection.

        Raises:
            Refused: unknown name, host down, service down, or nothing on that port.
        """
        name = self._resolve(host)
        if name is None:
            raise Refused(f"{host}: name not found")
        if port in _WINRM_PORTS and self._world.manageable(name):
            if self._world.faults.take("refused", on=(name,), when=BEFORE) is None:
                return name
            raise Refused(f"{host}:{port}: connection refused")
        if port in _WEB_PORTS and name in self.owa:
            if self._world.serves_web(name):
                return name
            if request.header(_FROM) is None:
                self.owa[name].refused(_client(request))
        raise Refused(f"{host}:{port}: connection refused")

    def _resolve(self, host: str) -> str | None:
        """The host of a name; a published name leads to its servers in turn."""
        servers = self._world.farm.published.get(host.lower())
        if servers is None:
            return self._world.short_name(host)
        turn = self._balance[host] = self._balance.get(host, 0) + 1
        order = [servers[(turn + offset) % len(servers)] for offset in range(len(servers))]
        balanced = [
            name
            for name in order
            if self._world.serves_web(name)
            and self._world.machine(name).in_service["nlb"]["state"] == "in"
        ]
        return balanced[0] if balanced else order[0]

    def _of_session(self, name: str, host: str, asked: Request) -> str:
        """The server whose session a request to a published name carries, else the one in turn.

        OWA needs a balancer that keeps a session on its server, whatever the connection.
        """
        servers = self._world.farm.published.get(host.lower(), ())
        holding = (s for s in servers if self.owa[s].holds_session(asked))
        return next((s for s in holding if self._world.serves_web(s)), name)

    def _handler(self, name: str, host: str, port: int, request: Request) -> Handler:
        if port in _WINRM_PORTS:
            return self._winrm(name, tls=port in _TLS_PORTS)
        world = self._world
        connected, peer = _client(request), request.header(_FROM)

        async def handle(asked: Request) -> Response:
            began = world.clock()
            client = asked.header("user-agent") or connected
            server = self._of_session(name, host, asked)
            front = self.owa[server]
            user = front.account(asked, peer)
            response = await front.handle(asked, host=host, client=client)
            world.logs.request(
                server,
                world.server_clock(server),
                asked,
                status=response.status,
                user=user,
                address=world.farm.address(peer) if peer else user_address(client),
                seconds=world.clock() - began,
            )
            return response

        return handle

    def _winrm(self, name: str, *, tls: bool) -> Handler:
        denied = self._world.faults.take("unauthorised", on=(name,), when=BEFORE) is not None
        connection = self.winrm[name].connection(tls=tls, denied=denied)

        async def handle(asked: Request) -> Response:
            while (left := self._world.silent_until.get(name, 0.0) - self._world.clock()) > 0:
                await asyncio.sleep(min(left, _LOOK_SECONDS))
            return await connection(asked)

        return handle


def _client(request: Request) -> str:
    return request.header(_FROM) or request.header("user-agent") or "unknown"


def _bad_gateway(refused: Refused) -> Response:
    reason = str(refused)
    return Response(502, (("Content-Type", "text/plain"),), reason.encode(), reason)
