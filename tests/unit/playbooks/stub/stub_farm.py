"""A farm in one JSON file, for running the real roles without any Windows host.

Not the lab: it knows nothing of Exchange. It answers what the test wrote down, changes the few
values the roles look at, and notes down every call. Arguments are checked with the sidecar
documentation of the real modules.
"""

from __future__ import annotations

import copy
import fcntl
import importlib.util
import json
import os
from pathlib import Path
from types import ModuleType
from typing import Any

import ansible.module_utils
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase


def argument_spec(name: str) -> dict[str, Any]:
    """What the real module takes, from its sidecar documentation."""
    library = Path(os.environ["STUB_LIBRARY"])
    options = yaml.safe_load((library / f"{name}.yml").read_text())["DOCUMENTATION"]["options"]
    known = {"type", "required", "default", "choices", "elements"}
    return {key: {k: v for k, v in value.items() if k in known} for key, value in options.items()}


def load_module(name: str) -> ModuleType:
    """A module for the control node, from its file; what it shares lies beside the library."""
    library = Path(os.environ["STUB_LIBRARY"])
    shared = str(library.parent / "module_utils")
    if shared not in ansible.module_utils.__path__:
        ansible.module_utils.__path__.append(shared)
    spec = importlib.util.spec_from_file_location(name, library / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Stub(ActionBase):
    """Stands for a module; an action plugin, because that needs no process of its own."""

    name = ""

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        checked = ArgumentSpecValidator(argument_spec(self.name)).validate(self._task.args)
        if checked.error_messages:
            return {"failed": True, "msg": "; ".join(checked.error_messages)}
        self.args: dict[str, Any] = checked.validated_parameters
        self.check = bool(self._task.check_mode)
        path = Path(os.environ["STUB_FARM"])
        with path.open("r+") as file:
            # Several hosts run at the same time.
            fcntl.flock(file, fcntl.LOCK_EX)
            self.farm: dict[str, Any] = json.load(file)
            given = {k: v for k, v in self.args.items() if v is not None and k != "password"}
            self.farm["calls"].append({"module": self.name, "check": self.check, **given})
            self.server: dict[str, Any] = self.farm["servers"].get(self.args.get("target"), {})
            unreadable = self.server.get("unreadable")
            result = {"failed": True, "msg": unreadable} if unreadable else self.answer()
            file.seek(0)
            file.truncate()
            json.dump(self.farm, file)
        return {"changed": False, **result}

    def answer(self) -> dict[str, Any]:
        raise NotImplementedError


class ServerFacts(Stub):
    name = "exchange_server_facts"

    def answer(self) -> dict[str, Any]:
        server = self.server
        if server.get("busy_reads", 0) > 0:
            server["busy_reads"] -= 1
            server["installer_running"] = server["busy_reads"] > 0
        return {"exchange_server": copy.deepcopy(server)}


class Rollup(Stub):
    name = "exchange_rollup"

    def answer(self) -> dict[str, Any]:
        server, args = self.server, self.args
        present = args["state"] == "present"
        before = {"build": server["build"], "rollups": []}
        result = {"exit_code": None, "restart_required": False, "log_path": "C:\\log"}
        needed = (server["build"] == args["build"]) is not present
        left = args["build"] if present else server.get("left", "14.2.247.5")
        if self.check or not needed:
            after = {"build": left if needed else server["build"], "rollups": []}
            return {**result, "changed": needed, "finished": True, "before": before, "after": after}
        if server.get("slow_polls", 0) > 0:
            server["slow_polls"] -= 1
            return {**result, "changed": True, "finished": False, "before": before, "after": before}
        server["build"] = left
        # A rollup that comes to light beneath is removed once, too.
        server.pop("left", None)
        restart = bool(server.get("wants_restart"))
        server["pending_restart"] = result["restart_required"] = restart
        after = {"build": left, "rollups": []}
        return {**result, "changed": True, "finished": True, "before": before, "after": after}


class VirtualDirectory(Stub):
    name = "exchange_virtual_directory"

    def answer(self) -> dict[str, Any]:
        server, args = self.server, self.args
        before = copy.deepcopy(server["virtual_directories"]["owa"])
        goal, expected = args["external_url"], args["expected_external_url"]
        live = before["external_url"] or ""
        if expected is not None and live not in (expected, goal):
            return {"failed": True, "msg": f"drift: {live} is not {expected}", "drift": True}
        if goal is None:
            replicas = server.get("replicas", {})
            behind = replicas.get(args["domain_controller"], 0)
            if behind > 0:
                replicas[args["domain_controller"]] = behind - 1
                before["external_url"] = None
            return {"before": before, "after": before}
        after = {**before, "external_url": goal or None}
        if not self.check:
            server["virtual_directories"]["owa"] = after
        return {"changed": live != goal, "before": before, "after": after}


class ServiceHealth(Stub):
    name = "exchange_service_health"

    def answer(self) -> dict[str, Any]:
        services = self.server["services"]
        if self.server.get("starting_polls", 0) > 0:
            self.server["starting_polls"] -= 1
            services = [{**one, "state": "Start Pending"} for one in services]
        healthy = all(one["state"] == "Running" for one in services if one["required"])
        return {
            "healthy": healthy,
            "before": {"services": services},
            "after": {"services": services},
        }


class Restart(Stub):
    name = "exchange_restart"

    def answer(self) -> dict[str, Any]:
        if not self.check:
            self.server["pending_restart"] = False
        return {
            "changed": True,
            "before": {"last_boot_time": "1"},
            "after": {"last_boot_time": "2"},
        }


class OwaResources(Stub):
    name = "exchange_owa_resources"

    def answer(self) -> dict[str, Any]:
        folders, build = self.server["owa_version_folders"], self.args["build"]
        before = {"present": build in folders, "files": 3 if build in folders else 0}
        result = {"before": before, "after": before, "copied_from": None, "folder": f"owa\\{build}"}
        if build in folders:
            return result
        origins = [
            name
            for name in self.args["origins"] or []
            if build in self.farm["servers"].get(name, {}).get("owa_version_folders", [])
        ]
        origins += [self.args["share"]] if self.args["share"] else []
        if not origins and self.args["if_nobody_has_it"] == "leave":
            return result
        if not origins:
            return {"failed": True, "msg": f"nobody has the files of {build}"}
        if not self.check and not self.server.get("loses_folders"):
            folders.append(build)
        after = {"present": True, "files": 3}
        return {**result, "changed": True, "after": after, "copied_from": origins[0]}


class Probe(Stub):
    name = "owa_probe"

    def answer(self) -> dict[str, Any]:
        return self.seen(self.args)

    def seen(self, arguments: dict[str, Any]) -> dict[str, Any]:
        answers = self.farm["probes"][f"{arguments['source']} {arguments['mailbox']}"]
        answer: dict[str, Any] = answers.pop(0) if len(answers) > 1 else answers[0]
        return answer


class Probes(Probe):
    """The real repetitions, with answers from the farm; a probe is a call of its own."""

    name = "owa_probes"

    def answer(self) -> dict[str, Any]:
        stub, settles = self, self.args["settles"] and not self.check

        class Round(load_module("owa_probes").Round):  # type: ignore[misc]
            def _one(self, probe: dict[str, Any], source: str) -> dict[str, Any]:
                arguments = self._arguments(probe, source)
                given = {k: v for k, v in arguments.items() if v is not None and k != "password"}
                stub.farm["calls"].append({"module": "owa_probe", "check": stub.check, **given})
                return {k: v for k, v in stub.seen(arguments).items() if k != "failed"}

        return {"results": Round({**self.args, "at_once": 1, "settles": settles}).all()}
