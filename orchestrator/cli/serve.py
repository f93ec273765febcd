"""`orchestrator serve`."""

from __future__ import annotations

import socket
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from orchestrator.cli.apply import PlanFolder, require_same_farm
from orchestrator.cli.inputs import read_inventory
from orchestrator.cli.options import ExtraVars, OptionalInventory, VaultPasswordFile
from orchestrator.cli.windows import read_times
from orchestrator.errors import OrchestratorError
from orchestrator.execution.clock import SystemClock
from orchestrator.report.console import err, out
from orchestrator.web.access import Access, is_loopback, new_token, read_token
from orchestrator.web.actions import Actions
from orchestrator.web.folder import PlanFolder as Folder

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from orchestrator.web.child import Child
    from orchestrator.web.server import Address

PORT = 8425


def serve(
    folder: PlanFolder,
    inventory: OptionalInventory = None,
    extra_vars: ExtraVars = None,
    vault_password_file: VaultPasswordFile = None,
    replay: Annotated[
        bool, typer.Option("--replay", help="Play a window that is over, at any speed.")
    ] = False,
    windows: Annotated[
        Path | None,
        typer.Option(
            "--windows", metavar="FILE", help="Windows for what-if, if the plan has no times."
        ),
    ] = None,
    host: Annotated[
        str, typer.Option("--host", help="Address to listen on; anything but loopback needs TLS.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0: any free one.")] = PORT,
    host_name: Annotated[
        list[str] | None,
        typer.Option("--host-name", help="A name browsers address this server by; repeatable."),
    ] = None,
    token_file: Annotated[
        Path | None,
        typer.Option(
            "--token-file",
            metavar="FILE",
            help="Token for the buttons, mode 0600. Without it a new one is made at every start.",
        ),
    ] = None,
    private: Annotated[
        bool, typer.Option("--private", help="Ask for the token before anything is shown.")
    ] = False,
    tls_certificate: Annotated[
        Path | None, typer.Option("--tls-certificate", metavar="FILE", help="PEM, with its chain.")
    ] = None,
    tls_key: Annotated[Path | None, typer.Option("--tls-key", metavar="FILE", help="PEM.")] = None,
    without_tls: Annotated[
        bool,
        typer.Option(
            "--without-tls", help="Listen elsewhere than on loopback in clear, e.g. behind a proxy."
        ),
    ] = False,
) -> int:
    """Show a plan and its run as a page that changes while the window goes on.

    Reads the journal only; `apply` and `resume` need not know of it. The page approves and pauses
    by entries of the journal, and resumes with -i, always behind the token. Ctrl-C ends it; a run
    goes on. Exit codes: 0 ended, 1 an error somebody can mend.
    """
    page = page_of(
        Options(
            folder=folder,
            inventory=inventory,
            extra_vars=tuple(extra_vars or ()),
            vault_password_file=vault_password_file,
            replay=replay,
            windows=windows,
            host=host,
            port=port,
            host_names=tuple(host_name or ()),
            token_file=token_file,
            private=private,
            certificate=tls_certificate,
            key=tls_key,
            without_tls=without_tls,
        )
    )
    from orchestrator.web.server import Server

    with page.socket:
        Server(page.app, page.address, lambda: _ready(page), page.end).serve_on(page.socket)
    return 0


@dataclass(frozen=True)
class Options:
    """What `orchestrator serve` was told; the options of the same names."""

    folder: Path
    inventory: Path | None = None
    extra_vars: tuple[str, ...] = ()
    vault_password_file: Path | None = None
    replay: bool = False
    windows: Path | None = None
    host: str = "127.0.0.1"
    port: int = PORT
    host_names: tuple[str, ...] = ()
    token_file: Path | None = None
    private: bool = False
    certificate: Path | None = None
    key: Path | None = None
    without_tls: bool = False


@dataclass(frozen=True)
class Page:
    """Ready to be served: the application, its socket and its token."""

    options: Options
    app: Starlette
    address: Address
    socket: socket.socket
    token: str
    end: Callable[[], Awaitable[None]]

    @property
    def url(self) -> str:
        """Of the page, with the port that was free."""
        host = self.options.host
        shown = f"[{host}]" if ":" in host else host
        return f"{self.address.scheme}://{shown}:{self.socket.getsockname()[1]}/"


