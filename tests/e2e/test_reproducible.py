"""Same input, same bytes, whatever the folder, the hash seed and the order of the YAML."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

GOALS = ("--to", "2010 SP2 RU2", "--to", "2007 SP3 RU7")


def tree(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def shuffled(value: Any, chance: random.Random) -> Any:
    """The same mappings and lists of mappings in another order."""
    if isinstance(value, dict):
        keys = list(value)
        chance.shuffle(keys)
        return {key: shuffled(value[key], chance) for key in keys}
    if isinstance(value, list) and all(isinstance(item, dict) for item in value):
        return chance.sample([shuffled(item, chance) for item in value], len(value))
    return value


@pytest.fixture(scope="module")
def first(
    run: Callable[..., Any],
    contoso: Callable[[Path], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("first")
    inventory = contoso(folder / "contoso")
    run("plan", "-i", inventory, *GOALS, "-o", folder / "plan", PYTHONHASHSEED="0")
    files = tree(folder / "plan")
    assert len(files) > 50
    for name, content in files.items():
        assert str(folder).encode() not in content, name
    return files


def test_another_folder_and_hash_seed(
    first: dict[str, bytes],
    run: Callable[..., Any],
    contoso: Callable[[Path], Path],
    tmp_path: Path,
) -> None:
    inventory = contoso(tmp_path / "elsewhere" / "contoso")
    folder = tmp_path / "another" / "folder"
    run("plan", "-i", inventory, *GOALS, "-o", folder, PYTHONHASHSEED="1")
    assert tree(folder) == first


def test_another_order_of_hosts_pools_paths_and_packages(
    first: dict[str, bytes],
    run: Callable[..., Any],
    contoso: Callable[[Path], Path],
    tmp_path: Path,
) -> None:
    inventory = contoso(tmp_path / "contoso")
    chance = random.Random(2)
    for name in ("hosts.yml", "organization.yml"):
        file = inventory / name
        before = yaml.safe_load(file.read_text())
        after = shuffled(before, chance)
        text = yaml.safe_dump(after, sort_keys=False)
        assert text != yaml.safe_dump(before, sort_keys=False)
        file.write_text(text)
    goals = (*GOALS[2:], *GOALS[:2])
    run("plan", "-i", inventory, *goals, "-o", tmp_path / "plan", PYTHONHASHSEED="3")
    assert tree(tmp_path / "plan") == first
