"""The child gets what it needs by name, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.execution.environment import child_environment

FOLDER = Path("/runs/a-1")


def test_only_named_variables_pass() -> None:
    parent = {
        "PATH": "/bin",
        "HOME": "/home/ada",
        "AWS_SECRET_ACCESS_KEY": "s3cret",
        "HTTPS_PROXY": "http://user:s3cret@proxy",
        "ANSIBLE_STDOUT_CALLBACK": "yaml",
        "LANG": "de_DE.UTF-8",
    }
    runner = {**parent, "AWX_ISOLATED_DATA_DIR": "/x", "ANSIBLE_STDOUT_CALLBACK": "awx_display"}
    env = child_environment(parent, runner, FOLDER)
    assert "s3cret" not in str(env)
    assert env["ANSIBLE_STDOUT_CALLBACK"] == "awx_display"
    assert (env["AWX_ISOLATED_DATA_DIR"], env["LANG"]) == ("/x", "de_DE.UTF-8")
    assert "LC_ALL" not in env
    assert env["ANSIBLE_CONFIG"] == "/runs/a-1/ansible.cfg"
    assert env["ANSIBLE_HOST_KEY_CHECKING"] == "True"


def test_the_operators_own_configuration_and_vault_file_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    parent = {"ANSIBLE_CONFIG": "my.cfg", "ANSIBLE_VAULT_PASSWORD_FILE": "/etc/vault"}
    env = child_environment(parent, {}, FOLDER)
    assert env["ANSIBLE_CONFIG"] == str(tmp_path / "my.cfg")
    assert env["ANSIBLE_VAULT_PASSWORD_FILE"] == "/etc/vault"


@pytest.mark.parametrize("parent", [{}, {"LANG": "C"}, {"LC_ALL": "POSIX"}])
def test_a_utf_8_locale_is_made_sure_of(parent: dict[str, str]) -> None:
    assert child_environment(parent, {}, FOLDER)["LC_ALL"] == "C.UTF-8"
