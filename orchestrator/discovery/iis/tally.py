"""What one log file shows, still in its own words; goes from process to process as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple


class Pair(NamedTuple):
    """Who talked to whom, as logged.

    Parameters
    ----------
    server : str
        s-ip, else s-computername, else empty.
    client : str
        c-ip.
    account : str
        The machine account in cs-username, as logged; empty for anybody else.
    """

    server: str
    client: str
    account: str


@dataclass
class Proxied:
    """Proxied log-ons of one pair.

    Parameters
    ----------
    count, refused : int
        Log-ons that ended with private status 241, and with anything else.
    first, last : str
        ``2012-02-20 08:15:02``, UTC.
    offset, line : int
        Of the first one: bytes before its line, and the line's number from 1.
    hours : dict of str to int
        ``2012-02-20 08`` to log-ons.
    people : list of int
        Hashes of people's names (`distinct.Distinct.hashes`).
    people_exact : bool
    """

    count: int = 0
    refused: int = 0
    first: str = ""
    last: str = ""
    offset: int = -1
    line: int = 0
    hours: dict[str, int] = field(default_factory=dict)
    people: list[int] = field(default_factory=list)
    people_exact: bool = True


@dataclass
class LoggedOn:
    """People who opened Outlook Web App at a server."""

    count: int = 0
    first: str = ""
    last: str = ""
    people: list[int] = field(default_factory=list)
    people_exact: bool = True


@dataclass
class Skipped:
    """Lines that were not used for one reason, and where the first stands (offset -1: nowhere)."""

    count: int = 0
    offset: int = -1
    line: int = 0


@dataclass
class FileTally:
    """What became of one file.

    Parameters
    ----------
    file : str
        As it was named.
    size : int
        Bytes read, after decompression.
    lines : int
        Lines, directives included; 0 where something was found, for then nobody counts them.
    refused : str
        Why nothing of it was used; empty if it is an IIS log.
    remedy : str
    skipped : dict of str to Skipped
        By reason: lines that speak of a proxied log-on and were not used.
    computers : dict of str to str
        s-ip to s-computername, where both are logged.
    """

    file: str
    size: int = 0
    lines: int = 0
    refused: str = ""
    remedy: str = ""
    skipped: dict[str, Skipped] = field(default_factory=dict)
    proxied: dict[Pair, Proxied] = field(default_factory=dict)
    logged_on: dict[str, LoggedOn] = field(default_factory=dict)
    computers: dict[str, str] = field(default_factory=dict)


_NESTED = {"skipped", "proxied", "logged_on"}


def to_json(tally: FileTally) -> dict[str, Any]:
    """Plain lists and mappings."""
    plain = asdict(tally)
    plain["proxied"] = [[list(pair), asdict(found)] for pair, found in tally.proxied.items()]
    return plain


def from_json(plain: dict[str, Any]) -> FileTally:
    """The inverse of `to_json`."""
    rest = {key: value for key, value in plain.items() if key not in _NESTED}
    return FileTally(
        **rest,
        skipped={why: Skipped(**found) for why, found in plain["skipped"].items()},
        proxied={Pair(*pair): Proxied(**found) for pair, found in plain["proxied"]},
        logged_on={server: LoggedOn(**found) for server, found in plain["logged_on"].items()},
    )