def page_of(options: Options) -> Page:
    """Open plan, inventory and socket.

    Raises
    ------
    OrchestratorError
        With what somebody can mend.
    """
    _require_web()
    from orchestrator.web.app import application
    from orchestrator.web.server import Address, listening
    from orchestrator.web.site import Site

    _require_safe_address(options)
    read = Folder(options.folder, SystemClock())
    actions = None if options.replay else Actions(options.folder, _resume_options(options, read))
    token = read_token(options.token_file) if options.token_file is not None else new_token()
    what_if = _what_if(options, read)
    address = Address(options.host, options.port, options.certificate, options.key)
    opened = listening(address)
    site = Site(
        folder=read,
        access=Access(token, read_needs_token=options.private or not is_loopback(options.host)),
        hosts=_names(options),
        # cookies do not know of ports
        cookie=f"orchestrator-{opened.getsockname()[1]}",
        secure=options.certificate is not None,
        actions=actions,
        what_if=what_if,
    )
    return Page(options, application(site), address, opened, token, site.feed.end)


def _ready(page: Page) -> None:
    options = page.options
    # what follows # is never sent over the wire, nor written to a log
    given = "" if options.token_file is not None else f"#token={page.token}"
    out().print(Text(f"{page.url}{given}"), soft_wrap=True)
    said = "Whoever has this address may press the buttons."
    if options.token_file is not None:
        said = f"The buttons need the token of {options.token_file}."
    if options.replay:
        said = "A replay: it shows what was and does nothing."
    err().print(Text(f"{said} Ctrl-C ends the page; a run goes on."), soft_wrap=True)


def _require_web() -> None:
    try:
        import starlette
        import uvicorn
    except ImportError as error:
        raise OrchestratorError(
            f"the live page is not installed (no {error.name})",
            "pip install 'exchange-proxy-orchestrator[web]'",
        ) from None
    del starlette, uvicorn


def _require_safe_address(options: Options) -> None:
    if (options.certificate is None) != (options.key is None):
        raise OrchestratorError("--tls-certificate and --tls-key belong together")
    for path in (options.certificate, options.key):
        if path is not None and not path.is_file():
            raise OrchestratorError(f"there is no file {path}")
    host, port = options.host, options.port
    if options.certificate is None and not is_loopback(host) and not options.without_tls:
        raise OrchestratorError(
            f"{host} can be reached from elsewhere, and the token would travel in clear",
            "give --tls-certificate and --tls-key; or stay on loopback and come by a tunnel: "
            f"ssh -L {port}:127.0.0.1:{port} {socket.gethostname()}; or say --without-tls if "
            "something in front of this speaks TLS",
        )


def _what_if(options: Options, read: Folder) -> Child | None:
    """Planning takes the processor for seconds: it is done by a process of its own."""
    from orchestrator.web.child import Child

    if options.replay:
        return None
    windows = []
    if options.windows is not None:
        # faults of the file are said here and now
        read_times(read.saved.topology, options.windows)
        windows = [str(options.windows)]
    words = [sys.executable, "-P", "-m", "orchestrator.cli.what_if", str(options.folder), *windows]
    return Child(words)


def _names(options: Options) -> list[str]:
    """Names a request may come by: a page of another site can make a name point here."""
    names = [options.host, *options.host_names]
    if is_loopback(options.host):
        names += ["localhost", "127.0.0.1", "::1"]
    if options.host in {"0.0.0.0", "::"}:  # noqa: S104 - compared with, not listened on
        names += [socket.gethostname(), socket.getfqdn()]
    return names


def _resume_options(options: Options, read: Folder) -> list[str] | None:
    """What a resume begun on the page is given; None without an inventory."""
    inventory = options.inventory
    if inventory is None:
        return None
    loaded = read_inventory(inventory, options.vault_password_file, options.extra_vars)
    require_same_farm(read.saved, loaded.topology, options.folder, inventory)
    words = ["-i", str(inventory)]
    for given in options.extra_vars:
        words += ["-e", given]
    if options.vault_password_file is not None:
        words += ["--vault-password-file", str(options.vault_password_file)]
    return words
