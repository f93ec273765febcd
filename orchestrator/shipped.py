"""What ships with the program: build catalogue, rule packs, schemas, playbooks."""

from __future__ import annotations

import functools
from importlib.resources import files
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from orchestrator.diagnostic import Diagnostic
from orchestrator.errors import InvalidInput
from orchestrator.model.build import Build, Catalogue, Release
from orchestrator.rules.in_force import DEFAULT_PACK
from orchestrator.rules.pack import parse_pack
from orchestrator.rules.rule import Rule

_PACKAGE = Path(__file__).parent
_TZDATA = files("tzdata")

# libyaml's loader is about ten times faster; wheels of PyYAML carry it on common platforms.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load_yaml(text: str) -> Any:
    """Load one YAML document without running anything in it."""
    return yaml.load(text, Loader=_LOADER)  # noqa: S506 - both loaders are safe ones


@functools.cache
def catalogue() -> Catalogue:
    """The shipped build catalogue; each row carries its source."""
    rows = load_yaml((_PACKAGE / "rules" / "builds.yml").read_text(encoding="utf-8"))["builds"]
    return Catalogue(
        Release(
            build=Build.parse(row["build"]),
            product_line=row["product"].removeprefix("Exchange "),
            service_pack=row["service_pack"] or "",
            rollup=row["rollup"] or "",
            cumulative_update=row["cu"] or "",
            security_update=row["su"] or "",
            kb=row["kb"] if row["kb_confidence"] == "doc" else "",
            source=row["source"],
        )
        for row in rows
    )


def rule_pack_names() -> list[str]:
    """The packs that ship."""
    return sorted(path.stem for path in (_PACKAGE / "rules" / "packs").glob("*.yml"))


@functools.cache
def rule_pack(name: str = DEFAULT_PACK) -> tuple[Rule, ...]:
    """The rules of a shipped pack.

    Raises
    ------
    InvalidInput
        If no pack has this name.
    """
    if name not in rule_pack_names():
        raise InvalidInput(
            [
                Diagnostic(
                    "CAS-E707",
                    f"rule pack {name}",
                    "does not ship with this version",
                    remedy=f"known packs: {', '.join(rule_pack_names())}",
                )
            ]
        )
    path = _PACKAGE / "rules" / "packs" / f"{name}.yml"
    return parse_pack(load_yaml(path.read_text(encoding="utf-8")))


def playbooks_folder() -> Path:
    """The shipped playbooks: inside the package when installed, beside it in a checkout."""
    installed = _PACKAGE / "playbooks"
    return installed if installed.is_dir() else _PACKAGE.parent / "playbooks"


def playbook_parts() -> dict[str, str]:
    """Roles, modules and what they share, by path relative to a playbook folder."""
    folder = playbooks_folder()
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for part in ("roles", "library", "module_utils")
        for path in sorted((folder / part).rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


@functools.cache
def zone_names() -> frozenset[str]:
    """The IANA time zones there are."""
    return frozenset(_TZDATA.joinpath("zones").read_text(encoding="utf-8").split())


@functools.cache
def zone(name: str) -> ZoneInfo:
    """A time zone, always from the tzdata package: machines' own files differ in age.

    Parameters
    ----------
    name : str
        One of `zone_names`.
    """
    with _TZDATA.joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)
