"""What a fault does to a call of a module: before it, or once it has changed something."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Protocol

from orchestrator.lab.builds import parse_build
from orchestrator.lab.faults import AFTER, BEFORE, Fault
from orchestrator.lab.wire.psrp import Outcome

if TYPE_CHECKING:
    from orchestrator.lab.windows.module import Result
    from orchestrator.lab.wire.payload import ModuleCall
    from orchestrator.lab.world import World

_LOST = (
    *("reset", "garbage", "hang", "black-hole", "restart"),
    *("windows-update", "service-stopped", "dropped-shell"),
)
_LATER = ("refused", "unauthorised")
_LOOK_SECONDS = 0.01
_GARBAGE = "<html>\0 502 Bad Gateway\ufffd</html"


class Host(Protocol):
    """What a fault can strike."""

    name: str

    async def call(self, call: ModuleCall) -> Result:
        """Carry out a module."""
        ...

    def restart_in(self, seconds: float) -> None:
        """Go down after some seconds."""
        ...


async def carry_out(world: World, host: Host, call: ModuleCall) -> Outcome:
    """Carry out a call, with the faults that are armed for it."""
    await asyncio.sleep(world.seconds("module"))
    target = world.short_name(str(call.arguments.get("target") or "")) or host.name
    names = (host.name, target)
    if call.check_mode:
        return _answer(await host.call(call))
    struck = world.faults.take(*_LOST, on=names, module=call.name, when=BEFORE)
    if struck is not None:
        spoiled = await _strike(world, host, target, struck)
        if spoiled is not None:
            return spoiled
    work = asyncio.ensure_future(host.call(call))
    try:
        if _armed_after(world, names, call.name):
            await _begun(world, target, work)
            if not work.done() or _changed(work.result()):
                struck = world.faults.take(*_LOST, on=names, module=call.name, when=AFTER)
                if struck is not None:
                    spoiled = await _strike(world, host, target, struck)
                    if spoiled is not None:
                        return spoiled
        answer = await work
    finally:
        work.cancel()
    if _changed(answer):
        _wake(world, names, call.name)
    return _answer(answer)


def _changed(result: Result) -> bool:
    return bool(result.get("changed")) and not result.get("failed")


def _answer(result: Result) -> Outcome:
    return Outcome((json.dumps(result),), rc=1 if result.get("failed") else 0)


def _armed_after(world: World, names: tuple[str, ...], module: str) -> bool:
    return any(
        fault.when == AFTER and fault.kind in _LOST and fault.module in ("", module)
        for fault in world.faults.armed
        if fault.at in ("", *names) or fault.kind == "windows-update"
    )


async def _begun(world: World, target: str, work: asyncio.Future[Result]) -> None:
    """Wait until the work is done, or an installer runs: that is in the middle of the change."""
    machine = world.machines.get(target)
    while not work.done() and (machine is None or machine.task is None):
        await asyncio.wait({work}, timeout=_LOOK_SECONDS)


def _wake(world: World, names: tuple[str, ...], module: str) -> None:
    """Faults of connections that wait for a change: from now on they strike."""
    for fault in world.faults.armed:
        fits = fault.kind in _LATER and fault.when == AFTER and fault.module in ("", module)
        if fits and fault.at in ("", *names):
            fault.when, fault.module = BEFORE, ""
            world.save()


async def _strike(world: World, host: Host, target: str, fault: Fault) -> Outcome | None:
    """Do the damage; the spoiled answer, or `None` if the call goes on."""
    if fault.kind == "windows-update":
        _update(world, fault)
        return None
    if fault.kind == "service-stopped":
        _stop_service(world, target, fault)
        return None
    if fault.kind == "garbage":
        return Outcome((_GARBAGE,), rc=0)
    if fault.kind == "hang":
        await asyncio.sleep(fault.seconds)
        return Outcome((_GARBAGE,), rc=1)
    if fault.kind == "black-hole":
        world.silent_until[host.name] = world.clock() + fault.seconds
        await asyncio.sleep(fault.seconds)
        return Outcome((_GARBAGE,), rc=1)
    if fault.kind == "restart":
        return _restart(world, host, target, fault)
    if fault.kind == "dropped-shell" and target in world.machines:
        world.machine(target).kill_installer(changed=fault.when == AFTER and fault.value == "late")
        world.save()
    world.on_reset(host.name)
    return Outcome((_GARBAGE,), rc=1)


def _restart(world: World, host: Host, target: str, fault: Fault) -> Outcome | None:
    """The server that is meant, or the management host where that is named."""
    if fault.at == host.name or target not in world.machines:
        host.restart_in(0)
        world.on_restart(host.name)
        return Outcome((_GARBAGE,), rc=1)
    machine = world.machine(target)
    machine.schedule_restart(world.clock(), world.restart_seconds(target))
    world.machine(target)
    world.on_restart(target)
    return None


def _stop_service(world: World, target: str, fault: Fault) -> None:
    if target in world.machines:
        service = world.machine(target).services.get(fault.value)
        if service is not None:
            service.state = "Stopped"
            world.save()


def _update(world: World, fault: Fault) -> None:
    machine = world.machine(fault.at)
    machine.rollups = [build for build in machine.rollups if build < parse_build(fault.value)]
    machine.rollups.append(parse_build(fault.value))
    world.save()
