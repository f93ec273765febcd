"""Arrows point one way: who may import whom, measured from the sources themselves."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "orchestrator"
PURE = {"model", "rules", "graph", "planner", "checker", "drawing"}
ALLOWED = {
    "model": set(),
    "rules": {"model"},
    "graph": {"model", "rules"},
    "checker": {"model", "rules"},
    "planner": {"model", "rules", "errors", "diagnostic"},
    # of inventory only what reads YAML with places and collects findings
    "planfile": {"model", "rules", "checker", "errors", "diagnostic", "inventory"},
    "playbook": {"model", "errors"},
    "inventory": {"model", "errors", "diagnostic", "shipped"},
    "journal": {"errors"},
    "notify": {"errors"},
    "execution": {"model", "journal", "errors", "diagnostic", "shipped"},
    # of planner only the values of its explanations
    "web": {
        *("model", "rules", "drawing", "planfile", "execution", "journal"),
        *("errors", "shipped"),
    },
    "report": {
        *("model", "rules", "graph", "planner", "checker", "execution", "journal"),
        *("drawing", "planfile", "errors", "diagnostic", "discovery"),
    },
    # of the journal only its views
    "drawing": {"model", "rules", "journal"},
    "lab": set(),
    "discovery": {"model", "rules", "errors", "diagnostic", "inventory", "shipped"},
}
FORBIDDEN_IN_PURE = {
    *("os", "io", "pathlib", "socket", "subprocess", "time", "random", "sqlite3"),
    # zones come in as tzinfo: which rules hold must not depend on the machine's zone files
    *("zoneinfo", "tzdata"),
    *("requests", "ansible", "ansible_runner", "yaml", "logging", "tempfile", "shutil"),
}

# datetime and dateutil.rrule only calculate, but for these: windows are local rules made instants
CLOCKS = {"now", "utcnow", "today"}


def modules(room: str) -> list[Path]:
    return sorted((PACKAGE / room).rglob("*.py"))


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def rooms_used(path: Path) -> set[str]:
    found = set()
    for name in imported(path):
        parts = name.split(".")
        if parts[0] == "orchestrator" and len(parts) > 1:
            found.add(parts[1])
    return found


@pytest.mark.parametrize("room", sorted(ALLOWED))
def test_room_imports_only_what_it_may(room: str) -> None:
    assert modules(room)
    for path in modules(room):
        foreign = rooms_used(path) - {room} - ALLOWED[room]
        assert foreign == set(), f"{path.relative_to(PACKAGE)} imports {foreign}"


@pytest.mark.parametrize("room", sorted(PURE))
def test_pure_rooms_touch_no_outside_world(room: str) -> None:
    for path in modules(room):
        found = {name.split(".")[0] for name in imported(path)} & FORBIDDEN_IN_PURE
        assert found == set(), f"{path.relative_to(PACKAGE)} imports {found}"
        calls = {
            node.func.id
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        assert "open" not in calls
        names = {
            n.attr for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Attribute)
        }
        assert names & CLOCKS == set(), f"{path.relative_to(PACKAGE)} reads a clock"


def test_only_the_command_line_knows_the_lab() -> None:
    for path in sorted(PACKAGE.rglob("*.py")):
        room = path.relative_to(PACKAGE).parts[0]
        if room not in {"lab", "cli"}:
            assert "lab" not in rooms_used(path), path


@pytest.mark.parametrize(
    ("library", "home"),
    [
        ("ansible", "inventory/ansible_source.py"),
        ("ansible_runner", "execution/runner.py"),
        ("ortools", "planner/core.py"),
        ("evtx", "discovery/events/evtx_file.py"),
        ("apprise", "notify/sinks.py"),
    ],
)
def test_each_heavy_library_has_one_door(library: str, home: str) -> None:
    doors = {
        path.relative_to(PACKAGE).as_posix()
        for path in sorted(PACKAGE.rglob("*.py"))
        if library in {name.split(".")[0] for name in imported(path)}
    }
    assert doors == {home}
