"""Property values of Exchange objects, as CLIXML, JSON and CSV spell them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from orchestrator.discovery.rows.row import Row
from orchestrator.model.build import Build

_VERSION = re.compile(r"Version\s+(\d+)\.(\d+)\s*\(Build\s+(\d+)\.(\d+)\)", re.IGNORECASE)
_NUMBERS = re.compile(r"(\d{1,2}\.\d{1,2}\.\d{1,5}\.\d{1,5})")
_TRUE = {"true", "wahr", "vrai", "verdadero", "vero", "1", "yes"}


def text(row: Row, *names: str) -> str:
    """The first of some properties that is set, as text; upper and lower case are one."""
    lower = {name.lower(): value for name, value in row.values.items()}
    for name in names:
        value = lower.get(name.lower())
        if isinstance(value, Mapping):  # ConvertTo-Json takes addresses and names apart
            value = value.get("AbsoluteUri") or value.get("OriginalString") or value.get("Name")
        if value not in (None, "", "$null"):
            return str(value).strip()
    return ""


def truth(row: Row, name: str) -> bool:
    """A yes or no; exports spell it in the language of the console."""
    return text(row, name).lower() in _TRUE


def words(row: Row, *names: str) -> tuple[str, ...]:
    """A list or set of flags: ``ClientAccess, HubTransport``."""
    for name in names:
        value = next((v for k, v in row.values.items() if k.lower() == name.lower()), None)
        if isinstance(value, list):
            return tuple(str(part) for part in value)
        if value not in (None, ""):
            return tuple(part.strip() for part in re.split(r"[,;|]", str(value)) if part.strip())
    return ()


def build(row: Row, *names: str) -> Build | None:
    """A build: ``Version 14.2 (Build 247.5)``, ``14.02.0247.005`` or its four numbers."""
    lower = {name.lower(): value for name, value in row.values.items()}
    for name in names:
        value = lower.get(name.lower())
        if isinstance(value, Mapping):
            numbers = [value.get(part) for part in ("Major", "Minor", "Build", "Revision")]
            if all(isinstance(number, int) for number in numbers):
                return Build(*numbers)  # type: ignore[arg-type]  # all are numbers
            continue
        said = _VERSION.search(str(value or ""))
        if said:
            return Build(*(int(part) for part in said.groups()))
        plain = _NUMBERS.search(str(value or ""))
        if plain:
            return Build.parse(plain[1])
    return None


def last_part(path: str) -> str:
    """A site's name out of ``contoso.example/Configuration/Sites/Paris`` or ``CN=Paris,CN=…``.

    Examples
    --------
    >>> last_part("CN=Paris,CN=Sites,CN=Configuration,DC=contoso,DC=example")
    'Paris'
    """
    if path.upper().startswith("CN="):
        return path.split(",")[0][3:]
    return path.rsplit("/", 1)[-1].strip()
