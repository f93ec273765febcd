"""One way to print: plain where nobody looks at a terminal, never narrower than the words need."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterable
from contextlib import AbstractContextManager, redirect_stdout
from enum import StrEnum
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from orchestrator.rules.engine import Judgement
from orchestrator.rules.rule import Verdict

NARROW = 100
"""Columns below which tables become text."""

_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_HANG, _LEAST_ROOM = 2, 20
_COMMAND = "orchestrator "
_WIDE = 10_000
_SOBER: dict[str, Any] = {"highlight": False, "emoji": False, "color_system": None}
_STYLE = {
    Verdict.OK: ("ok", "green"),
    Verdict.ADVISORY: ("advisory", "yellow"),
    Verdict.UNKNOWN: ("UNKNOWN", "bold magenta"),
    Verdict.BROKEN: ("BROKEN", "bold red"),
}


class Mode(StrEnum):
    """For whom a command prints."""

    HUMAN = "human"
    PLAIN = "plain"
    """Lines without boxes or colour, cells of tables divided by tabs."""
    JSON = "json"
    """stdout belongs to one document; what is printed besides is kept for it."""


class HarmlessConsole(Console):
    """A console that shows characters by which a text could steer the terminal instead of them.

    Hosts, event logs and Ansible say what they like, and what they say is printed.
    """

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Render; colours and boxes of our own are no part of the text."""
        for text, style, control in super().render(renderable, options):
            yield Segment(text if control else _harmless(text), style, control)


def _harmless(text: str) -> str:
    return text if text.isprintable() else _STEERING.sub("\N{REPLACEMENT CHARACTER}", text)


class WrappingConsole(HarmlessConsole):
    """A terminal on which long lines end at words, what follows is indented.

    Lines that name a command stay in one piece: terminals copy them as they were printed.
    """

    def print(self, *objects: Any, **options: Any) -> None:
        """Print."""
        soft = options.get("soft_wrap") and self.is_terminal and len(objects) == 1
        if not soft or not isinstance(objects[0], Text):
            super().print(*objects, **options)
            return
        for line in objects[0].split("\n", allow_blank=True):
            for part in self._wrapped(line):
                super().print(part, **options)

    def _wrapped(self, line: Text) -> list[Text]:
        indent = len(line.plain) - len(line.plain.lstrip())
        room = self.width - indent - _HANG
        if line.cell_len <= self.width or room < _LEAST_ROOM or _COMMAND in line.plain:
            return [line]
        parts = list(line[indent:].wrap(self, room))
        for number, part in enumerate(parts):
            part.rstrip()
            part.pad_left(indent + (_HANG if number else 0))
        return parts


class PlainConsole(HarmlessConsole):
    """A console without boxes and colour that never breaks a line."""

    def print(self, *objects: Any, **options: Any) -> None:
        """Print; a table becomes a line per row with tabs between its cells."""
        for one in objects or ("",):
            if isinstance(one, Table):
                self.file.write("".join(f"{line}\n" for line in table_lines(one)))
            else:
                super().print(one, **{**options, "soft_wrap": True, "markup": False})

    def rule(self, title: str | Text = "", **options: Any) -> None:
        """A heading is a line, too."""
        del options
        self.print(title)


def table_lines(table: Table) -> list[str]:
    """A table as lines: its title, its headings, and a row each."""
    columns = [[_plain(cell) for cell in column.cells] for column in table.columns]
    heads = "\t".join(_plain(column.header) for column in table.columns)
    rows = ["\t".join(cells) for cells in zip(*columns, strict=True)]
    return [*([_plain(table.title)] if table.title else []), heads, *rows]


def _plain(cell: object) -> str:
    return _harmless(", ".join(str(cell).split("\n")).replace("\t", " "))


_mode: list[Mode] = [Mode.HUMAN]
_recorded = io.StringIO()
_shared: list[Console] = []


def begin(mode: Mode) -> None:
    """Choose for whom the command that begins prints."""
    _mode[0] = mode
    _shared.clear()
    _recorded.seek(0)
    _recorded.truncate()


def kept() -> AbstractContextManager[object]:
    """While it lasts, what anybody prints to stdout is kept for the document."""
    return redirect_stdout(_recorded)


def mode() -> Mode:
    """For whom the command prints."""
    return _mode[0]


def recorded() -> list[str]:
    """Lines that were printed although stdout belongs to a document."""
    return [line.rstrip() for line in _recorded.getvalue().splitlines() if line.strip()]


def out() -> Console:
    """The console of results; NO_COLOR and pipes are respected, pipes get wide lines."""
    if _mode[0] is Mode.JSON:
        return PlainConsole(file=_recorded, width=_WIDE, **_SOBER)
    return _console(stderr=False)


def err() -> Console:
    """The console of progress, warnings and errors: one for all, none draws over another."""
    if not _shared:
        _shared.append(_console(stderr=True))
    return _shared[0]


def say(line: str, style: str = "") -> None:
    """A line of progress, warning or error; never broken."""
    err().print(Text(line, style=style), soft_wrap=True)


def lively() -> bool:
    """Whether somebody looks at a terminal that may be redrawn."""
    return _mode[0] is Mode.HUMAN and err().is_terminal


def verdict_text(judgement: Judgement) -> Text:
    """A verdict by word and colour; an accepted unknown stays unknown."""
    word, style = _STYLE[judgement.verdict]
    if judgement.accepted:
        word += " (accepted)"
    return Text(word, style=style)


def _console(*, stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    if _mode[0] is not Mode.HUMAN:
        return PlainConsole(stderr=stderr, width=_WIDE, force_terminal=False, **_SOBER)
    width = None if stream.isatty() else 160
    # no markup: "[doc]" and the like are words of ours, not styles
    return WrappingConsole(
        stderr=stderr, width=width, highlight=False, soft_wrap=False, emoji=False, markup=False
    )
