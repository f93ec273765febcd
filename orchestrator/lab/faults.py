"""Trouble on purpose: faults that are armed, wait for their moment, strike, and are written down.

A fault says whether it strikes *before* or *after* the change: what a program may claim differs.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from orchestrator.lab.errors import LabError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

BEFORE, AFTER = "before", "after"
EVER = 0
"""`times` of a fault that lasts until it is cleared."""


@dataclass(frozen=True)
class Kind:
    """What a kind of fault means.

    Attributes:
        strikes: `call` of a module, `connection` to a host, `installer`, or `server` (a condition).
        value: what its value is, empty where it has none.
        default: the value, if none is given.
        lasting: whether it stays until it is cleared, if nothing else is said.
        phases: moments it can strike at.
    """

    strikes: str
    text: str
    value: str = ""
    default: str = ""
    lasting: bool = False
    phases: tuple[str, ...] = (BEFORE, AFTER)


KINDS: dict[str, Kind] = {
    "refused": Kind("connection", "the host refuses connections"),
    "unauthorised": Kind("connection", "the host refuses the log-on"),
    "reset": Kind("call", "the connection is reset; the answer is lost"),
    "garbage": Kind("call", "the answer is no JSON"),
    "hang": Kind("call", "the module does not end", "seconds", "3600"),
    "black-hole": Kind("call", "the host swallows everything", "seconds", "3600"),
    "restart": Kind("call", "the host restarts in mid-task"),
    "windows-update": Kind("call", "a server changes its build by itself", "build"),
    "service-stopped": Kind("call", "a service of a server stops", "service", "MSExchangeFBA"),
    "dropped-shell": Kind("call", "the connection is reset and the installer dies with it"),
    "never-back": Kind("server", "the server does not come back from a restart", lasting=True),
    "msiexec": Kind("installer", "the installer ends with this code", "code", "1603"),
    "slow-install": Kind("installer", "the installer takes its time", "seconds", "10"),
    "services-disabled": Kind("installer", "success, but services are left Disabled"),
    "wrong-build": Kind("installer", "success, but another build", "build"),
    "disk-full": Kind("installer", "the server's disk is full", lasting=True),
    "clock-skew": Kind("server", "the server's clock is off", "seconds", "-600", lasting=True),
    "replication": Kind("server", "a site sees changes late", "seconds", "never", lasting=True),
}


@dataclass
class Fault:
    """An armed fault.

    Attributes:
        kind: one of `KINDS`.
        at: host, server or site; empty for any.
        module: only calls of this module; empty for any.
        when: before or after the change.
        times: how often it strikes; 0 until it is cleared.
        skip: matching moments that are let through first.
        value: see `KINDS`.
        since: when it was armed, seconds since 1970.
    """

    kind: str
    at: str = ""
    module: str = ""
    when: str = BEFORE
    times: int = 1
    skip: int = 0
    value: str = ""
    since: float = 0.0

    @property
    def seconds(self) -> float:
        """The value as seconds; `never` is for ever."""
        return float("inf") if self.value == "never" else float(self.value)

    def __str__(self) -> str:
        parts = [self.kind, self.value, f"{self.when} the change"]
        parts += [f"of {self.module}"] if self.module else []
        parts += [f"at {self.at}"] if self.at else []
        left = "until cleared" if self.times == EVER else f"{self.times} times"
        return " ".join(part for part in parts if part) + f", {left}"


@dataclass
class Faults:
    """The armed faults of a lab.

    Args:
        note: told of each strike.
    """

    note: Callable[[Fault], None]
    armed: list[Fault] = field(default_factory=list)

    def take(
        self, *kinds: str, on: Iterable[str] = (), module: str = "", when: str = ""
    ) -> Fault | None:
        """The first armed fault that fits, used up once; `None` if there is none.

        Args:
            on: names it may be about; a fault about nothing in particular fits too.
            when: empty for either.
        """
        names = {"", *on}
        for fault in self.armed:
            fits = fault.kind in kinds and (fault.module in ("", module))
            if not fits or (when and fault.when != when):
                continue
            if fault.kind != "windows-update" and fault.at not in names:
                continue
            if fault.skip > 0:
                fault.skip -= 1
                continue
            self._use_up(fault)
            return fault
        return None

    def lasting(self, kind: str, on: str) -> Fault | None:
        """A condition that holds now; it is not used up."""
        return next((f for f in self.armed if f.kind == kind and f.at in ("", on)), None)

    def dump(self) -> list[dict[str, Any]]:
        """As plain data."""
        return [asdict(fault) for fault in self.armed]

    def load(self, entries: Iterable[dict[str, Any]]) -> None:
        """Take over what `dump` gave."""
        self.armed = [Fault(**entry) for entry in entries]

    def _use_up(self, fault: Fault) -> None:
        if fault.times != EVER:
            fault.times -= 1
            if fault.times == 0:
                self.armed.remove(fault)
        self.note(fault)


def parse(entry: Any, names: set[str]) -> Fault:
    """A fault from a mapping, checked.

    Args:
        names: hosts, servers and sites of the farm.

    Raises:
        LabError: an unknown kind, name or key, or a value of the wrong form.
    """
    keys = [key for key in Fault.__dataclass_fields__ if key != "since"]
    if not isinstance(entry, dict) or not set(entry) <= set(keys):
        raise LabError(f"a fault is a mapping of {', '.join(keys)}; this is {entry!r}")
    kind = KINDS.get(str(entry.get("kind", "")))
    if kind is None:
        raise LabError(f'unknown fault "{entry.get("kind", "")}"; known: {", ".join(KINDS)}')
    given = {key: value for key, value in entry.items() if value is not None}
    given["value"] = str(given.get("value") or kind.default)
    given.setdefault("times", EVER if kind.lasting else 1)
    fault = Fault(**given)
    _check(fault, kind, names)
    return fault


def _check(fault: Fault, kind: Kind, names: set[str]) -> None:
    if fault.at and fault.at not in names:
        listed = ", ".join(sorted(names))
        raise LabError(f'fault {fault.kind}: no "{fault.at}" in this farm; it has {listed}')
    if kind.strikes == "connection" and not fault.at:
        raise LabError(f"fault {fault.kind} needs --at HOST: a management host or a server")
    if fault.when not in kind.phases:
        raise LabError(f"fault {fault.kind}: when is {' or '.join(kind.phases)}")
    for name in ("times", "skip"):
        number = getattr(fault, name)
        if not isinstance(number, int) or isinstance(number, bool) or number < 0:
            raise LabError(f"fault {fault.kind}: {name} is a whole number from 0")
    if kind.value in ("seconds", "code"):
        try:
            float("inf" if fault.value == "never" else fault.value)
        except ValueError:
            raise LabError(f"fault {fault.kind}: {kind.value} is a number") from None
    elif fault.kind == "windows-update" and not (fault.value and fault.at):
        raise LabError("fault windows-update needs --at SERVER and the build as --value")


def known() -> str:
    """All kinds with what they mean, for help and documentation."""
    return "; ".join(f"{name}: {kind.text}" for name, kind in KINDS.items())
