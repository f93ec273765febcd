"""Findings about input as values: collected, sorted and shown together."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """Whether a finding stops the command."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, order=True)
class Place:
    """Where a finding is: a file as the user named it, a line from 1 (0: the whole file)."""

    file: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True)
class Diagnostic:
    """One finding.

    Parameters
    ----------
    code : str
        Stable, e.g. ``CAS-E101``; documented in docs/diagnostics.md.
    subject : str
        What it is about: ``host mx-par-02``, ``path paris -> rome``.
    message : str
        What is wrong and why.
    place : Place or None
        File and line, where known.
    remedy : str
        What to do; empty if nothing needs saying.
    """

    code: str
    subject: str
    message: str
    place: Place | None = None
    remedy: str = ""
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        place = f" ({self.place})" if self.place else ""
        remedy = f"; {self.remedy}" if self.remedy else ""
        return f"{self.code} {self.subject}: {self.message}{place}{remedy}"
