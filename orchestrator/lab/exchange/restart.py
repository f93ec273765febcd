"""`exchange_restart`: restart a server from its management host and wait for its return."""

from __future__ import annotations

import asyncio
from typing import Any

from orchestrator.lab.exchange.target import TARGET, reach
from orchestrator.lab.store import iso
from orchestrator.lab.windows.arguments import Option
from orchestrator.lab.windows.module import Context, Module, ModuleFailure, Result


async def _run(context: Context, arguments: dict[str, Any]) -> Result:
    world = context.world
    if world.short_name(arguments["target"]) == context.host:
        raise ModuleFailure(
            "target is the machine this module runs on: use ansible.windows.win_reboot there"
        )
    machine = reach(context, arguments["target"])
    name = machine.server.name
    before = iso(machine.boot_time)
    if context.check_mode:
        return _result(before, None)
    machine.schedule_restart(world.clock(), world.restart_seconds(name))
    world.machine(name)
    world.on_restart(name)
    limit = world.clock() + arguments["timeout_seconds"]
    while not world.manageable(name):
        remaining = machine.down_until - world.clock()
        if world.clock() >= limit or not world.powered(name):
            seconds = arguments["timeout_seconds"]
            raise ModuleFailure(f"{name} was restarted and did not come back in {seconds} seconds")
        await asyncio.sleep(min(max(remaining, 0.01), max(limit - world.clock(), 0.01)))
    return _result(before, iso(world.machine(name).boot_time))


def _result(before: str, after: str | None) -> Result:
    return {
        "changed": True,
        "before": {"last_boot_time": before},
        "after": {"last_boot_time": after},
        "diff": {"before": f"{before}\n", "after": f"{after or 'after a restart'}\n"},
    }


MODULE = Module(
    "exchange_restart",
    {**TARGET, "timeout_seconds": Option(type="int", default=3600)},
    _run,
)
