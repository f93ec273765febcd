"""One way to print: plain where nobody looks at a terminal, never narrower than the words need."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.text import Text

from orchestrator.rules.engine import Judgement
from orchestrator.rules.rule import Verdict

_STYLE = {
    Verdict.OK: ("ok", "green"),
    Verdict.ADVISORY: ("advisory", "yellow"),
    Verdict.UNKNOWN: ("UNKNOWN", "bold magenta"),
    Verdict.BROKEN: ("BROKEN", "bold red"),
}


def out() -> Console:
    """The console of results; NO_COLOR and pipes are respected, pipes get wide lines."""
    return _console(stderr=False)


def err() -> Console:
    """The console of progress, warnings and errors."""
    return _console(stderr=True)


def verdict_text(judgement: Judgement) -> Text:
    """A verdict by word and colour; an accepted unknown stays unknown."""
    word, style = _STYLE[judgement.verdict]
    if judgement.accepted:
        word += " (accepted)"
    return Text(word, style=style)


def _console(*, stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else 160
    # no markup: "[doc]" and the like are words of ours, not styles
    return Console(
        stderr=stderr, width=width, highlight=False, soft_wrap=False, emoji=False, markup=False
    )
