"""One exported object."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One object of an export.

    Parameters
    ----------
    line : int
        Where it begins, from 1; for JSON its number in the list.
    values : mapping of str to object
        Property names as exported to text, number, truth, list, mapping or None.
    types : tuple of str
        .NET type names, the most special first; empty where the format has none.
    """

    line: int
    values: Mapping[str, object]
    types: tuple[str, ...] = ()


class Damaged(Exception):
    """The rest of a file cannot be read.

    Parameters
    ----------
    why : str
    line : int
        Where; 0 if nobody knows.
    """

    def __init__(self, why: str, line: int = 0) -> None:
        super().__init__(why)
        self.why = why
        self.line = line
