"""Collecting findings, so that a user sees all of them at once."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from orchestrator.diagnostic import Diagnostic, Place, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

_NOWHERE = Place("")


@dataclass
class Findings:
    """What was found so far; codes are explained in docs/diagnostics.md."""

    _found: list[Diagnostic] = field(default_factory=list)

    def error(
        self, code: str, subject: str, message: str, place: Place | None = None, remedy: str = ""
    ) -> None:
        """Note something that makes the input unusable."""
        self._add(Diagnostic(code, subject, message, place, remedy))

    def warn(
        self, code: str, subject: str, message: str, place: Place | None = None, remedy: str = ""
    ) -> None:
        """Note something the user should know although the input can be used."""
        self._add(Diagnostic(code, subject, message, place, remedy, Severity.WARNING))

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """By file and line."""
        return self._sorted(Severity.ERROR)

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        """By file and line."""
        return self._sorted(Severity.WARNING)

    def _add(self, diagnostic: Diagnostic) -> None:
        # one slip in group_vars is reported by every reader that meets it; once is enough
        if diagnostic not in self._found:
            self._found.append(diagnostic)

    def _sorted(self, severity: Severity) -> tuple[Diagnostic, ...]:
        chosen = _together([d for d in self._found if d.severity is severity])
        return tuple(sorted(chosen, key=lambda d: (d.place or _NOWHERE, d.code, d.subject)))


def _together(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """One finding for all hosts that one line of group_vars spoils."""
    groups: dict[Diagnostic, list[str]] = {}
    result = []
    for diagnostic in diagnostics:
        if diagnostic.subject.startswith("host ") and diagnostic.place is not None:
            name = diagnostic.subject.removeprefix("host ")
            groups.setdefault(replace(diagnostic, subject=""), []).append(name)
        else:
            result.append(diagnostic)
    for diagnostic, names in groups.items():
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        word = "hosts" if len(names) > 1 else "host"
        subject = f"{word} {', '.join(sorted(names)[:3])}{more}"
        result.append(replace(diagnostic, subject=subject))
    return result


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``did you mean X?`` for a word that resembles a known one, else what is known.

    Parameters
    ----------
    word : str
        As the user wrote it.
    known : iterable of str
        What could have been meant; letters' case is not looked at.
    """
    by_plain = {name.casefold(): name for name in known}
    near = difflib.get_close_matches(word.casefold(), by_plain, n=1, cutoff=0.6)
    if near:
        return f"did you mean {by_plain[near[0]]}?"
    names = sorted(by_plain.values())
    return f"known are {', '.join(names[:10])}{' ...' if len(names) > 10 else ''}" if names else ""
