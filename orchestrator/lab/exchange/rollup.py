"""`exchange_rollup`: install or remove a rollup by a detached task on the target."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from orchestrator.lab.builds import Build, parse_build
from orchestrator.lab.exchange.target import TARGET, describe_rollups, reach
from orchestrator.lab.faults import AFTER, BEFORE, Fault
from orchestrator.lab.machine import (
    FATAL,
    INSTALLED,
    MUTEX_HELD,
    RESTART_NEEDED,
    SOURCE_MISSING,
    Machine,
    Task,
)
from orchestrator.lab.windows.arguments import Option
from orchestrator.lab.windows.module import Context, Module, ModuleFailure, Result

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.lab.farm import Package
    from orchestrator.lab.world import World

_INSTALLER = ("slow-install", "services-disabled", "wrong-build", "msiexec")


async def _run(context: Context, arguments: dict[str, Any]) -> Result:
    machine = reach(context, arguments["target"])
    action, build = arguments["state"], _goal(arguments)
    if machine.result is not None and machine.result.exit_code is None:
        # An installer that died left no exit code, so there is nothing to attach to.
        machine.result = None
    # Check mode asks what would be done now; it is told nothing about earlier work.
    finished = None if context.check_mode else _finished(context, machine, action, build)
    if finished is not None:
        return finished
    if machine.task is None:
        if _in_place(machine, action, build):
            return _result(context, machine.stack, machine.stack, machine, finished=True)
        after = (
            _after_install(context, machine, build, arguments)
            if action == "present"
            else _after_removal(context, machine, build, arguments)
        )
        if context.check_mode:
            return _result(context, machine.stack, after, machine, finished=True)
        if _mutex_held(context, machine.server.name):
            return _waiting(context, machine)
        _start(context, machine, action, build)
    elif (machine.task.action, machine.task.build) != (action, str(build)):
        return _waiting(context, machine)
    elif context.check_mode:
        return _result(context, machine.stack, machine.stack, machine, finished=False)
    return await _watch(context, machine, action, build, arguments["wait_seconds"])


def _goal(arguments: dict[str, Any]) -> Build:
    try:
        return parse_build(arguments["build"])
    except ValueError as error:
        raise ModuleFailure(f"build: {error}") from error


def _in_place(machine: Machine, action: str, build: Build) -> bool:
    if action == "present":
        return machine.build == build
    return build not in machine.rollups


def _after_install(
    context: Context, machine: Machine, build: Build, arguments: dict[str, Any]
) -> list[Build]:
    package = _package(context, arguments)
    if package.build != build:
        text = f"the package {package.path} brings build {package.build}, not {build}"
        raise ModuleFailure(text)
    if arguments["kind"] == "service_pack":
        if build.product != machine.base.product or build.level <= machine.base.level:
            raise ModuleFailure(f"service pack {build} does not go onto {machine.build}")
        return [build]
    if build.level != machine.base.level:
        raise ModuleFailure(
            f"the package {package.path} belongs to another service pack: it is for "
            f"{build.product}.{build.service_pack}, the server is on {machine.build}"
        )
    if build < machine.build:
        raise ModuleFailure(f"{machine.build} is installed, which is newer than {build}")
    return [*machine.stack, build]


def _package(context: Context, arguments: dict[str, Any]) -> Package:
    path, sha256, code = (arguments[name] for name in ("path", "sha256", "patch_code"))
    if not path or not sha256:
        raise ModuleFailure("state is present but all of the following are missing: path, sha256")
    found = context.world.package_at(path)
    if found is None:
        raise ModuleFailure(f"the package {path} does not exist or cannot be read")
    package, content = found
    actual = hashlib.sha256(content).hexdigest()
    if actual != sha256.lower():
        raise ModuleFailure(f"the package {path} was altered: sha256 {actual}, expected {sha256}")
    if code and code.upper() != package.patch_code:
        raise ModuleFailure(f"the package {path} has patch code {package.patch_code}, not {code}")
    return package


def _after_removal(
    context: Context, machine: Machine, build: Build, arguments: dict[str, Any]
) -> list[Build]:
    code = arguments["patch_code"]
    if arguments["kind"] == "service_pack":
        raise ModuleFailure("a service pack cannot be removed: removing it would remove Exchange")
    if not code:
        raise ModuleFailure("state is absent but all of the following are missing: patch_code")
    package = context.world.farm.packages.get(build)
    if package is None:
        text = "the cached package is gone and its source is not available"
        raise ModuleFailure(text, exit_code=SOURCE_MISSING)
    if package.patch_code != code.upper():
        raise ModuleFailure(f"{build} has patch code {package.patch_code}, not {code}")
    return [installed for installed in machine.stack if installed != build]


def _start(context: Context, machine: Machine, action: str, build: Build) -> None:
    world, name = context.world, machine.server.name
    package = world.farm.packages[build]
    exit_code = RESTART_NEEDED if package.restart else INSTALLED
    if world.switches.get(f"install.{name}") == "fails":
        exit_code = FATAL
    now = world.clock()
    task = Task(
        action=action,
        build=str(build),
        started=now,
        ends=now + world.seconds("install"),
        exit_code=exit_code,
        log_path=f"C:\\Windows\\ExchangeRollup\\{action}-{build}\\msiexec.log",
        before=[str(installed) for installed in machine.stack],
        keeps_folders=world.switches["old_folders"] == "kept",
    )
    machine.start_task(_troubled(world, name, task))
    world.save()
    world.on_outage(name)


def _mutex_held(context: Context, name: str) -> bool:
    if context.world.switches.get(f"install.{name}") == "busy":
        return True
    held = next((f for f in context.world.faults.armed if f.value == str(MUTEX_HELD)), None)
    return (
        held is not None
        and held.at in ("", name)
        and context.world.faults.take("msiexec", on=(name,)) is held
    )


def _troubled(world: World, name: str, task: Task) -> Task:
    """The task with the faults that are armed for this installer."""
    while (fault := world.faults.take(*_INSTALLER, on=(name,))) is not None:
        task = _with(task, fault, world.speed)
    if world.faults.take("disk-full", on=(name,), when=AFTER) is not None:
        task = replace(task, exit_code=FATAL)
    return task


def _with(task: Task, fault: Fault, speed: float) -> Task:
    if fault.kind == "slow-install":
        return replace(task, ends=task.started + fault.seconds / speed)
    if fault.kind == "services-disabled":
        return replace(task, leaves_disabled=True)
    if fault.kind == "wrong-build":
        return replace(task, effect="none" if fault.when == BEFORE else fault.value or "none")
    # After the change: the files are replaced, and only then it says that it failed.
    return replace(
        task, exit_code=int(fault.value), effect="done" if fault.when == AFTER else task.effect
    )


async def _watch(
    context: Context, machine: Machine, action: str, build: Build, wait_seconds: int
) -> Result:
    world, name = context.world, machine.server.name
    limit = world.clock() + wait_seconds
    while machine.task is not None and world.clock() < limit:
        remaining = min(machine.task.ends, limit) - world.clock()
        await asyncio.sleep(max(remaining, 0.0) + 0.01)
        machine = world.machine(name)
    finished = _finished(context, machine, action, build)
    if finished is not None:
        return finished
    task = machine.task
    before = _builds(task.before) if task else machine.stack
    path = task.log_path if task else None
    return _result(
        context, before, machine.stack, machine, finished=False, changed=True, log_path=path
    )


def _finished(context: Context, machine: Machine, action: str, build: Build) -> Result | None:
    """The end of a task with these arguments, told once; `None` if there is none to tell."""
    task = machine.result
    if task is None or (task.action, task.build) != (action, str(build)):
        return None
    machine.result = None
    context.world.save()
    before = _builds(task.before)
    result = _result(
        context,
        before,
        machine.stack,
        machine,
        finished=True,
        changed=True,
        exit_code=task.exit_code,
        log_path=task.log_path,
    )
    in_place = _in_place(machine, action, build)
    if task.exit_code == RESTART_NEEDED or (in_place and task.exit_code in (INSTALLED, None)):
        return result
    del result["changed"]
    where = f"look at {task.log_path} on {machine.server.name}"
    if task.exit_code is None:
        text = f"the task ended without an exit code and the build is {machine.build}; {where}"
        raise ModuleFailure(text, **result)
    if task.exit_code == INSTALLED:
        text = f"Windows Installer reported success, but the build is {machine.build}; {where}"
        raise ModuleFailure(text, **result)
    text = f"msiexec ended with {task.exit_code}; see {task.log_path} on {machine.server.name}"
    raise ModuleFailure(text, **result)


def _waiting(context: Context, machine: Machine) -> Result:
    return _result(
        context, machine.stack, machine.stack, machine, finished=False, exit_code=MUTEX_HELD
    )


def _builds(texts: Sequence[str]) -> list[Build]:
    return [parse_build(text) for text in texts]


def _result(
    context: Context,
    before: Sequence[Build],
    after: Sequence[Build],
    machine: Machine,
    *,
    finished: bool,
    changed: bool | None = None,
    exit_code: int | None = None,
    log_path: str | None = None,
) -> Result:
    def side(stack: Sequence[Build]) -> dict[str, Any]:
        rollups = describe_rollups(context.world, stack[1:])
        return {"build": str(stack[-1]), "rollups": rollups}

    difference = {"before": f"{side(before)['build']}\n", "after": f"{side(after)['build']}\n"}
    return {
        "changed": list(before) != list(after) if changed is None else changed,
        "finished": finished,
        "restart_required": machine.pending_restart,
        "exit_code": exit_code,
        "before": side(before),
        "after": side(after),
        "log_path": log_path,
        "diff": difference,
    }


MODULE = Module(
    "exchange_rollup",
    {
        **TARGET,
        "state": Option(choices=("present", "absent"), default="present"),
        "kind": Option(choices=("rollup", "service_pack"), default="rollup"),
        "build": Option(required=True),
        "path": Option(),
        "sha256": Option(),
        "patch_code": Option(),
        "kb": Option(),
        "wait_seconds": Option(type="int", default=30),
    },
    _run,
)
