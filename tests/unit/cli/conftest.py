"""A plan folder of a small farm, and commands run as they are typed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from support.cases import FOLDER, load_case

from orchestrator.cli.main import main
from orchestrator.planfile.organization import organization_document
from orchestrator.planfile.organization_file import write_organization

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    case = load_case(FOLDER / "03-pair-one-capable.yml")
    document = organization_document(case.topology, case.start, case.goals, case.book)
    write_organization(document, folder / "o.json")
    assert main(["plan", "--organization", str(folder / "o.json"), "-o", str(folder / "p")]) == 0
    return folder / "p"


@pytest.fixture
def plan(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "plan"))


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def go(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        shown = capsys.readouterr()
        assert "Traceback" not in shown.err
        return code, shown.out, shown.err

    return go
