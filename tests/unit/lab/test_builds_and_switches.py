"""Small value types: builds and switches."""

from __future__ import annotations

import pytest

from orchestrator.lab import switches
from orchestrator.lab.builds import parse_build
from orchestrator.lab.errors import LabError


def test_builds_are_read_printed_and_ordered() -> None:
    build = parse_build("14.02.0283.003")
    assert (str(build), build.padded, build.line) == ("14.2.283.3", "14.02.0283.003", "2010")
    assert parse_build("14.2.328.10") > parse_build("14.2.328.5")
    assert parse_build("8.3.245.2").line == "2007"
    assert parse_build("15.1.2507.12").line == "2016"


@pytest.mark.parametrize("text", ["", "14.2.283", "14.2.283.x", "14.2.283.3.1", "2010 SP2"])
def test_what_is_no_build_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a build"):
        parse_build(text)


def _check(assignment: str) -> tuple[str, switches.Value]:
    return switches.check(assignment, servers={"a"}, packages={"14.2.298.4"}, sites={"rome"})


@pytest.mark.parametrize(
    ("assignment", "result"),
    [
        ("older_2010_source=refuses", ("older_2010_source", "refuses")),
        (" ru2_fix = target ", ("ru2_fix", "target")),
        ("power.a=off", ("power.a", "off")),
        ("package.14.2.298.4=altered", ("package.14.2.298.4", "altered")),
        ("install_seconds=0.5", ("install_seconds", 0.5)),
        ("propagation_seconds.rome=60", ("propagation_seconds.rome", 60.0)),
    ],
)
def test_switches_that_exist(assignment: str, result: tuple[str, switches.Value]) -> None:
    assert _check(assignment) == result


@pytest.mark.parametrize(
    ("assignment", "said"),
    [
        ("older_2010_source", "is not NAME=VALUE"),
        ("older_2010_source=no", "serves or refuses"),
        ("power.b=off", 'no server "b"'),
        ("package.1=ok", 'no package "1"'),
        ("propagation_seconds.oslo=1", 'no site "oslo"'),
        ("install_seconds=soon", "takes seconds"),
        ("install_seconds=-1", "takes seconds"),
        ("install_seconds=nan", "takes seconds"),
        ("gravity=off", "unknown switch"),
    ],
)
def test_switches_that_do_not(assignment: str, said: str) -> None:
    with pytest.raises(LabError, match=said):
        _check(assignment)
