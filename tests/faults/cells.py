"""What can go wrong, at which kind of step, and what the program must name then."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

HOST, ROME, MADRID = "mgmt-south", "rom-cas-01", "mad-cas-01"
RU1 = "14.2.283.3"
UPGRADE, ON, OFF, BACK = "upgrade", "redirection on", "redirection off", "rollback"
OPERATIONS = (UPGRADE, ON, OFF, BACK)
BUILD = (UPGRADE, BACK)
ADDRESS = (ON, OFF)
MODULE = {
    UPGRADE: "exchange_rollup",
    BACK: "exchange_rollup",
    ON: "exchange_virtual_directory",
    OFF: "exchange_virtual_directory",
}
# Connections to the management host and looks at Rome before the step begins: reading the farm.
READS = {UPGRADE: 2, ON: 2, OFF: 2, BACK: 4}
SERVICE = "MSExchangeFBA"
COPIES = "The copy of a version folder"  # the section that faults.copies writes
LOST = r"was lost|in-doubt|not known|timed out"


@dataclass(frozen=True)
class Fault:
    """A fault of the lab as the matrix arms it.

    Parameters
    ----------
    kind, when, value
        As `orchestrator lab fault` takes them.
    says : str
        Pattern of what the program must say if it stops.
    at : str
        Host or server; empty for the server of the step.
    spoils : bool
        It strikes calls of the step's own module.
    operations : tuple of str
        Steps it can strike.
    more : mapping
        Further keys.
    """

    kind: str
    when: str = "before"
    value: str = ""
    says: str = r"\S"
    at: str = ""
    spoils: bool = False
    operations: tuple[str, ...] = OPERATIONS
    more: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        where = {HOST: " at the management host", "": ""}.get(self.at, f" at {self.at}")
        return f"{self.kind} {self.value}".strip() + f" {self.when}{where}"

    def armed(self, operation: str) -> dict[str, Any]:
        """What is armed for one kind of step."""
        at = self.at or (ROME if operation in BUILD else MADRID)
        entry = {"kind": self.kind, "when": self.when, "at": at, **self.more}
        if self.value:
            entry["value"] = self.value
        if self.spoils:
            entry["module"] = MODULE[operation]
        if self.kind in ("refused", "unauthorised") and self.when == "before":
            entry["skip"] = READS[operation]
        return entry


def _spoiled() -> Iterator[Fault]:
    for when in ("before", "after"):
        yield Fault("reset", when, says=LOST, spoils=True)
        yield Fault("garbage", when, says=LOST, spoils=True)
        yield Fault("hang", when, "60", says=LOST, spoils=True)
        yield Fault("black-hole", when, "12", says=LOST, at=HOST, spoils=True)
        yield Fault("restart", when, says=r"restart|remote server|exit code|lost", spoils=True)
        yield Fault("restart", when, says=LOST, at=HOST, spoils=True)
        for at in (HOST, ""):
            yield Fault("refused", when, says="onnect", at=at, spoils=when == "after")
            denied = "rejected|authenticate|denied|401"
            yield Fault("unauthorised", when, says=denied, at=at, spoils=when == "after")


FAULTS: tuple[Fault, ...] = (
    *_spoiled(),
    Fault("windows-update", "before", RU1, says=RU1, at=MADRID, spoils=True, operations=BUILD),
    Fault("windows-update", "after", RU1, says=RU1, at=MADRID, spoils=True, operations=BUILD),
    Fault("windows-update", "after", RU1, says=RU1, at=ROME, spoils=True, operations=ADDRESS),
    Fault("service-stopped", "before", SERVICE, says=SERVICE, spoils=True),
    Fault("service-stopped", "after", SERVICE, says=SERVICE, spoils=True),
    Fault("dropped-shell", "after", says=LOST, spoils=True, operations=BUILD),
    Fault("dropped-shell", "after", "late", says=LOST, spoils=True, operations=BUILD),
    Fault("never-back", says="did not come back|not come back", operations=BUILD),
    Fault("msiexec", "before", "1603", says="1603", operations=BUILD),
    Fault("msiexec", "after", "1603", says="1603", operations=BUILD),
    Fault("msiexec", "before", "1618", says="not ended", operations=BUILD, more={"times": 0}),
    Fault("msiexec", "before", "3010", operations=BUILD),
    Fault("slow-install", "before", "30", says="has not ended", operations=BUILD),
    Fault("services-disabled", operations=BUILD),
    Fault("wrong-build", "before", says="and not 14", operations=BUILD),
    Fault("wrong-build", "after", RU1, says=RU1, operations=BUILD),
    Fault("disk-full", "before", says="MiB free", operations=BUILD),
    Fault("disk-full", "after", says="1603", operations=BUILD),
    Fault("clock-skew", value="-600"),
    Fault("clock-skew", value="600", at=ROME),
    Fault("replication", value="3", at="rome", operations=(*ADDRESS, BACK)),
    Fault("replication", value="never", says="rome", at="rome", operations=(*ADDRESS, BACK)),
    Fault("starve", "", "24", says="disk|File too large|journal|write"),
)


def cells() -> Iterator[tuple[Fault, str]]:
    """Every fault with every kind of step it can strike."""
    for fault in FAULTS:
        for operation in fault.operations:
            yield fault, operation
