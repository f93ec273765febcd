"""The modules of Ansible itself that playbooks need on a Windows host."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.lab.windows.arguments import Option
from orchestrator.lab.windows.module import Context, Module, ModuleFailure, Result

if TYPE_CHECKING:
    from collections.abc import Iterable

OS_VERSION = "10.0.14393.0"
OS_NAME = "Microsoft Windows Server 2016 Standard"


async def _ping(_context: Context, arguments: dict[str, Any]) -> Result:
    if arguments["data"] == "crash":
        raise ModuleFailure("Unhandled exception while executing module: boom")
    return {"changed": False, "ping": arguments["data"]}


async def _setup(context: Context, _arguments: dict[str, Any]) -> Result:
    domain = context.world.farm.domain
    return {
        "changed": False,
        "ansible_facts": {
            "ansible_architecture": "64-bit",
            "ansible_distribution": OS_NAME,
            "ansible_distribution_version": OS_VERSION,
            "ansible_domain": domain,
            "ansible_fqdn": f"{context.host}.{domain}",
            "ansible_hostname": context.host.upper(),
            "ansible_os_family": "Windows",
            "ansible_os_name": OS_NAME,
            "ansible_powershell_version": 5,
            "ansible_system": "Win32NT",
            "ansible_windows_domain": domain,
            "ansible_windows_domain_member": True,
        },
    }


def modules() -> Iterable[Module]:
    """All of them."""
    ping = {"data": Option(default="pong")}
    for name in ("ansible.windows.win_ping", "win_ping", "ansible.windows.ping", "ping"):
        yield Module(name, ping, _ping)
    for name in ("ansible.windows.setup", "setup"):
        yield Module(name, {}, _setup, any_option=True)
