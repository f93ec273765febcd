"""Python's cycle collector, out of the way while many small values are made at once."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_paused() -> Iterator[None]:
    """Pause the collector; as a decorator too.

    It walks everything alive each time some thousand values more are alive, and the values of a
    plan hold no reference cycles it could free: on farms of thousands of sites that is a third of
    the time. Memory is freed by reference counts as ever.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
