"""`exchange_server_facts`: read one server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.lab.exchange.target import (
    TARGET,
    controller_site,
    describe_directories,
    describe_directory,
    describe_interim_updates,
    describe_rollups,
    describe_services,
    reach,
)
from orchestrator.lab.faults import BEFORE
from orchestrator.lab.server_logs import IIS_DIRECTORY
from orchestrator.lab.store import from_iso, iso
from orchestrator.lab.windows.arguments import Option
from orchestrator.lab.windows.module import Context, Module, ModuleFailure, Result

if TYPE_CHECKING:
    from orchestrator.lab.machine import Event, Machine

_DAY = 86_400
_OS_VERSIONS = {"2007": "6.0.6002", "2010": "6.1.7601"}
_OWA_EVENTS = {*range(39, 47), 71}


async def _run(context: Context, arguments: dict[str, Any]) -> Result:
    world = context.world
    machine = reach(context, arguments["target"])
    site = controller_site(context, machine, arguments["domain_controller"])
    server = machine.server
    now = world.server_clock(server.name)
    skew = now - world.clock()
    seconds = arguments["events_seconds"]
    since = now - seconds if seconds else _since(arguments["events_since"], now)
    base = machine.base
    whole = arguments["scope"] == "inventory"
    serves_clients = "ClientAccess" in server.roles
    facts = {
        "name": server.name,
        "fqdn": world.farm.fqdn(server.name),
        "product_line": server.line,
        "build": str(machine.build),
        "admin_display_version": (
            f"Version {base.product}.{base.service_pack} (Build {base.number}.{base.revision})"
        ),
        "ad_site": server.site,
        "roles": sorted(server.roles),
        "dag_member": bool(server.dag),
        "dag": server.dag or None,
        "powershell_version": server.powershell,
        "os_version": _OS_VERSIONS.get(server.line, "10.0.17763"),
        "pending_restart": machine.pending_restart,
        "installer_running": machine.task is not None or _busy(context, server.name),
        "free_disk_mb": 0 if _full(context, server.name) else server.free_disk_mb,
        "automatic_updates": server.automatic_updates,
        "last_boot_time": iso(machine.boot_time + skew),
        "clock_utc": iso(now),
        "rollups": _rollups(context, machine),
        "owa_version_folders": (
            [str(build) for build in machine.version_folders] if serves_clients else []
        ),
        "virtual_directories": {
            "owa": describe_directory(world, machine, site) if serves_clients else None
        },
        "all_virtual_directories": (
            (describe_directories(world, machine, site) if serves_clients else [])
            if whole
            else None
        ),
        "ip_addresses": [world.farm.address(server.name)] if whole else None,
        "iis_log_directory": IIS_DIRECTORY if whole else None,
        "services": describe_services(machine),
        "events": [_event(event, skew) for event in _proxy_events(machine, since - skew)],
    }
    return {"changed": False, "exchange_server": facts}


def _rollups(context: Context, machine: Machine) -> list[dict[str, Any]]:
    rollups = describe_rollups(context.world, machine.rollups)
    return [
        *({**row, "kind": "rollup"} for row in rollups),
        *({**row, "kind": "interim_update"} for row in describe_interim_updates(machine)),
    ]


def _since(text: str | None, now: float) -> float:
    if not text:
        return now - _DAY
    try:
        return from_iso(text)
    except ValueError as error:
        raise ModuleFailure(f"events_since: '{text}' is not an ISO 8601 time") from error


def _proxy_events(machine: Machine, since: float) -> list[Event]:
    return [
        event
        for event in machine.events
        if event.time >= since
        and (
            (event.source == "MSExchange Common" and event.id == 4999)
            or (event.source == "MSExchange OWA" and event.id in _OWA_EVENTS)
        )
    ]


def _event(event: Event, skew: float) -> dict[str, Any]:
    return {
        "time_utc": iso(event.time + skew),
        "log": event.log,
        "source": event.source,
        "id": event.id,
        "level": event.level,
        "category": event.category,
        "message": event.message,
    }


def _full(context: Context, name: str) -> bool:
    fault = context.world.faults.lasting("disk-full", name)
    return fault is not None and fault.when == BEFORE


def _busy(context: Context, name: str) -> bool:
    return context.world.switches.get(f"install.{name}") == "busy"


MODULE = Module(
    "exchange_server_facts",
    {
        **TARGET,
        "events_since": Option(),
        "events_seconds": Option(type="int"),
        "domain_controller": Option(),
        "scope": Option(choices=("state", "inventory"), default="state"),
    },
    _run,
)
