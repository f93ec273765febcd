"""Printing: long lines end at words on a terminal, commands stay whole, pipes get all in a line."""

from __future__ import annotations

import io

from rich.table import Table
from rich.text import Text

from orchestrator.report.console import PlainConsole, WrappingConsole


def printed(text: str, *, terminal: bool, width: int = 40) -> list[str]:
    file = io.StringIO()
    console = WrappingConsole(
        file=file, force_terminal=terminal, width=width, color_system=None, highlight=False
    )
    console.print(Text(text), soft_wrap=True)
    return file.getvalue().splitlines()


LONG = "    one two three four five six seven eight nine ten eleven twelve"


def test_long_lines_end_at_words_and_are_indented() -> None:
    lines = printed(LONG, terminal=True)
    assert len(lines) > 1
    assert all(len(line) <= 40 for line in lines)
    assert lines[0].startswith("    one")
    assert all(line.startswith("      ") for line in lines[1:])
    assert " ".join(" ".join(lines).split()) == " ".join(LONG.split())


def test_commands_and_pipes_are_left_alone() -> None:
    command = "To go on: orchestrator resume plans/2026-10-24-contoso -i inventories/contoso"
    assert printed(command, terminal=True) == [command]
    assert printed(LONG, terminal=False) == [LONG]


def test_no_text_steers_the_terminal() -> None:
    """Neither what stands in files nor what hosts answer; colours of our own stay."""
    hostile = "a\x1b[2Jb\x9bc\x07\rd\ud800\te"
    shown = "a�[2Jb�cd�"  # rich leaves the bell and the return out itself
    file = io.StringIO()
    console = WrappingConsole(file=file, force_terminal=True, width=40, color_system="standard")
    console.print(Text(hostile, style="red"), soft_wrap=True)
    assert shown in file.getvalue()
    assert file.getvalue().startswith("\x1b[31m")
    table = Table(hostile, box=None)
    table.add_row(hostile)
    console.print(table)
    assert file.getvalue().count("[2J") == 3
    assert "\x1b[2J" not in file.getvalue()
    plain = PlainConsole(file=(text := io.StringIO()))
    plain.print(table)
    plain.print(hostile)
    assert text.getvalue().isprintable() is False  # its own line ends and tabs
    assert not {*text.getvalue()} & {*"\x1b\x9b\x07\r\ud800"}


def test_a_word_wider_than_the_terminal_loses_nothing() -> None:
    digest = "Digest " + "0123456789abcdef" * 4
    assert "".join("".join(printed(digest, terminal=True)).split()) == digest.replace(" ", "")


def test_lines_of_a_text_stay_lines() -> None:
    assert printed("a\n\nb", terminal=True) == ["a", "", "b"]
