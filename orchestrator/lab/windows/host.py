"""A simulated Windows host: carries out what Ansible ships, by meaning."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from orchestrator.lab import exchange
from orchestrator.lab.windows import scripts, stock, strikes
from orchestrator.lab.windows.arguments import BadArguments, checked, documented
from orchestrator.lab.windows.module import Context, Module, ModuleFailure, Result
from orchestrator.lab.wire.payload import Bootstrap, ModuleCall, Unsupported, decode
from orchestrator.lab.wire.psrp import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.lab.windows.arguments import Options
    from orchestrator.lab.world import World

MODULES: dict[str, Module] = {
    module.name: module for module in (*stock.modules(), *exchange.modules())
}
# What the bootstrap of ansible-core 2.19 holds; used if another version words it differently.
_BOOTSTRAP = Bootstrap("5.1", '{"failed":true,"msg":"Ansible requires PowerShell v5.1"}')
_NO_CIM = (
    "The term 'Get-CimInstance' is not recognized as the name of a cmdlet, function, "
    "script file, or operable program."
)


class WindowsHost:
    """One host, Exchange server or management host.

    Args:
        name: short name.
        powershell: version such as `5.1` or `2.0`.
    """

    def __init__(self, world: World, name: str, powershell: str) -> None:
        self._world = world
        self.name = name
        self.powershell = powershell
        self._restarts: set[asyncio.TimerHandle] = set()

    async def run(self, script: str, lines: Sequence[str]) -> Outcome:
        """Carry out one script with its input lines."""
        payload = decode(script, lines)
        if payload is None:
            if _older(self.powershell, "3.0"):
                return Outcome(rc=1, error=_NO_CIM)
            return scripts.carry_out(script, boot_time=self._boot_time(), restart=self.restart_in)
        bootstrap = payload.bootstrap or _BOOTSTRAP
        if _older(self.powershell, bootstrap.minimum):
            self._log_refusal(payload.call, json.loads(bootstrap.answer)["msg"])
            return Outcome((bootstrap.answer,), rc=1)
        if isinstance(payload.call, Unsupported):
            result = _failed(f"the lab does not simulate {payload.call.what} (host {self.name})")
            return Outcome((json.dumps(result),), rc=1)
        return await strikes.carry_out(self._world, self, payload.call)

    async def call(self, call: ModuleCall) -> Result:
        """Carry out a module; what it answers holds `failed` when it failed."""
        minimum = call.minimum_powershell
        if minimum and _older(self.powershell, minimum):
            return _failed(
                "This module cannot run as it requires a minimum PowerShell version of "
                f'{minimum}, actual was "{self.powershell}"'
            )
        module = MODULES.get(call.name)
        if module is None or call.asynchronous:
            what = f"async for {call.name}" if module else f"the module {call.name}"
            known = ", ".join(sorted({name for name in MODULES if "." in name or "_" in name}))
            message = f"the lab does not simulate {what} (host {self.name}); it knows {known}"
            self._log_refusal(call, message)
            return _failed(message)
        return await self._run(module, call)

    async def _run(self, module: Module, call: ModuleCall) -> Result:
        options = documented(call.path) or module.options
        result: Result
        try:
            if module.any_option:
                arguments = dict(call.arguments)
            else:
                arguments = checked(call.name, options, call.arguments)
                _known_to_lab(module, arguments)
            context = Context(self._world, self.name, call.check_mode)
            result = await module.run(context, arguments)
        except BadArguments as error:
            result = {"failed": True, "changed": False, "msg": str(error)}
        except ModuleFailure as error:
            result = {"changed": False, **error.more, "failed": True, "msg": error.msg}
        self._log(call, options, result)
        return result

    def restart_in(self, seconds: float) -> None:
        """Go down after some seconds, reset every connection, and come back later."""
        world = self._world
        at, outage = world.clock() + seconds, world.restart_seconds(self.name)
        if self.name in world.machines:
            world.machine(self.name).schedule_restart(at, outage)
            world.save()
        handle: asyncio.TimerHandle

        def go_down() -> None:
            self._restarts.discard(handle)
            if self.name in world.machines:
                world.machine(self.name)
            else:
                world.management_boot[self.name] = world.clock() + outage
                world.save()
            world.on_restart(self.name)

        handle = asyncio.get_running_loop().call_later(seconds, go_down)
        self._restarts.add(handle)

    def close(self) -> None:
        """Forget planned restarts; the world remembers those of servers."""
        for handle in self._restarts:
            handle.cancel()
        self._restarts.clear()

    def _boot_time(self) -> float:
        if self.name in self._world.machines:
            return self._world.machine(self.name).boot_time
        return self._world.management_boot[self.name]

    def _log(self, call: ModuleCall, options: Options, result: Result) -> None:
        hidden = {name for name, option in options.items() if option.no_log}
        failed = bool(result.get("failed"))
        state = "failed" if failed else "changed" if result.get("changed") else "ok"
        self._world.module_calls.add(
            self._world.clock(),
            {
                "host": self.name,
                "module": call.name,
                "target": call.arguments.get("target"),
                "args": {
                    name: "********" if name in hidden else value
                    for name, value in call.arguments.items()
                },
                "check_mode": call.check_mode,
                "result": state,
                "msg": result.get("msg"),
            },
        )

    def _log_refusal(self, call: ModuleCall | Unsupported, message: str) -> None:
        if isinstance(call, ModuleCall):
            self._log(call, {}, {"failed": True, "msg": message})


def _known_to_lab(module: Module, arguments: dict[str, Any]) -> None:
    strange = [
        name
        for name, value in arguments.items()
        if name not in module.options and value is not None
    ]
    if strange:
        listed = ", ".join(sorted(strange))
        raise ModuleFailure(f"the lab's {module.name} does not simulate the option {listed}")


def _older(version: str, minimum: str) -> bool:
    def numbers(text: str) -> list[int]:
        return [int(part) for part in text.split(".")]

    return numbers(version) < numbers(minimum)


def _failed(msg: str) -> Result:
    return {"failed": True, "changed": False, "msg": msg}
