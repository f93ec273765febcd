"""Numbers with their nouns, for people."""

from __future__ import annotations


def counted(count: int, noun: str, many: str = "") -> str:
    """``1 path``, ``2 paths``.

    Parameters
    ----------
    count : int
    noun : str
        Of one.
    many : str
        Of several; absent: the noun with an s.
    """
    return f"{count} {noun if count == 1 else many or f'{noun}s'}"
