"""One simulated Exchange server: what is installed on it, what runs, what it has logged.

Nothing happens by timer. A machine knows when its installer ends and when it is back from a
restart, and `settle` brings it to the present; so a lab that was killed goes on correctly.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from orchestrator.lab.builds import Build, parse_build

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.lab.farm import Server

KEPT_EVENTS = 500
WEB_SERVICE = "W3SVC"
REQUIRED_SERVICES = (
    WEB_SERVICE,
    "MSExchangeADTopology",
    "MSExchangeFBA",
    "MSExchangeServiceHost",
    "MSExchangeTransport",
)
OPTIONAL_SERVICES = ("MSExchangePOP3", "MSExchangeIMAP4")

INSTALLED, RESTART_NEEDED, FATAL, MUTEX_HELD, SOURCE_MISSING = 0, 3010, 1603, 1618, 1612


@dataclass(frozen=True)
class Event:
    """A record of the Application log; time in seconds since 1970.

    Attributes:
        data: the parts the message was made from; empty where it is its only part.
    """

    time: float
    source: str
    id: int
    level: str
    category: str
    message: str
    log: str = "Application"
    data: tuple[str, ...] = ()


@dataclass
class Service:
    """A Windows service."""

    start_mode: str
    state: str


@dataclass
class Task:
    """The scheduled task that runs the installer, and later its result.

    Attributes:
        action: `present` or `absent`.
        before: what was installed when it began, the service pack first.
        effect: empty for what its exit code says; else `none`, `done`, or the build it leaves.
        leaves_disabled: services stay Disabled although it succeeds.
        keeps_folders: whether the version folders of other builds outlive a change of build.
    """

    action: str
    build: str
    started: float
    ends: float
    exit_code: int | None
    log_path: str
    before: list[str] = field(default_factory=list)
    effect: str = ""
    leaves_disabled: bool = False
    keeps_folders: bool = True


def _in_service() -> dict[str, dict[str, Any]]:
    return {method: {"state": "in", "automatic": True} for method in ("nlb", "owa")}


@dataclass
class Machine:
    """State of one server; `now` is always seconds since 1970."""

    server: Server
    rollups: list[Build]
    boot_time: float
    services: dict[str, Service]
    task: Task | None = None
    result: Task | None = None
    pending_restart: bool = False
    restart_at: float | None = None
    restart_seconds: float = 0.0
    down_until: float = 0.0
    events: list[Event] = field(default_factory=list)
    in_service: dict[str, dict[str, Any]] = field(default_factory=lambda: _in_service())
    service_pack: Build | None = None
    folders: list[Build] = field(default_factory=list)

    @property
    def version_folders(self) -> list[Build]:
        """The builds whose folder OWA has: its own, and others that were left or copied."""
        return sorted({*self.folders, self.build})

    @property
    def base(self) -> Build:
        """The service pack: the one it was upgraded to, or that of the farm file."""
        return self.service_pack or self.server.base

    @property
    def stack(self) -> list[Build]:
        """What is installed: the service pack, then its rollups, oldest first."""
        return [self.base, *self.rollups]

    @property
    def build(self) -> Build:
        """The build in force: the last rollup, or the service pack below."""
        return self.rollups[-1] if self.rollups else self.base

    def settle(self, now: float) -> bool:
        """Bring the machine to the present; says whether anything changed."""
        changed = False
        if self.task is not None and now >= self.task.ends:
            self._finish(self.task)
            changed = True
        if self.restart_at is not None and now >= self.restart_at:
            if self.task is not None:
                # An installer that is cut off has failed.
                self._finish(replace(self.task, exit_code=FATAL))
            self.down_until = self.restart_at + self.restart_seconds
            self.boot_time = self.down_until
            self.restart_at = None
            self.pending_restart = False
            self._start_services()
            changed = True
        return changed

    def start_task(self, task: Task) -> None:
        """Begin to install or remove: IIS and the Exchange services stop."""
        self.task = task
        self.result = None
        for service in self.services.values():
            service.state = "Stopped"

    def schedule_restart(self, at: float, seconds: float) -> None:
        """Let the machine go down at `at` and be back `seconds` later."""
        self.restart_at = at
        self.restart_seconds = seconds

    def up(self, now: float) -> bool:
        """Whether the operating system answers."""
        return now >= self.down_until

    def serves_web(self, now: float) -> bool:
        """Whether IIS takes connections."""
        return self.up(now) and self.services[WEB_SERVICE].state == "Running"

    def record(self, event: Event) -> None:
        """Write to the Application log, which keeps the newest records."""
        self.events.append(event)
        del self.events[:-KEPT_EVENTS]

    def kill_installer(self, *, changed: bool) -> None:
        """The installer dies with the shell that held it: no exit code, services as they are."""
        if self.task is not None:
            task = replace(self.task, exit_code=None, effect="done" if changed else "none")
            self.task, self.result = None, task
            self._change(task)

    def come_back(self, now: float) -> None:
        """Somebody went to a machine that did not come back from its restart."""
        if self.down_until == float("inf"):
            self.down_until = self.boot_time = now

    def _finish(self, task: Task) -> None:
        self.task, self.result = None, task
        succeeded = task.exit_code in (INSTALLED, RESTART_NEEDED)
        self._change(task)
        self.pending_restart = self.pending_restart or task.exit_code == RESTART_NEEDED
        if succeeded and not task.leaves_disabled:
            self._start_services()
        else:
            # A failed installer is known to leave services disabled.
            for name in REQUIRED_SERVICES:
                self.services[name] = Service("Disabled", "Stopped")

    def _change(self, task: Task) -> None:
        """What is installed when a task has ended, and which version folders are left."""
        before = self.build
        self._install(task)
        if self.build != before:
            self.folders = [*self.folders, before] if task.keeps_folders else []

    def _install(self, task: Task) -> None:
        succeeded = task.exit_code in (INSTALLED, RESTART_NEEDED)
        effect = task.effect or ("done" if succeeded else "none")
        if effect == "none":
            return
        build = parse_build(task.build if effect == "done" else effect)
        if task.action == "present" and build.level != self.base.level:
            # Set-up removes the rollups of the service pack before, and nothing removes it again.
            self.service_pack, self.rollups = build, []
        elif task.action == "present":
            self.rollups = [*(old for old in self.rollups if old < build), build]
        elif effect == "done":
            self.rollups.remove(build)
        else:
            self.rollups = [build]

    def _start_services(self) -> None:
        for condition in self.in_service.values():
            condition["state"] = "in" if condition["automatic"] else condition["state"]
        for service in self.services.values():
            service.state = "Running" if service.start_mode == "Auto" else "Stopped"

    def dump(self) -> dict[str, Any]:
        """The state as plain data."""
        data = asdict(self)
        del data["server"]
        data["rollups"] = [str(build) for build in self.rollups]
        data["folders"] = [str(build) for build in self.folders]
        data["service_pack"] = str(self.service_pack) if self.service_pack else None
        return data


def fresh(server: Server, now: float) -> Machine:
    """A machine as the farm file describes it, up for a week."""
    services = {name: Service("Auto", "Running") for name in REQUIRED_SERVICES}
    services |= {name: Service("Manual", "Stopped") for name in OPTIONAL_SERVICES}
    folders = list(server.version_folders)
    return Machine(server, list(server.rollups), now - 7 * 86_400, services, folders=folders)


def restore(server: Server, data: Mapping[str, Any]) -> Machine:
    """A machine from what `dump` gave."""
    values = dict(data)
    for name in ("task", "result"):
        values[name] = Task(**values[name]) if values[name] else None
    values["rollups"] = [parse_build(build) for build in values["rollups"]]
    values["folders"] = [parse_build(build) for build in values.get("folders", ())]
    packed = values.get("service_pack")
    values["service_pack"] = parse_build(packed) if packed else None
    values["services"] = {name: Service(**entry) for name, entry in values["services"].items()}
    values["events"] = [
        Event(**{**entry, "data": tuple(entry.get("data", ()))}) for entry in values["events"]
    ]
    return Machine(server=server, **values)
