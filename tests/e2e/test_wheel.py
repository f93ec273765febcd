"""The wheel, installed where no checkout is: it plans, and writes playbooks Ansible accepts."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).resolve().parents[2]
GOALS = ("--to", "2010 SP2 RU2", "--to", "2007 SP3 RU7")


def command(*arguments: object, cwd: Path, env: dict[str, str]) -> str:
    done = subprocess.run(
        [*map(str, arguments)], check=False, capture_output=True, text=True, cwd=cwd, env=env
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def env(environment: Callable[..., dict[str, str]]) -> dict[str, str]:
    return environment(PIP_NO_INDEX="1", PIP_DISABLE_PIP_VERSION_CHECK="1")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory, env: dict[str, str]) -> Path:
    """An environment with the wheel and, of the checkout's one, what the wheel depends on."""
    root = tmp_path_factory.mktemp("wheel")
    build = ("-m", "build", "--wheel", "--no-isolation", "--outdir", root, PROJECT)
    command(sys.executable, *build, cwd=root, env=env)
    (wheel,) = root.glob("*.whl")
    venv.create(root / "venv")
    python = root / "venv" / "bin" / "python"
    install = ("-m", "pip", "--python", python, "install", "--quiet", "--no-deps", wheel)
    command(sys.executable, *install, cwd=root, env=env)
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = Path(command(python, "-I", "-c", where, cwd=root, env=env).strip())
    # A folder named in a .pth file is searched, but its own .pth files, by which the checkout is
    # installed there, are not read.
    (site / "dependencies.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    return python.parent


def test_the_installed_program_is_not_the_checkout(
    installed: Path, env: dict[str, str], tmp_path: Path
) -> None:
    ask = "import orchestrator; print(orchestrator.__file__)"
    found = Path(command(installed / "python", "-c", ask, cwd=tmp_path, env=env).strip())
    assert found.is_relative_to(installed.parent)
    assert not found.is_relative_to(PROJECT)


def test_it_plans_and_generates_the_same_as_the_checkout(
    installed: Path,
    env: dict[str, str],
    tmp_path: Path,
    run: Callable[..., Any],
    contoso: Callable[[Path], Path],
    tools: Any,
) -> None:
    inventory = contoso(tmp_path / "contoso")
    words = ("plan", "-i", inventory, *GOALS, "-o")
    command(installed / "orchestrator", *words, tmp_path / "plan", cwd=tmp_path, env=env)
    run(*words, tmp_path / "by-checkout")

    def tree(folder: Path) -> dict[str, bytes]:
        files = (path for path in folder.rglob("*") if path.is_file())
        return {str(path.relative_to(folder)): path.read_bytes() for path in files}

    made = tree(tmp_path / "plan")
    assert made == tree(tmp_path / "by-checkout")
    for name in (
        "playbooks/roles/exchange_rollup/tasks/main.yml",
        "playbooks/library/exchange_rollup.ps1",
        "playbooks/library/owa_probe.py",
        "rollback/playbooks/000-assert-state.yml",
    ):
        assert name in made
    for part in ("", "rollback"):
        site = tmp_path / "plan" / part / "playbooks" / "site.yml"
        said = tools.ansible_playbook("--syntax-check", "-i", inventory / "hosts.yml", site)
        assert "playbook: " in said.out
