#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: the probes of a step through every source, side by side.

Documented in owa_probes.yml beside this file.
"""

from __future__ import annotations

import ssl
import threading
import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.owa_logon import check_arguments, run
from ansible.module_utils.owa_turns import side_by_side

# What a result tells of its probe.
TOLD = ("path", "target_site", "target_product_line", "mailbox")


class Round:
    """Sends probes, each as often as it takes to be sure of it."""

    def __init__(self, params: dict[str, Any]) -> None:
        self._params = params
        self._contexts: dict[str | None, ssl.SSLContext] = {}
        self._refused: dict[str, str] = {}
        self._lock = threading.Lock()

    def all(self) -> list[dict[str, Any]]:
        """One result per probe and source, in their order."""
        params = self._params
        pairs = [(probe, source) for probe in params["probes"] for source in probe["sources"]]
        results: list[dict[str, Any]] = [{} for _ in pairs]
        waiting = list(range(len(pairs)))
        for number in range(1, params["times"] + 1):
            tasks = [(pairs[place][1], place) for place in waiting]
            seen = side_by_side(
                tasks,
                lambda place: self._one(*pairs[place]),
                at_once=params["at_once"],
                each=params["per_source"],
            )
            for place, result in zip(waiting, seen, strict=True):
                results[place] = {**_item(*pairs[place]), **result, "attempts": number}
            waiting = [place for place in waiting if self._may_change(results[place])]
            if not waiting:
                break
            if number < params["times"]:
                time.sleep(params["delay"])
        return results

    def _may_change(self, result: dict[str, Any]) -> bool:
        """Whether another look is worth it: of silence always, of anything while a path settles."""
        if result.get("as_expected", True) or result["outcome"] in ("broken", "denied"):
            return False
        return bool(self._params["settles"]) or result["outcome"] == "unavailable"

    def _one(self, probe: dict[str, Any], source: str) -> dict[str, Any]:
        arguments = self._arguments(probe, source)
        wrong = check_arguments(arguments)
        if wrong:
            return {"msg": wrong}
        mailbox = probe["mailbox"]
        if mailbox in self._refused:
            why = f"{self._refused[mailbox]} refused {mailbox} or its password"
            return {"msg": f"not tried, so that the mailbox is not locked out: {why}"}
        try:
            context = self._context(self._params["sources"][source].get("ca_path") or None)
        except (OSError, ssl.SSLError) as error:
            path = self._params["sources"][source].get("ca_path")
            return {"msg": f"ca_path: cannot read certificates from {path}: {error}"}
        result = run(arguments, context)
        if result["outcome"] == "denied":
            self._refused.setdefault(mailbox, source)
        del result["changed"]
        if result["as_expected"]:
            # Of thousands only those are looked at one by one that are not as expected.
            del result["tries"]
        return result

    def _arguments(self, probe: dict[str, Any], source: str) -> dict[str, Any]:
        way = self._params["sources"][source]
        return {
            "url": way["url"],
            "host_name": way.get("host_name") or None,
            "source": way.get("name") or source,
            "mailbox": probe["mailbox"],
            "password": self._params["passwords"][probe["password_host"]],
            "http_proxy": way.get("http_proxy") or None,
            "server_header": way.get("server_header") or "X-DiagInfo",
            "targets": probe.get("targets") or [],
            "expect": probe["expect"],
            "redirect_url": probe.get("redirect_url") or None,
            "may_break": bool(probe.get("may_break")),
            "attempts": self._params["attempts"],
            "timeout": self._params["timeout"],
        }

    def _context(self, ca_path: str | None) -> ssl.SSLContext:
        # Loading the system's authorities takes longer than a log-on.
        with self._lock:
            if ca_path not in self._contexts:
                self._contexts[ca_path] = ssl.create_default_context(cafile=ca_path)
            return self._contexts[ca_path]


def _item(probe: dict[str, Any], source: str) -> dict[str, Any]:
    return {"item": [{name: probe[name] for name in TOLD if name in probe}, source]}


ARGUMENTS: dict[str, Any] = {
    "probes": {"type": "list", "elements": "dict", "required": True},
    "sources": {"type": "dict", "required": True},
    "passwords": {"type": "dict", "required": True, "no_log": True},
    "at_once": {"type": "int", "default": 16},
    "per_source": {"type": "int", "default": 2},
    "attempts": {"type": "int", "default": 12},
    "timeout": {"type": "int", "default": 30},
    "settles": {"type": "bool", "default": False},
    "times": {"type": "int", "default": 1},
    "delay": {"type": "float", "default": 15.0},
}


def check(params: dict[str, Any]) -> str | None:
    """The first thing wrong with the arguments as a whole; None where all is well."""
    for name in ("at_once", "per_source", "times"):
        if params[name] < 1:
            return f"{name}: {params[name]} is less than 1"
    for probe in params["probes"]:
        for name in ("sources", "mailbox", "password_host", "expect"):
            if name not in probe:
                return f"probes: one has no {name}"
        if probe["password_host"] not in params["passwords"]:
            return f"passwords: none for {probe['password_host']}"
        for source in probe["sources"]:
            if "url" not in (params["sources"].get(source) or {}):
                return f"sources: no url for {source}"
    return None


def main() -> None:
    """Entry point for Ansible."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    wrong = check(module.params)
    if wrong:
        module.fail_json(msg=wrong)
    if module.check_mode:
        # Nothing was changed, so nothing settles.
        module.params["settles"] = False
    module.exit_json(changed=False, results=Round(module.params).all())


if __name__ == "__main__":
    main()
