"""`exchange_virtual_directory`: read or set the addresses of a server's OWA directory."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from orchestrator.lab.exchange.target import (
    TARGET,
    controller_site,
    describe_directory,
    reach,
)
from orchestrator.lab.windows.arguments import Option
from orchestrator.lab.windows.module import Context, Module, ModuleFailure, Result

_ADDRESSES = ("external_url", "internal_url")


async def _run(context: Context, arguments: dict[str, Any]) -> Result:
    world = context.world
    machine = reach(context, arguments["target"])
    site = controller_site(context, machine, arguments["domain_controller"])
    before = describe_directory(world, machine, site)
    _refuse_drift(before, arguments)
    after = dict(before)
    for name in _ADDRESSES:
        wanted = arguments[name]
        if wanted is not None and not _same(wanted, before[name] or ""):
            after[name] = _address(name, wanted) or None
    changed = after != before
    if changed and not context.check_mode:
        for name in _ADDRESSES:
            if after[name] != before[name]:
                server, now = machine.server.name, world.clock()
                world.directory.write(server, name, after[name] or "", site=site, now=now)
        world.save()
    return {
        "changed": changed,
        "before": before,
        "after": after,
        "diff": {"before": _text(before), "after": _text(after)},
    }


def _refuse_drift(before: dict[str, str | None], arguments: dict[str, Any]) -> None:
    expected, goal = arguments["expected_external_url"], arguments["external_url"]
    live = before["external_url"] or ""
    if expected is None or _same(live, expected) or (goal is not None and _same(live, goal)):
        return
    raise ModuleFailure(
        f'the external address of {before["identity"]} is "{live}", neither the recorded '
        f'"{expected}" nor the goal "{goal or ""}": somebody else changed it',
        drift=True,
        before=before,
    )


def _same(one: str, other: str) -> bool:
    def plain(url: str) -> tuple[str, str, str]:
        parts = urlsplit(url)
        return parts.scheme.lower(), parts.netloc.lower(), parts.path.rstrip("/")

    return plain(one) == plain(other)


def _address(name: str, url: str) -> str:
    parts = urlsplit(url)
    if url and (parts.scheme not in ("http", "https") or not parts.netloc):
        raise ModuleFailure(f'{name}: "{url}" is not an http or https address')
    return url


def _text(directory: dict[str, str | None]) -> str:
    return "".join(f"{name}: {directory[name] or ''}\n" for name in _ADDRESSES)


MODULE = Module(
    "exchange_virtual_directory",
    {
        **TARGET,
        "protocol": Option(choices=("owa",), default="owa"),
        "external_url": Option(),
        "internal_url": Option(),
        "expected_external_url": Option(),
        "domain_controller": Option(),
    },
    _run,
)
