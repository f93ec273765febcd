"""Work done in a child process comes back as if it had been done here."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from orchestrator.cli.apart import apart
from orchestrator.diagnostic import Diagnostic
from orchestrator.errors import InvalidInput, NoSafePlan
from orchestrator.inventory import load_inventory
from orchestrator.shipped import catalogue

CONTOSO = Path(__file__).parents[3] / "inventories" / "contoso"


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test runner may have threads of its own; the program has none when it forks."""
    monkeypatch.setattr(threading, "active_count", lambda: 1)


def test_a_result_comes_from_another_process() -> None:
    assert apart(os.getpid) != os.getpid()


def test_an_inventory_is_the_same() -> None:
    def read() -> object:
        return load_inventory(CONTOSO, catalogue=catalogue())

    assert apart(read) == read()


def test_what_is_raised_is_raised_here_with_all_it_says() -> None:
    found = Diagnostic("CAS-E101", "host x", "is none", remedy="mend it")

    def invalid() -> None:
        raise InvalidInput([found])

    def unsafe() -> None:
        raise NoSafePlan("no", "do this", "graph")

    with pytest.raises(InvalidInput) as caught:
        apart(invalid)
    assert caught.value.diagnostics == (found,)
    with pytest.raises(NoSafePlan) as refused:
        apart(unsafe)
    assert (refused.value.remedy, refused.value.diagram) == ("do this", "graph")


def test_an_answer_that_cannot_be_sent_is_worked_out_here() -> None:
    assert apart(lambda: lambda: 7)() == 7
    here = os.getpid()

    def die_elsewhere() -> int:
        if os.getpid() != here:
            os._exit(9)
        return 8

    assert apart(die_elsewhere) == 8


def test_beside_other_threads_nothing_is_forked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading, "active_count", lambda: 2)
    assert apart(os.getpid) == os.getpid()
