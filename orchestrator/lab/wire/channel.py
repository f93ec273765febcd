"""One TCP connection on the event loop, with TLS that can be started in the middle."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Coroutine

    Serve = Callable[["Channel"], Coroutine[None, None, None]]

# Delayed acknowledgements cost 40 ms per request here; Linux drops the flag again by itself,
# so it is set anew after each read.
_QUICKACK: int | None = getattr(socket, "TCP_QUICKACK", None)


class Channel(asyncio.Protocol):
    """Bytes in, bytes out.

    Args:
        serve: coroutine started once when a connection was accepted; the channel is closed
            when it ends. `None` on the connecting side.
    """

    def __init__(self, serve: Serve | None = None) -> None:
        self._serve = serve
        self._transport: asyncio.Transport | None = None
        self._socket: socket.socket | None = None
        self._received = bytearray()
        self._ended = False
        self._readable = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self.task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._socket = transport.get_extra_info("socket")
        self._acknowledge()
        if self._serve is not None and self.task is None:
            self.task = asyncio.get_running_loop().create_task(self._run(self._serve))

    async def _run(self, serve: Serve) -> None:
        try:
            with contextlib.suppress(ConnectionError):
                await serve(self)
        finally:
            self.close()

    def data_received(self, data: bytes) -> None:
        self._received += data
        self._acknowledge()
        self._readable.set()

    def eof_received(self) -> bool:
        self._ended = True
        self._readable.set()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended = True
        self._readable.set()
        self._writable.set()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    async def read(self) -> bytes:
        """The bytes that have come in, at least one; empty at the end of the stream."""
        while not self._received and not self._ended:
            self._readable.clear()
            await self._readable.wait()
        data = bytes(self._received)
        self._received.clear()
        return data

    async def write(self, data: bytes) -> None:
        """Send bytes, waiting while the other side is slow.

        Raises:
            ConnectionError: the connection is gone.
        """
        if self._transport is None or self._ended or self._transport.is_closing():
            raise ConnectionResetError("connection lost")
        self._transport.write(data)
        await self._writable.wait()

    async def start_tls(
        self, context: ssl.SSLContext, *, server_side: bool, server_hostname: str | None = None
    ) -> None:
        """Put TLS on the connection.

        Raises:
            OSError: the handshake failed (an `ssl.SSLError` is one).
        """
        if self._transport is None:
            raise ConnectionResetError("connection lost")
        loop = asyncio.get_running_loop()
        transport = await loop.start_tls(
            self._transport,
            self,
            context,
            server_side=server_side,
            server_hostname=server_hostname,
        )
        if transport is None:
            raise ConnectionResetError("connection lost during the TLS handshake")
        self._transport = transport

    def close(self) -> None:
        """Close after what was written has been sent."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Reset the connection, as a host does that goes down."""
        self._ended = True
        self._readable.set()
        self._writable.set()
        if self._transport is not None:
            self._transport.abort()

    def _acknowledge(self) -> None:
        if self._socket is not None and _QUICKACK is not None:
            with contextlib.suppress(OSError):
                self._socket.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)
