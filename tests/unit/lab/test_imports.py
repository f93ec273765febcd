"""The lab must not prove the product with the product's own code."""

from __future__ import annotations

import ast
from pathlib import Path

import orchestrator.lab

PACKAGE = Path(orchestrator.lab.__file__).parent
ROOT = PACKAGE.parent


def _imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            base = node.module or ""
            names |= {base} | {f"{base}.{alias.name}" for alias in node.names}
    return names


def test_the_lab_imports_nothing_of_the_product() -> None:
    files = list(PACKAGE.rglob("*.py"))
    assert len(files) > 20
    for path in files:
        foreign = {
            name
            for name in _imported(path)
            if name.startswith("orchestrator.") and not name.startswith("orchestrator.lab")
        }
        assert not foreign, f"{path.relative_to(ROOT)} imports {sorted(foreign)}"
        assert not {name for name in _imported(path) if name.split(".")[0] == "ansible"}


def test_only_the_command_line_knows_the_lab() -> None:
    for path in ROOT.rglob("*.py"):
        if PACKAGE in path.parents or path.parent.name == "cli":
            continue
        used = {name for name in _imported(path) if name.startswith("orchestrator.lab")}
        assert not used, f"{path.relative_to(ROOT)} imports {sorted(used)}"
