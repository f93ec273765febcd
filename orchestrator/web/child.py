"""A process that answers questions, one JSON object a line; it can be given up at any time."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

PATIENCE = 120.0
"""Seconds for an answer; planning the largest farms we know takes a few."""

_LONGEST = 1 << 26
_KEPT = 24


class Child:
    """Asks one question after the other; started when first asked, and again if it dies.

    Parameters
    ----------
    command : sequence of str
    """

    def __init__(self, command: Sequence[str]) -> None:
        self._command = command
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()
        self._numbers = itertools.count(1)
        self._pictures: OrderedDict[int, Mapping[str, str]] = OrderedDict()

    async def ask(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """The answer; its pictures are kept for a while under the number ``id``."""
        async with self._turn:
            answer = await self._ask(question)
        pictures = answer.pop("pictures", None)
        if pictures is not None:
            answer["id"] = number = next(self._numbers)
            self._pictures[number] = pictures
            while len(self._pictures) > _KEPT:
                self._pictures.popitem(last=False)
        return answer

    def picture(self, number: int, name: str) -> str | None:
        """A picture of an answer given lately."""
        return self._pictures.get(number, {}).get(name)

    async def close(self) -> None:
        """End the process."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
        self._process = None

    async def _ask(self, question: Mapping[str, Any]) -> dict[str, Any]:
        process = await self._started()
        assert process.stdin is not None  # noqa: S101 - asked for pipes
        assert process.stdout is not None  # noqa: S101
        try:
            process.stdin.write(json.dumps(question).encode() + b"\n")
            await process.stdin.drain()
            line = await asyncio.wait_for(process.stdout.readline(), PATIENCE)
        except (TimeoutError, ConnectionError, ValueError):
            line = b""
        except asyncio.CancelledError:
            # an answer nobody waits for would be taken for the next one's
            await self.close()
            raise
        if not line:
            await self.close()
            return {
                "ok": False,
                "text": f"no answer within {PATIENCE:.0f} seconds, or the planner ended",
                "remedy": "what it said stands where the server was started; ask for less",
            }
        answer: dict[str, Any] = json.loads(line)
        return answer

    async def _started(self) -> asyncio.subprocess.Process:
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=_LONGEST,
            )
        return self._process
