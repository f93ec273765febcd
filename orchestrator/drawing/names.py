"""Names as element ids and as text in a picture, whatever characters they hold."""

from __future__ import annotations

import re
import unicodedata

# What XML 1.0 forbids, and lone surrogates.
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_NOT_ID = re.compile(r"[^A-Za-z0-9-]")
_NARROW = frozenset("fijlrtI.,:;'|!()[] -/")


def clean(text: str) -> str:
    """The same text without characters no XML document may hold; they become U+FFFD."""
    return _NOT_XML.sub("\ufffd", text)


def element_id(kind: str, *names: object) -> str:
    """An id for an element, the same for the same names and different for different ones.

    Letters, digits and hyphens stay; any other character becomes ``_`` and its code point in
    hexadecimal and ``_``; names are joined by ``__``.

    Examples
    --------
    >>> element_id("pool", "rome/2010")
    'pool__rome_2f_2010'
    """
    return "__".join(
        [kind, *(_NOT_ID.sub(lambda m: f"_{ord(m[0]):x}_", str(name)) for name in names)]
    )


def text_width(text: str, size: float) -> float:
    """Roughly how wide a text is in a sans-serif font.

    Parameters
    ----------
    size : float
        Font size, in the unit of the result.
    """
    units = 0.0
    for char in text:
        if unicodedata.east_asian_width(char) in "WF":
            units += 1.0
        elif char in _NARROW:
            units += 0.36
        elif char.isupper() or char in "mwMW@%":
            units += 0.8
        elif unicodedata.combining(char):
            units += 0.0
        else:
            units += 0.6
    return units * size


def shortened(text: str, size: float, width: float) -> str:
    """The text, or as much of it as fits, with an ellipsis."""
    text = clean(text)
    if text_width(text, size) <= width:
        return text
    room = width - text_width("…", size)
    kept = ""
    for char in text:
        room -= text_width(char, size)
        if room < 0:
            break
        kept += char
    return kept.rstrip() + "…"
