"""`exchange_service_health`: whether the services a server needs run, and start them."""

from __future__ import annotations

import copy
from typing import Any

from orchestrator.lab.exchange.target import TARGET, describe_services, reach
from orchestrator.lab.machine import REQUIRED_SERVICES, Machine, Service
from orchestrator.lab.windows.arguments import Option
from orchestrator.lab.windows.module import Context, Module, Result


async def _run(context: Context, arguments: dict[str, Any]) -> Result:
    machine = reach(context, arguments["target"])
    before = describe_services(machine)
    repaired = machine
    # While the installer runs it owns the services; starting them would only fail.
    if arguments["state"] == "started" and machine.task is None:
        repaired = copy.deepcopy(machine) if context.check_mode else machine
        for entry in arguments["recorded"] or ():
            service = repaired.services[str(entry["name"])]
            service.start_mode = str(entry["start_mode"])
            service.state = "Running" if entry["state"] == "Running" else service.state
        # Last, as an earlier failure may have been recorded.
        for name in REQUIRED_SERVICES:
            repaired.services[name] = Service("Auto", "Running")
    after = describe_services(repaired)
    changed = after != before
    if changed and not context.check_mode:
        context.world.save()
    return {
        "changed": changed,
        "healthy": _healthy(repaired),
        "before": {"services": before},
        "after": {"services": after},
        "diff": {"before": _text(before), "after": _text(after)},
    }


def _healthy(machine: Machine) -> bool:
    wanted = Service("Auto", "Running")
    return all(machine.services[name] == wanted for name in REQUIRED_SERVICES)


def _text(services: list[dict[str, Any]]) -> str:
    return "".join(f"{row['name']}: {row['start_mode']}, {row['state']}\n" for row in services)


MODULE = Module(
    "exchange_service_health",
    {
        **TARGET,
        "state": Option(choices=("query", "started"), default="query"),
        "recorded": Option(type="list"),
    },
    _run,
)
