"""`exchange_drain`: take a server out of service and back, by its load balancer or by its OWA."""

from __future__ import annotations

from typing import Any

from orchestrator.lab.exchange.target import TARGET, reach
from orchestrator.lab.windows.arguments import Option
from orchestrator.lab.windows.module import Context, Module, ModuleFailure, Result

# One line of the lab's IIS log per proxied log-on is kept this long.
_KEPT_SECONDS = 3600.0


async def _run(context: Context, arguments: dict[str, Any]) -> Result:
    machine = reach(context, arguments["target"])
    method, state, prior = (arguments[name] for name in ("method", "state", "prior"))
    if state == "back" and not prior:
        raise ModuleFailure("state is back but all of the following are missing: prior")
    before = dict(machine.in_service[method])
    goal = before
    if state == "out":
        goal = {"state": "out", "automatic": False}
    elif state == "back":
        back = "out" if prior["state"] == "out" else "in"
        goal = {"state": back, "automatic": bool(prior["automatic"])}
    if goal != before and not context.check_mode:
        machine.in_service[method] = goal
        context.world.save()
    name = machine.server.name
    quiet = arguments["quiet_seconds"]
    return {
        "changed": goal != before,
        "before": before,
        "after": goal,
        "proxied_logons": None if not quiet else _logons(context, name, quiet),
        "diff": {"before": before, "after": goal},
    }


def _logons(context: Context, name: str, seconds: int) -> int:
    now = context.world.clock()
    moments = context.world.proxied_logons.get(name, [])
    moments[:] = [moment for moment in moments if moment >= now - _KEPT_SECONDS]
    return sum(moment >= now - seconds for moment in moments)


MODULE = Module(
    "exchange_drain",
    {
        **TARGET,
        "method": Option(required=True, choices=("nlb", "owa")),
        "state": Option(choices=("query", "out", "back"), default="query"),
        "prior": Option(type="dict"),
        "quiet_seconds": Option(type="int"),
    },
    _run,
)
