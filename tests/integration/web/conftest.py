"""A plan folder to be served; its journal is written by hand."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.served import FARM, GOALS, Served

from orchestrator.cli.main import main
from orchestrator.cli.serve import Options


@pytest.fixture(scope="session")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("planned") / "plan"
    words = ["plan", "-i", str(FARM), "-e", "exchange_secrets_folder=/nowhere", *GOALS]
    assert main([*words, "-o", str(folder)]) == 0
    return folder


@pytest.fixture
def folder(planned: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(planned, tmp_path / "plan"))


@pytest.fixture
def served(folder: Path) -> Iterator[Served]:
    with Served(options=Options(folder, port=0)) as made:
        yield made
