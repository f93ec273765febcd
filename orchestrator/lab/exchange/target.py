"""Reaching the server a module is about, and describing it as the modules do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.lab.builds import parse_build
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
    if name in context.world.farm.management_hosts:
        raise ModuleFailure(
            f"cannot read Exchange server {target}: no installation of Exchange 2007 or 2010 found "
            "in the registry"
        )
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


def describe_interim_updates(machine: Machine) -> list[dict[str, Any]]:
    """Interim updates on top of the rollups."""
    return [
        {
            "patch_code": None,
            "build": None,
            "kb": None,
            "display_name": name,
            "cached_package": True,
        }
        for name in machine.server.interim_updates
    ]


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


_DIRECTORIES = (
    ("owa", "owa", "owa"),
    ("eas", "Microsoft-Server-ActiveSync", "Microsoft-Server-ActiveSync"),
    ("ews", "EWS", "EWS/Exchange.asmx"),
    ("oab", "OAB", "OAB"),
    ("ecp", "ecp", "ecp"),
)
_SILENT_REDIRECTION_SINCE = parse_build("14.2.247.5")


def describe_directories(world: World, machine: Machine, site: str) -> list[dict[str, Any]]:
    """All virtual directories as `exchange_server_facts` describes them with scope inventory.

    OWA is the one that is simulated; the others stand beside it on the same names.
    """
    name, server = machine.server.name, machine.server
    owa = {key: world.url(name, key, site=site) for key in ("internal_url", "external_url")}
    rows = []
    for protocol, directory, path in _DIRECTORIES:
        if protocol == "ecp" and server.line == "2007":
            continue
        is_owa = protocol == "owa"
        urls = {
            key: url if is_owa else url.rpartition("/owa")[0] + f"/{path}" if url else ""
            for key, url in owa.items()
        }
        turns = is_owa and machine.build >= _SILENT_REDIRECTION_SINCE
        ways = list(server.owa_authentication) if is_owa or protocol == "ecp" else ["Basic"]
        rows.append(
            {
                "protocol": protocol,
                "identity": f"{name.upper()}\\{directory} (Default Web Site)",
                "internal_url": urls["internal_url"] or None,
                "external_url": urls["external_url"] or None,
                "internal_authentication": sorted(ways),
                "external_authentication": sorted(ways),
                "cross_site_redirect_type": (
                    str(world.switches[f"redirect_type.{name}"]) if turns else None
                ),
            }
        )
    return rows
