"""Work that needs much memory once, done in a child process that takes it along when it ends."""

from __future__ import annotations

import os
import pickle
import sys
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def apart(work: Callable[[], T]) -> T:
    """Do something in a forked child; only its result, or what it raises, comes back.

    Where that cannot be had (other threads run, or there is no fork) it is done right here.

    Parameters
    ----------
    work : callable
        Its result and what it raises must be able to be pickled.
    """
    if not hasattr(os, "fork") or threading.active_count() > 1:
        return work()
    sys.stdout.flush()
    sys.stderr.flush()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _answer(work, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    if not said:  # It died, or its answer cannot be sent.
        return work()
    good, result = pickle.loads(said)  # noqa: S301 - written by our own child
    if good:
        return result  # type: ignore[no-any-return]
    raise result


def _answer(work: Callable[[], object], writing: int) -> None:
    """In the child: send what came of it, and end without anything a program does at its end."""
    code = 1
    try:
        try:
            answer = (True, work())
        except Exception as error:
            answer = (False, error)
        whole = pickle.dumps(answer, protocol=pickle.HIGHEST_PROTOCOL)
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(whole)
        code = 0
    finally:
        os._exit(code)
