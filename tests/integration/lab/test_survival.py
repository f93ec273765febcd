"""The detached lab: up, down, and what is left after it was killed."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
import yaml
from typer.testing import CliRunner

from orchestrator.lab import remote
from orchestrator.lab.commands import app
from orchestrator.lab.lab import Lab
from orchestrator.lab.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "state"
    yield folder
    remote.down(Store(folder))


def _lab(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, arguments)
    return result.exit_code, result.output


def test_up_status_set_down(farm_file: Path, state: Path) -> None:
    at = ("--state", str(state))
    code, output = _lab("up", "-i", str(farm_file.parent), *at)
    assert code == 0, output
    assert f"-e @{state / 'connection.yml'}" in output
    assert "was up already" in _lab("up", "-i", str(farm_file.parent), *at)[1]
    code, output = _lab("status", *at)
    assert code == 0
    assert "ber-cas-71" in output
    assert "older_2010_source=serves" in output
    assert _lab("set", "older_2010_source=refuses", *at) == (0, "older_2010_source is refuses\n")
    code, output = _lab("set", "older_2010_source=maybe", *at)
    assert (code, output.count("\n")) == (1, 1)
    assert "serves or refuses" in output
    assert _lab("down", *at) == (0, "The lab is down; its state is kept.\n")
    assert _lab("down", *at) == (0, "No lab was running.\n")
    code, output = _lab("status", *at)
    assert (code, output.count("\n")) == (1, 1)
    assert "orchestrator lab up" in output


# One change each, and the process vanishes as soon as the module has answered.
_CHANGE_AND_DIE = """
import os, signal, sys
from pathlib import Path
from orchestrator.lab.lab import Lab
with Lab(Path(sys.argv[1]), Path(sys.argv[2])) as lab:
    if sys.argv[3] == "address":
        address = {"target": "rom-cas-01", "external_url": "https://x.example/owa"}
        assert lab.carry_out("exchange_virtual_directory", address)["changed"] is True
    else:
        package = {**lab.package("14.2.298.4"), "target": "rom-cas-01", "wait_seconds": 0}
        assert lab.carry_out("exchange_rollup", package)["finished"] is False
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_state_survives_kill_9_in_the_middle_of_an_installation(
    farm_file: Path, state: Path
) -> None:
    store = Store(state)
    _, running, _ = remote.up(farm_file, store, fresh=True)
    password = store.secret("administrator.password")
    remote.turn(store, "older_2010_source=refuses")
    remote.turn(store, "install_seconds=1.5")
    os.kill(running.pid, signal.SIGKILL)
    _wait_until_free(store)
    for change in ("address", "rollup"):
        program = [sys.executable, "-c", _CHANGE_AND_DIE, str(farm_file), str(state), change]
        ended = subprocess.run(program, check=False, capture_output=True, text=True)
        assert ended.returncode == -signal.SIGKILL, ended.stderr
    began = time.monotonic()
    _, again, _ = remote.up(farm_file, store, fresh=False)
    rome = _server(store, "rom-cas-01")
    if time.monotonic() - began < 1.3:
        assert (rome["state"], rome["build"]) == ("installing", "14.2.247.5")
    assert rome["external_url"] == "https://x.example/owa"
    os.kill(again.pid, signal.SIGKILL)
    _wait_until_free(store)
    time.sleep(max(0.0, 1.6 - (time.monotonic() - began)))
    _, third, _ = remote.up(farm_file, store, fresh=False)
    assert third.port == again.port
    assert _server(store, "rom-cas-01")["build"] == "14.2.298.4"
    assert remote.status(store)["switches"]["older_2010_source"] == "refuses"
    assert store.secret("administrator.password") == password


def _wait_until_free(store: Store) -> None:
    limit = time.monotonic() + 10
    while store.taken():
        assert time.monotonic() < limit, "the killed lab still holds its folder"
        time.sleep(0.01)


def test_fresh_begins_anew_with_new_passwords(farm_file: Path, state: Path) -> None:
    store = Store(state)
    remote.up(farm_file, store, fresh=True)
    password = store.secret("administrator.password")
    remote.turn(store, "ru2_fix=source")
    _, _, already = remote.up(farm_file, store, fresh=True)
    assert already is False
    assert store.secret("administrator.password") != password
    assert remote.status(store)["switches"]["ru2_fix"] == "both"


def test_files_hold_no_secret_where_others_may_look(farm_file: Path, tmp_path: Path) -> None:
    with Lab(farm_file, tmp_path / "state", fresh=True) as lab:
        folder = lab.store.folder
        variables = yaml.safe_load(lab.connection_file.read_text())
        assert variables["ansible_psrp_proxy"] == lab.proxy_url
        secrets = [
            path.read_text().strip() for path in lab.store.secrets.rglob("*") if path.is_file()
        ]
        assert len(secrets) > 8
        for path in folder.iterdir():
            if path.is_file():
                text = path.read_text()
                assert not any(secret in text for secret in secrets), path
        for path in lab.store.secrets.rglob("*"):
            mode = stat.S_IMODE(path.stat().st_mode)
            assert mode == (0o700 if path.is_dir() else 0o600), path


def _server(store: Store, name: str) -> dict[str, str]:
    rows: list[dict[str, str]] = remote.status(store)["servers"]
    return next(row for row in rows if row["server"] == name)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("domain: [", ":1:"),
        ("domain: x.example\nsites: [a]\n", "servers is missing"),
        ("[]", "expected a mapping"),
        (
            "domain: x.example\nsites: [a]\nservers:\n  s: {site: b, base: 14.2.247.5}\n",
            'unknown site "b"',
        ),
        (
            "domain: x.example\nsites: [a]\nservers:\n  s: {site: a, base: 14.2.28}\n",
            "14.2.28",
        ),
    ],
)
def test_a_bad_farm_file_is_one_clear_line(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "lab.yml").write_text(content)
    code, output = _lab("up", "-i", str(tmp_path), "--state", str(tmp_path / "state"))
    assert (code, output.count("\n")) == (1, 1), output
    assert said in output
    assert "lab.yml" in output


def test_other_mistakes_are_one_clear_line(farm_file: Path, tmp_path: Path) -> None:
    inventory = str(farm_file.parent)
    code, output = _lab("up", "-i", str(tmp_path), "--state", str(tmp_path / "s"))
    assert (code, output.count("\n")) == (1, 1)
    assert "lab.yml" in output
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "precious.txt").write_text("mine")
    for fresh in ((), ("--fresh",)):
        code, output = _lab("up", "-i", inventory, "--state", str(foreign), *fresh)
        assert (code, output.count("\n")) == (1, 1)
        assert "choose another --state" in output
    assert (foreign / "precious.txt").exists()
    changed = tmp_path / "inventory"
    changed.mkdir()
    (changed / "lab.yml").write_text(farm_file.read_text() + "# changed\n")
    with Lab(farm_file, tmp_path / "s", fresh=True):
        pass
    code, output = _lab("up", "-i", str(changed), "--state", str(tmp_path / "s"))
    assert (code, output.count("\n")) == (1, 1)
    assert "--fresh" in output
