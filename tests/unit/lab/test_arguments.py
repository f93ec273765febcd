"""Arguments held against a module's own documentation."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from orchestrator.lab import exchange
from orchestrator.lab.windows.arguments import BadArguments, Option, checked, documented
from orchestrator.lab.windows.module import Module

LIBRARY = Path(__file__).resolve().parents[3] / "playbooks" / "library"

OPTIONS = {
    "target": Option(required=True),
    "state": Option(choices=("present", "absent"), default="present"),
    "seconds": Option(type="int", default=30),
    "force": Option(type="bool"),
    "names": Option(type="list"),
}


def test_types_defaults_and_null() -> None:
    given = {"target": 5, "seconds": "7", "force": "yes", "names": "one", "state": None}
    assert checked("m", OPTIONS, given) == {
        "target": "5",
        "state": "present",
        "seconds": 7,
        "force": True,
        "names": ["one"],
    }


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "missing required arguments: target"),
        ({"target": None}, "missing required arguments: target"),
        ({"target": "a", "b": 1}, "Unsupported parameters for (m) module: b. Supported"),
        ({"target": "a", "state": "gone"}, "value of state must be one of: present, absent."),
        ({"target": "a", "seconds": "x"}, "argument for seconds is of type str"),
        ({"target": "a", "seconds": True}, "argument for seconds is of type bool"),
        ({"target": "a", "force": "perhaps"}, "unable to convert to bool"),
        ({"target": ["a"]}, "argument for target is of type list"),
    ],
)
def test_refusals(given: dict[str, object], said: str) -> None:
    with pytest.raises(BadArguments, match=re.escape(said)):
        checked("m", OPTIONS, given)


def test_without_documentation_there_is_none(tmp_path: Path) -> None:
    assert documented(None) is None
    assert documented(tmp_path / "x.ps1") is None
    (tmp_path / "x.yml").write_text("[]")
    assert documented(tmp_path / "x.ps1") is None
    assert documented(tmp_path / "x.py") is None


@pytest.mark.parametrize("module", exchange.modules(), ids=lambda module: module.name)
def test_the_lab_knows_the_options_the_modules_document(module: Module) -> None:
    assert documented(LIBRARY / f"{module.name}.ps1") == module.options
