"""SIGINT and SIGTERM become an event, and only while asked for."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from orchestrator.execution.interrupt import interruptible, pausable


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_signal_sets_the_event_and_the_handlers_come_back(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with interruptible() as event:
        assert not event.is_set()
        os.kill(os.getpid(), number)
        assert event.wait(5)
    assert signal.getsignal(number) is before


def test_the_first_signal_asks_for_a_pause_and_the_second_for_an_end() -> None:
    said = threading.Event()
    before = signal.getsignal(signal.SIGINT)
    with pausable(said.set) as wishes:
        os.kill(os.getpid(), signal.SIGINT)
        assert wishes.pause.wait(5)
        assert said.wait(5)
        assert not wishes.cancel.is_set()
        os.kill(os.getpid(), signal.SIGTERM)
        assert wishes.cancel.wait(5)
    assert signal.getsignal(signal.SIGINT) is before
