"""Where the fields of a W3C log stand, as its ``#Fields`` line says; it may change in mid-file."""

from __future__ import annotations

from dataclasses import dataclass

NEEDED = (b"date", b"time", b"cs-uri-stem", b"c-ip")


@dataclass(frozen=True)
class Layout:
    """Positions of the fields that matter; -1 for those the server does not log.

    Parameters
    ----------
    width : int
        Fields of a whole line.
    missing : tuple of str
        Fields without which a line says nothing; empty if all are there.
    """

    width: int
    date: int
    time: int
    stem: int
    client: int
    server: int
    computer: int
    user: int
    status: int
    missing: tuple[str, ...] = ()


def read_layout(line: bytes) -> Layout:
    """The layout of a ``#Fields:`` line.

    Examples
    --------
    >>> read_layout(b"#Fields: date time c-ip cs-uri-stem").client
    2
    """
    names = [name.lower() for name in line.partition(b":")[2].split()]
    places = {name: place for place, name in enumerate(names)}
    return Layout(
        width=len(names),
        date=places.get(b"date", -1),
        time=places.get(b"time", -1),
        stem=places.get(b"cs-uri-stem", -1),
        client=places.get(b"c-ip", -1),
        server=places.get(b"s-ip", -1),
        computer=places.get(b"s-computername", -1),
        user=places.get(b"cs-username", -1),
        status=places.get(b"sc-status", -1),
        missing=tuple(name.decode() for name in NEEDED if name not in places),
    )
