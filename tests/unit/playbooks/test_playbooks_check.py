"""Roles and playbooks against Ansible's own checks and the documentation of the modules."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

HERE = Path(__file__).parent
PLAYBOOKS = HERE.parents[2] / "playbooks"
BIN = Path(sys.executable).parent
STEPS = sorted(path for path in (HERE / "steps").glob("*.yml") if path.name != "hosts.yml")
READING = [PLAYBOOKS / f"{name}.yml" for name in ("read_state", "discover", "redirect_evidence")]
TASK_FILES = [
    *sorted(PLAYBOOKS.glob("roles/*/tasks/*.yml")),
    *READING,
    *STEPS,
]
OWN = {path.stem for path in (PLAYBOOKS / "library").glob("*.yml")}
PLACEHOLDER = {"str": "x", "path": "/x", "int": 1, "float": 1.0, "bool": True}
PLACEHOLDER |= {"list": [], "dict": {}}


def options(module: str) -> dict[str, Any]:
    content = yaml.safe_load((PLAYBOOKS / "library" / f"{module}.yml").read_text())
    return content["DOCUMENTATION"]["options"]


def complaints(module: str, arguments: dict[str, Any]) -> list[str]:
    """What the module would say to its arguments; a template passes as a value of its type."""
    known = ("type", "required", "choices", "default", "elements")
    spec = {
        name: {key: value[key] for key in known if key in value}
        for name, value in options(module).items()
    }
    given = {}
    for name, value in arguments.items():
        if isinstance(value, str) and "{{" in value and name in spec:
            choices = spec[name].get("choices")
            kind = spec[name].get("type", "str")
            value = choices[0] if choices and kind != "list" else PLACEHOLDER[kind]
        given[name] = value
    return list(ArgumentSpecValidator(spec).validate(given).error_messages)


def tasks(content: Any) -> Iterator[dict[str, Any]]:
    for entry in content or []:
        for key in ("tasks", "pre_tasks", "post_tasks", "handlers", "block", "rescue", "always"):
            yield from tasks(entry.get(key))
        yield entry


def calls(path: Path) -> list[tuple[str, dict[str, Any]]]:
    content = yaml.safe_load(path.read_text())
    return [(name, task[name]) for task in tasks(content) for name in OWN & set(task)]


def environment() -> dict[str, str]:
    return {
        **os.environ,
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "ANSIBLE_ROLES_PATH": str(PLAYBOOKS / "roles"),
        "ANSIBLE_LIBRARY": str(PLAYBOOKS / "library"),
    }


def test_every_module_is_used_and_every_use_fits_its_documentation():
    found = [(path, *call) for path in TASK_FILES for call in calls(path)]
    assert {module for _, module, _ in found} == OWN
    wrong = [
        f"{path.relative_to(PLAYBOOKS.parent)}: {module}: {complaint}"
        for path, module, arguments in found
        for complaint in complaints(module, arguments)
    ]
    assert wrong == []


@pytest.mark.parametrize("module", sorted(OWN))
def test_the_examples_in_the_documentation_fit_it(module):
    content = yaml.safe_load((PLAYBOOKS / "library" / f"{module}.yml").read_text())
    examples = yaml.safe_load(content["EXAMPLES"])
    assert [complaints(module, task[module]) for task in examples] == [[]] * len(examples)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"target": "x", "build": "1", "pathh": "y"}, "pathh. Supported parameters include: build"),
        ({"target": "x", "build": "1", "state": "gone"}, "must be one of: present, absent"),
        ({"target": "x"}, "missing required arguments: build"),
    ],
)
def test_a_wrong_argument_would_be_seen(arguments, complaint):
    assert complaint in " ".join(complaints("exchange_rollup", arguments))


def test_every_windows_module_is_delegated_to_the_management_host():
    for path in sorted(PLAYBOOKS.glob("roles/*/tasks/*.yml")):
        for task in tasks(yaml.safe_load(path.read_text())):
            for module in (OWN - {"owa_probe", "owa_probes"}) & set(task):
                assert "exchange_management_host | default(" in task["delegate_to"], (path, module)


@pytest.mark.parametrize("path", [*STEPS, *READING], ids=lambda p: p.name)
def test_syntax(path):
    done = subprocess.run(
        ["ansible-playbook", "-i", HERE / "steps/hosts.yml", "--syntax-check", path],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_ansible_lint_profile_production(tmp_path):
    done = subprocess.run(
        [
            "ansible-lint",
            "--offline",
            "--nocolor",
            "--profile=production",
            "--project-dir=.",
            "roles",
            "read_state.yml",
            "discover.yml",
            "redirect_evidence.yml",
            *STEPS,
        ],
        cwd=PLAYBOOKS,
        # Its cache goes elsewhere, not into the playbooks.
        env={**environment(), "ANSIBLE_HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Profile 'production' was required, and it passed" in done.stderr
