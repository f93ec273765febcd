"""HTTP/1.1 messages over a channel, both sides."""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import h11

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orchestrator.lab.wire.channel import Channel

Headers = tuple[tuple[str, str], ...]
_LARGEST_BODY = 64 * 1024 * 1024


@dataclass(frozen=True)
class Request:
    """A request as it arrived; header names are lower case."""

    method: str
    target: str
    headers: Headers
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """The first value of a header, `None` without one."""
        return next((value for key, value in self.headers if key == name), None)

    def cookies(self) -> dict[str, str]:
        """The cookies the client sent."""
        pairs = (item.partition("=") for item in (self.header("cookie") or "").split(";"))
        return {name.strip(): value.strip() for name, _, value in pairs if name.strip()}

    def form(self) -> dict[str, str]:
        """The fields of an URL-encoded form body, the first value of each."""
        fields = parse_qs(self.body.decode("utf-8", "replace"), keep_blank_values=True)
        return {name: values[0] for name, values in fields.items()}


@dataclass(frozen=True)
class Response:
    """An answer; `Content-Length` is added when it is sent."""

    status: int
    headers: Headers = ()
    body: bytes = b""
    reason: str = ""

    def header(self, name: str) -> str | None:
        """The first value of a header given in lower case, `None` without one."""
        return next((value for key, value in self.headers if key.lower() == name), None)


@dataclass
class ServerConnection:
    """The receiving side of one channel."""

    channel: Channel
    _h11: h11.Connection = field(default_factory=lambda: h11.Connection(h11.SERVER))

    async def receive(self) -> Request | None:
        """The next request, `None` when the client is done.

        Raises:
            h11.RemoteProtocolError: what came is not HTTP.
        """
        if self._h11.our_state is h11.DONE:
            if self._h11.their_state is not h11.DONE:
                return None
            self._h11.start_next_cycle()
        head: h11.Request | None = None
        body = bytearray()
        while True:
            event = self._h11.next_event()
            if event is h11.NEED_DATA:
                if self._h11.they_are_waiting_for_100_continue:
                    go_on = h11.InformationalResponse(status_code=100, headers=[])
                    await self.channel.write(self._h11.send(go_on) or b"")
                self._h11.receive_data(await self.channel.read())
            elif isinstance(event, h11.Request):
                head = event
            elif isinstance(event, h11.Data):
                body += event.data
                if len(body) > _LARGEST_BODY:
                    return None
            elif isinstance(event, h11.EndOfMessage) and head is not None:
                headers = tuple(
                    (name.decode(), value.decode("latin-1")) for name, value in head.headers
                )
                return Request(head.method.decode(), head.target.decode(), headers, bytes(body))
            else:
                return None

    async def send(self, response: Response) -> bool:
        """Send an answer; says whether the connection can take another request."""
        reason = response.reason or _phrase(response.status)
        length = ("Content-Length", str(len(response.body)))
        head = h11.Response(
            status_code=response.status,
            headers=_encode((*response.headers, length)),
            reason=reason.encode("latin-1", "replace"),
        )
        data = (self._h11.send(head) or b"") + (
            self._h11.send(h11.Data(data=response.body)) or b"" if response.body else b""
        )
        data += self._h11.send(h11.EndOfMessage()) or b""
        await self.channel.write(data)
        return self._h11.our_state is h11.DONE


@dataclass
class ClientConnection:
    """The asking side of one channel; used by a server that proxies to another."""

    channel: Channel
    _h11: h11.Connection = field(default_factory=lambda: h11.Connection(h11.CLIENT))

    async def ask(self, request: Request) -> Response:
        """Send a request and wait for the whole answer.

        Raises:
            ConnectionError: the connection went away in between.
        """
        if self._h11.our_state is h11.DONE:
            self._h11.start_next_cycle()
        tunnel = request.method == "CONNECT"
        length = () if tunnel else (("content-length", str(len(request.body))),)
        head = h11.Request(
            method=request.method,
            target=request.target,
            headers=_encode((*request.headers, *length)),
        )
        data = (self._h11.send(head) or b"") + (self._h11.send(h11.Data(data=request.body)) or b"")
        await self.channel.write(data + (self._h11.send(h11.EndOfMessage()) or b""))
        answer: h11.Response | None = None
        body = bytearray()
        while True:
            event = self._h11.next_event()
            if event is h11.NEED_DATA:
                self._h11.receive_data(await self.channel.read())
            elif isinstance(event, h11.Response):
                answer = event
                if tunnel and 200 <= event.status_code < 300:
                    return Response(event.status_code)
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage) and answer is not None:
                headers = tuple(
                    (name.decode(), value.decode("latin-1")) for name, value in answer.headers
                )
                return Response(answer.status_code, headers, bytes(body))
            elif event is h11.PAUSED or isinstance(event, h11.ConnectionClosed):
                raise ConnectionResetError("connection closed before the answer was complete")


def _encode(headers: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode("latin-1", "replace")) for name, value in headers]


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
