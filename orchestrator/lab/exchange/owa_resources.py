"""`exchange_owa_resources`: give a server the version folder of another build."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.lab.builds import parse_build
from orchestrator.lab.exchange.target import TARGET, reach
from orchestrator.lab.windows.arguments import Option
from orchestrator.lab.windows.module import Context, Module, ModuleFailure, Result

if TYPE_CHECKING:
    from orchestrator.lab.builds import Build
    from orchestrator.lab.machine import Machine

_FILES = 400
"""Of a version folder; what they are is only told apart by `owa_files`."""


async def _run(context: Context, arguments: dict[str, Any]) -> Result:
    machine = reach(context, arguments["target"])
    try:
        build = parse_build(arguments["build"])
    except ValueError as error:
        raise ModuleFailure(str(error)) from error
    name = machine.server.name
    folder = rf"\\{name}\C$\Program Files\Microsoft\Exchange Server\ClientAccess\owa\{build}"
    refused: list[str] = []
    origin = _origin(context, arguments["origins"] or [], build, refused)
    found = origin.server.name if origin else _shared(context, arguments["share"], build, refused)
    present = build in machine.version_folders
    before = {"present": present, "files": _FILES if present else 0}
    result: Result = {
        "changed": False,
        "folder": folder,
        "before": before,
        "after": before,
        "copied_from": None,
        "compared_with": None,
        "recycled": False,
    }
    if present:
        _refuse_other_files(context, machine, origin, folder)
        result["compared_with"] = found
    elif found:
        result |= {
            "changed": True,
            "after": {"present": True, "files": _FILES},
            "copied_from": found,
        }
        if not context.check_mode:
            machine.folders = [*machine.folders, build]
            result["recycled"] = machine.in_service["owa"]["state"] == "in"
            context.world.save()
    elif arguments["if_nobody_has_it"] == "fail":
        raise ModuleFailure(
            f"cannot give {name} the version folder of {build}: {folder} is not there, and nobody "
            f"has its files: {'; '.join(refused)}. Lay the folder {build} of an installation of "
            "that build below the place that exchange_owa_resources names"
        )
    return {**result, "diff": {"before": before, "after": result["after"]}}


def _origin(context: Context, names: list[str], build: Build, refused: list[str]) -> Machine | None:
    """The first server that has the folder; one that cannot be reached is passed over."""
    for name in names:
        try:
            machine = reach(context, name)
        except ModuleFailure as failure:
            refused.append(f"{name}: {failure.msg}")
            continue
        if build in machine.version_folders:
            return machine
        refused.append(f"{name} has no owa\\{build}")
    return None


def _shared(context: Context, share: str | None, build: Build, refused: list[str]) -> str | None:
    """The folder on a share: any share of this farm holds those of builds it has packages of."""
    if share and build in context.world.farm.packages:
        return rf"{share}\{build}"
    if share:
        refused.append(rf"{share}\{build} is not there, or empty")
    return None


def _refuse_other_files(
    context: Context, machine: Machine, origin: Machine | None, folder: str
) -> None:
    if origin is None:
        return
    files = [context.world.switches.get(f"owa_files.{m.server.name}") for m in (machine, origin)]
    if (files[0] or "original") != (files[1] or "original"):
        raise ModuleFailure(
            f"{folder} is there and is not what {origin.server.name} has: 1 files differ "
            "(premium\\scripts\\uglobal.js). Nothing was overwritten; move it away if it is not "
            "yours"
        )


MODULE = Module(
    "exchange_owa_resources",
    {
        **TARGET,
        "build": Option(required=True),
        "origins": Option(type="list"),
        "share": Option(),
        "if_nobody_has_it": Option(choices=("fail", "leave"), default="fail"),
    },
    _run,
)
