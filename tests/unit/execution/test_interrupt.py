"""SIGINT and SIGTERM become an event, and only while asked for."""

from __future__ import annotations

import os
import signal

import pytest

from orchestrator.execution.interrupt import interruptible


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_signal_sets_the_event_and_the_handlers_come_back(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with interruptible() as event:
        assert not event.is_set()
        os.kill(os.getpid(), number)
        assert event.wait(5)
    assert signal.getsignal(number) is before
