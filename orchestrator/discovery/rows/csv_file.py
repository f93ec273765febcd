"""CSV as `Export-Csv` and the Event Viewer write it, with whatever separator the locale has."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator

from orchestrator.discovery.rows.row import Damaged, Row

SEPARATORS = ",;\t|"
MOST_COLUMNS = 2_000
_LONGEST_FIELD = 1 << 20


def rows(lines: Iterable[str]) -> Iterator[Row]:
    """The rows below the header.

    Raises
    ------
    Damaged
        Without a header, or with a field that never ends.
    """
    source = iter(lines)
    types: tuple[str, ...] = ()
    before = 0
    header = ""
    for line in source:
        before += 1
        if line.startswith("#TYPE"):
            types = (line[5:].strip(),)
        elif line.strip():
            header = line
            break
    names = columns(header)
    if not names:
        raise Damaged("it has no header line", before)
    csv.field_size_limit(_LONGEST_FIELD)
    reader = csv.reader(source, delimiter=separator(header))
    start = before + 1
    try:
        for fields in reader:
            if fields:
                values = dict(zip(names, fields, strict=False))
                if len(fields) > len(names):  # the Event Viewer gives the text no header
                    values.setdefault("Message", fields[len(names)])
                yield Row(start, values, types)
            start = before + reader.line_num + 1
    except csv.Error as error:
        raise Damaged(f"it is no CSV from here on ({error})", start) from None


def separator(header: str) -> str:
    """The character that parts a header line; a comma where none of the usual ones occurs.

    Examples
    --------
    >>> separator('"Name";"Site, or none";"Build"')
    ';'
    """
    outside = "".join(header.split('"')[::2])
    return max(SEPARATORS, key=lambda mark: (outside.count(mark), -SEPARATORS.index(mark)))


def columns(header: str) -> list[str]:
    """The names in a header line; empty if it is none."""
    names = next(csv.reader([header.strip()], delimiter=separator(header)), [])
    return [name.strip() for name in names] if 0 < len(names) <= MOST_COLUMNS else []
