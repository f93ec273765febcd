"""The event records of OWA proxying. The text of 4999 is documented; the others are ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.lab.machine import Event

if TYPE_CHECKING:
    from orchestrator.lab.builds import Build


def cookie_not_understood(now: float, build: Build) -> Event:
    """Event 4999 of a source that could not read a target's cookie."""
    version = build.padded
    # Pid and bucket vary on real servers; whoever reads this must not rely on them.
    pid = str(600 + int(now) % 4000)
    data = (
        *("E12", "c-RTL-AMD64", version, "OWA", "M.E.Clients.Owa"),
        "M.E.C.O.C.ProxyUtilities.UpdateProxyUserContextIdFromResponse",
        *("M.E.C.O.Core.OwaAsyncOperationException", "413", version),
    )
    return Event(
        now,
        "MSExchange Common",
        4999,
        "Error",
        "General",
        f"Watson report about to be sent for process id: {pid}, with parameters: "
        f"{', '.join(data)}.",
        data=(pid, *data),
    )


def failed_over(now: float, url: str, next_url: str) -> Event:
    """Event 39."""
    return _proxy(
        now,
        39,
        "Warning",
        f"Client Access server {url} did not answer a proxy request; trying {next_url}.",
    )


def all_failed(now: float, site: str) -> Event:
    """Event 40."""
    return _proxy(
        now, 40, "Error", f"No Client Access server in site {site} answered a proxy request."
    )


def none_found(now: float, site: str) -> Event:
    """Event 41."""
    return _proxy(
        now, 41, "Error", f"No Client Access server fit for a mailbox in site {site} was found."
    )


def older_source(now: float, source: Build, target: Build, url: str) -> Event:
    """Event 46."""
    return _proxy(
        now,
        46,
        "Error",
        f"This Client Access server (version {source}) cannot proxy to {url} (version {target}): "
        "the proxying Client Access server must run a newer version than the one it proxies to.",
    )


def missing_folder(now: float, source: Build, target: Build, url: str) -> Event:
    """Event 46, too: the documents name one event for both faults of versions."""
    return _proxy(
        now,
        46,
        "Error",
        f"This Client Access server (version {source}) cannot proxy to {url} (version {target}): "
        f"there is no folder ClientAccess\\owa\\{target} with the files of that version.",
    )


def _proxy(now: float, number: int, level: str, message: str) -> Event:
    return Event(now, "MSExchange OWA", number, level, "Proxy", message)
