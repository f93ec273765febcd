"""Check a task's arguments against a module's own documentation, as the module would on a host."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_TRUE = {"y", "yes", "on", "1", "true", "t"}
_FALSE = {"n", "no", "off", "0", "false", "f"}


class BadArguments(Exception):
    """The arguments a module refuses; the text is what it answers."""


@dataclass(frozen=True)
class Option:
    """One documented option."""

    type: str = "str"
    required: bool = False
    choices: tuple[str, ...] = ()
    default: Any = None
    no_log: bool = False


Options = dict[str, Option]


def documented(module_file: Path | None) -> Options | None:
    """The options in the documentation beside a module's file, `None` without any.

    Args:
        module_file: the `.ps1` file whose `.yml` (or `.yaml`) neighbour is read.
    """
    if module_file is None or module_file.suffix != ".ps1":
        return None
    for suffix in (".yml", ".yaml"):
        sidecar = module_file.with_suffix(suffix)
        try:
            return _read(sidecar, sidecar.stat().st_mtime_ns)
        except (OSError, yaml.YAMLError, AttributeError, TypeError):
            continue
    return None


@functools.lru_cache(maxsize=64)
def _read(sidecar: Path, _changed: int) -> Options:
    content = yaml.safe_load(sidecar.read_text(encoding="utf-8"))
    options = content["DOCUMENTATION"].get("options") or {}
    return {
        name: Option(
            type=str(entry.get("type", "str")),
            required=bool(entry.get("required", False)),
            choices=tuple(entry.get("choices", ())),
            default=entry.get("default"),
            no_log=bool(entry.get("no_log", False)),
        )
        for name, entry in options.items()
    }


def checked(module: str, options: Options, given: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments with their right types and defaults; omitted and null ones are `None`.

    Raises:
        BadArguments: an unknown option, a missing one, a wrong type or choice.
    """
    unknown = sorted(set(given) - set(options))
    if unknown:
        raise BadArguments(
            f"Unsupported parameters for ({module}) module: {', '.join(unknown)}. "
            f"Supported parameters include: {', '.join(sorted(options))}"
        )
    missing = [name for name, o in options.items() if o.required and given.get(name) is None]
    if missing:
        raise BadArguments(f"missing required arguments: {', '.join(sorted(missing))}")
    values: dict[str, Any] = {}
    for name, option in options.items():
        value = given.get(name)
        if value is None:
            value = option.default
        values[name] = None if value is None else _converted(name, option, value)
    return values


def _converted(name: str, option: Option, value: Any) -> Any:
    converted = _typed(name, option.type, value)
    if option.choices and converted not in option.choices:
        raise BadArguments(
            f"value of {name} must be one of: {', '.join(option.choices)}. "
            f"Got no match for: {converted}"
        )
    return converted


def _typed(name: str, kind: str, value: Any) -> Any:
    match kind:
        case "str" | "path" if isinstance(value, str | int | float):
            return str(value)
        case "bool" if isinstance(value, bool):
            return value
        case "bool" if str(value).lower() in _TRUE | _FALSE:
            return str(value).lower() in _TRUE
        case "int" if isinstance(value, int) and not isinstance(value, bool):
            return value
        case "int" if isinstance(value, str) and value.strip().lstrip("-").isdecimal():
            return int(value)
        case "list":
            return value if isinstance(value, list) else [value]
        case "dict" if isinstance(value, dict):
            return value
        case "raw":
            return value
    kind_given = type(value).__name__
    raise BadArguments(
        f"argument for {name} is of type {kind_given} and we were unable to convert to {kind}: "
        f"{value}"
    )
