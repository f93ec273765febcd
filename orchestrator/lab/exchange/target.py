"""Reaching the server a module is about, and describing it as the modules do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.lab.faults import BEFORE
from orchestrator.lab.machine import REQUIRED_SERVICES, Machine
from orchestrator.lab.windows.arguments import Option
from orchestrator.lab.windows.module import Context, ModuleFailure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.lab.builds import Build
    from orchestrator.lab.world import World

TARGET = {"target": Option(required=True)}


def reach(context: Context, target: str) -> Machine:
    """The target machine, over its own remoting or locally.

    Raises:
        ModuleFailure: no such server, or it does not answer.
    """
    name = context.world.short_name(target)
    if name is None or name not in context.world.machines:
        raise ModuleFailure(
            f"Connecting to remote server {target} failed: the WinRM client cannot process the "
            "request because the server name cannot be resolved."
        )
    if _second_hop(context, name, "unauthorised"):
        raise ModuleFailure(
            f"Connecting to remote server {target} failed with the following error message : "
            "Access is denied."
        )
    if not context.world.manageable(name) or _second_hop(context, name, "refused"):
        raise ModuleFailure(
            f"Connecting to remote server {target} failed: WinRM cannot complete the operation. "
            "Verify that the specified computer name is valid, that the computer is accessible "
            "over the network, and that a firewall exception for the WinRM service is enabled."
        )
    return context.world.machine(name)


def _second_hop(context: Context, name: str, fault: str) -> bool:
    """Whether such a fault strikes between the management host and the server."""
    if name == context.host:
        return False
    return context.world.faults.take(fault, on=(name,), when=BEFORE) is not None


def controller_site(context: Context, machine: Machine, controller: str | None) -> str:
    """The site whose domain controller is used: `dc-SITE.DOMAIN`, or the target's own.

    Raises:
        ModuleFailure: no such domain controller.
    """
    if not controller:
        return machine.server.site
    farm = context.world.farm
    site = controller.lower().removesuffix("." + farm.domain).removeprefix("dc-")
    if site not in farm.sites or not controller.lower().startswith("dc-"):
        raise ModuleFailure(f"The domain controller {controller} could not be contacted.")
    return site


def describe_rollups(world: World, builds: Sequence[Build]) -> list[dict[str, Any]]:
    """Installed rollups, oldest first."""
    rows = []
    for build in builds:
        package = world.farm.packages.get(build)
        rows.append(
            {
                "patch_code": package.patch_code if package else None,
                "build": str(build),
                "kb": f"KB{package.kb}" if package and package.kb else None,
                "display_name": f"Update Rollup for Exchange Server {build.line} ({build})",
                "cached_package": package is not None,
            }
        )
    return rows


def describe_services(machine: Machine) -> list[dict[str, Any]]:
    """The services of a server."""
    return [
        {
            "name": name,
            "start_mode": service.start_mode,
            "state": service.state,
            "required": name in REQUIRED_SERVICES,
        }
        for name, service in sorted(machine.services.items())
    ]


def describe_directory(world: World, machine: Machine, site: str) -> dict[str, str | None]:
    """The OWA virtual directory as a site's controller knows it; no address is `None`."""
    name = machine.server.name
    return {
        "identity": f"{name.upper()}\\owa (Default Web Site)",
        "internal_url": world.url(name, "internal_url", site=site) or None,
        "external_url": world.url(name, "external_url", site=site) or None,
    }
