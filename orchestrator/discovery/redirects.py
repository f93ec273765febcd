"""What shows that a pool can be redirected to: dated checks, each from somewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

INSIDE, OUTSIDE = "inside", "outside"
SHOWN, FAILED, UNKNOWN = "shown", "failed", "unknown"
NEEDED = (
    (INSIDE, "dns"),
    (OUTSIDE, "dns"),
    (OUTSIDE, "publishing"),
    (INSIDE, "certificate"),
    (OUTSIDE, "certificate"),
    (INSIDE, "log-on"),
    (OUTSIDE, "log-on"),
)
"""What has to be shown before anybody may lean on a redirection; where a client is, decides."""


@dataclass(frozen=True)
class RedirectCheck:
    """One look at a published address.

    Parameters
    ----------
    check : str
        ``dns``, ``certificate``, ``publishing`` or ``log-on``.
    vantage : str
        ``inside`` or ``outside``: where it was looked from.
    result : str
        ``shown``, ``failed`` or ``unknown``.
    text : str
    date : str
        Day, 2012-04-23.
    """

    check: str
    vantage: str
    result: str
    text: str
    date: str

    def __str__(self) -> str:
        return f"{self.check} {self.vantage} {self.result} {self.date}: {self.text}"

    def content(self) -> dict[str, str]:
        """As plain data."""
        return dict(self.__dict__)

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> RedirectCheck:
        """From plain data.

        Raises
        ------
        KeyError, ValueError
        """
        found = cls(*(str(content[k]) for k in ("check", "vantage", "result", "text", "date")))
        if found.vantage not in {INSIDE, OUTSIDE} or found.result not in {SHOWN, FAILED, UNKNOWN}:
            raise ValueError(f"{found.vantage} {found.result} is no check")
        return found


@dataclass(frozen=True)
class Capability:
    """Whether a pool can be redirected to; None where not everything needed was shown."""

    shown: bool | None
    why: str


def capability(checks: Sequence[RedirectCheck]) -> Capability:
    """Judge the newest check of each kind. Declared only is unknown, never yes."""
    newest: dict[tuple[str, str], RedirectCheck] = {}
    for check in sorted(checks, key=lambda c: c.date):
        newest[check.vantage, check.check] = check
    failed = [check for check in newest.values() if check.result == FAILED]
    if failed:
        names = ", ".join(f"{c.check} {c.vantage}" for c in failed)
        return Capability(
            shown=False, why=f"failed: {names}; do not lean on a redirection of this pool"
        )
    missing = [
        f"{name} {vantage}"
        for vantage, name in NEEDED
        if newest.get((vantage, name)) is None or newest[vantage, name].result != SHOWN
    ]
    if not checks:
        return Capability(None, "declared only: look with --redirects, from inside and outside")
    if missing:
        return Capability(None, f"not shown yet: {', '.join(missing)}")
    days = sorted(check.date for check in newest.values())
    return Capability(shown=True, why=f"shown from inside and outside, {days[0]} to {days[-1]}")


def merged(
    before: Sequence[RedirectCheck], now: Sequence[RedirectCheck]
) -> tuple[RedirectCheck, ...]:
    """The newest look of each kind and vantage; a look that could not tell replaces none."""
    kept = {(c.vantage, c.check): c for c in sorted(before, key=lambda c: c.date)}
    for check in now:
        if check.result != UNKNOWN or (check.vantage, check.check) not in kept:
            kept[check.vantage, check.check] = check
    return tuple(kept[key] for key in sorted(kept))
