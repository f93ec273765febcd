"""Printing: long lines end at words on a terminal, commands stay whole, pipes get all in a line."""

from __future__ import annotations

import io

from rich.text import Text

from orchestrator.report.console import WrappingConsole


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


def test_a_word_wider_than_the_terminal_loses_nothing() -> None:
    digest = "Digest " + "0123456789abcdef" * 4
    assert "".join("".join(printed(digest, terminal=True)).split()) == digest.replace(" ", "")


def test_lines_of_a_text_stay_lines() -> None:
    assert printed("a\n\nb", terminal=True) == ["a", "", "b"]
