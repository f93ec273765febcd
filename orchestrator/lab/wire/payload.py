"""What Ansible ships to a Windows host, decoded: which module, with which arguments.

Ansible sends a constant bootstrap script and, as input lines, first the execution wrapper with the
versions it needs, then four NUL characters, then a manifest of scripts and actions. The lab
recognises it by that structure and reads names and arguments; no PowerShell is ever run.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

_SEPARATOR = "\0\0\0\0"
_OWN_PREFIXES = ("ansible.legacy.", "ansible.builtin.")
_COLLECTION = re.compile(r"ansible_collections\.(\w+\.\w+)\.plugins\.modules\.(\w+)")
# The bootstrap begins with its own test of the PowerShell version and the answer it gives then.
_TOO_OLD = re.compile(r"PSVersion -lt \[Version\]\"([\d.]+)\"[^']*'(\{.*?\})'", re.DOTALL)


@dataclass(frozen=True)
class Bootstrap:
    """The least PowerShell the bootstrap wants, and its own answer on an older one."""

    minimum: str
    answer: str


@dataclass(frozen=True)
class ModuleCall:
    """One module with its arguments.

    Attributes:
        name: `win_ping` of a library folder as it is, of a collection `ansible.windows.win_ping`.
        arguments: as written in the task, without Ansible's own `_ansible_*`.
        path: where the module's file lies on the control node, if the payload says so.
        minimum_powershell: version the module asks for, empty when it asks for none.
        asynchronous: the task used `async`.
    """

    name: str
    arguments: dict[str, Any]
    check_mode: bool
    path: Path | None = None
    minimum_powershell: str = ""
    asynchronous: bool = False


@dataclass(frozen=True)
class Unsupported:
    """Something Ansible ships that the lab does not simulate."""

    what: str


@dataclass(frozen=True)
class Payload:
    """A decoded script: a module call or something else, and the bootstrap around it."""

    call: ModuleCall | Unsupported
    bootstrap: Bootstrap | None = field(default=None)


def decode(script: str, lines: Sequence[str]) -> Payload | None:
    """Read a shipped script; `None` when it is a bare script without a payload."""
    if not lines or _SEPARATOR not in lines:
        return None
    cut = list(lines).index(_SEPARATOR)
    try:
        wrapper = json.loads("".join(lines[:cut]))
        rest = list(lines[cut + 1 :])
        end = rest.index(_SEPARATOR) if _SEPARATOR in rest else len(rest)
        manifest = json.loads("".join(rest[:end]))
        actions = manifest["actions"]
        call = _call(actions, manifest["scripts"], wrapper.get("params") or {})
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return Payload(Unsupported(f"a payload of another Ansible version ({error!r})"))
    return Payload(call, _bootstrap(script))


def _call(
    actions: list[dict[str, Any]], scripts: dict[str, Any], wrapper: dict[str, Any]
) -> ModuleCall | Unsupported:
    last = actions[-1]
    if last["name"] != "module_wrapper.ps1":
        return Unsupported(f"Ansible's {last['name']}")
    script = str(last["params"]["Script"])
    variables = last["params"].get("Variables") or []
    values = next((v["Value"] for v in variables if v.get("Name") == "complex_args"), None)
    name = _name(script.removesuffix(".ps1"))
    if values is None:
        return Unsupported(f"the script {name}")
    path = scripts.get(script, {}).get("path")
    return ModuleCall(
        name=name,
        arguments={key: value for key, value in values.items() if not key.startswith("_ansible_")},
        check_mode=bool(values.get("_ansible_check_mode")),
        path=Path(path) if path else None,
        minimum_powershell=str(wrapper.get("MinPSVersion") or ""),
        asynchronous=any(action["name"].startswith("async_") for action in actions),
    )


def _name(script: str) -> str:
    found = _COLLECTION.fullmatch(script)
    if found is not None:
        return f"{found[1]}.{found[2]}"
    for prefix in _OWN_PREFIXES:
        script = script.removeprefix(prefix)
    return script


def _bootstrap(script: str) -> Bootstrap | None:
    found = _TOO_OLD.search(script)
    return Bootstrap(found[1], found[2]) if found is not None else None
