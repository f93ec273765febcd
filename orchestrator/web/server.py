"""Serves the application with uvicorn."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

from orchestrator.errors import OrchestratorError

_LAST_SECONDS = 3
"""What a connection gets to finish its answer."""


@dataclass(frozen=True)
class Address:
    """Where to listen.

    Parameters
    ----------
    host : str
    port : int
        0 for any free one.
    certificate, key : Path or None
        PEM files; None serves without TLS.
    """

    host: str
    port: int
    certificate: Path | None = None
    key: Path | None = None

    @property
    def scheme(self) -> str:
        """Of the page's address."""
        return "https" if self.certificate else "http"


def listening(address: Address) -> socket.socket:
    """A socket that listens, so that its port is known before anything is served.

    Raises
    ------
    OrchestratorError
        If the address is taken or none of this machine.
    """
    try:
        family, kind, number, _, place = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        opened = socket.socket(family, kind, number)
    except OSError as error:
        raise _taken(address, error) from None
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind(place)
        opened.listen(128)
    except OSError as error:
        opened.close()
        raise _taken(address, error) from None
    return opened


def _taken(address: Address, error: OSError) -> OrchestratorError:
    return OrchestratorError(
        f"cannot listen on {address.host} port {address.port}: {error.strerror or error}",
        "name another with --port, or 0 for any free one",
    )


class Server(uvicorn.Server):
    """Serves an application.

    Parameters
    ----------
    app : Starlette
    address : Address
    on_ready : callable
        Told once connections are answered.
    on_end : callable
        Awaited before the connections that are left are waited for.
    """

    def __init__(
        self,
        app: Starlette,
        address: Address,
        on_ready: Callable[[], None],
        on_end: Callable[[], Awaitable[None]],
    ) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                log_level="warning",
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=_LAST_SECONDS,
                ssl_certfile=address.certificate,
                ssl_keyfile=address.key,
            )
        )
        self._on_ready = on_ready
        self._on_end = on_end

    def serve_on(self, opened: socket.socket) -> None:
        """Serve until SIGINT or SIGTERM, or until `should_exit` is set."""
        self.run(sockets=[opened])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen, and say so."""
        await super().startup(sockets)
        if self.started:
            self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let the streams end, then the server."""
        await self._on_end()
        await super().shutdown(sockets)
