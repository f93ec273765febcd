"""The simulated farm at one moment: machines, directory, switches, and their saved form."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from orchestrator.lab import machine as machines
from orchestrator.lab import switches
from orchestrator.lab.directory import Directory
from orchestrator.lab.errors import LabError
from orchestrator.lab.faults import Fault, Faults, parse
from orchestrator.lab.server_logs import ServerLogs

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.lab.farm import Farm, ManagementHost, Package
    from orchestrator.lab.machine import Event, Machine
    from orchestrator.lab.store import Store

_FORMAT = 1
_SAVE_AFTER = 0.05


class World:
    """The farm with everything that can change in it.

    Args:
        farm: what it is made of.
        store: where it is saved.
        clock: seconds since 1970.

    Raises:
        LabError: the saved state belongs to another farm file or another version of the lab.
    """

    def __init__(self, farm: Farm, store: Store, clock: Callable[[], float] = time.time) -> None:
        self.farm = farm
        self.store = store
        self.clock = clock
        self.requests = store.records("requests")
        self.module_calls = store.records("modules")
        self.logs = ServerLogs(store.folder / "servers", farm)
        self._recorded: set[str] = set()
        self.on_outage: Callable[[str], None] = lambda _name: None
        self.on_restart: Callable[[str], None] = lambda _name: None
        self.on_reset: Callable[[str], None] = lambda _name: None
        self.faults = Faults(self._note)
        self.strikes = store.records("faults")
        # Hosts that swallow everything, and until when.
        self.silent_until: dict[str, float] = {}
        # When other servers proxied a log-on to a server.
        self.proxied_logons: dict[str, list[float]] = {}
        self._planned: asyncio.TimerHandle | None = None
        self.switches: dict[str, switches.Value] = dict(switches.defaults())
        self.directory = Directory(self._delay)
        self.machines: dict[str, Machine] = {}
        self.management_boot: dict[str, float] = {}
        saved = store.load_state()
        if saved is None:
            self._begin()
        else:
            self._resume(saved)

    def _begin(self) -> None:
        now = self.clock()
        for name, server in self.farm.servers.items():
            self.machines[name] = machines.fresh(server, now)
            self.switches[f"redirect_type.{name}"] = server.redirect_type
            values = {"internal_url": server.internal_url, "external_url": server.external_url}
            self.directory.create(name, server.site, values)
        self.management_boot = dict.fromkeys(self.farm.management_hosts, now - 7 * 86_400)
        self.save()

    def _resume(self, saved: dict[str, Any]) -> None:
        if saved.get("format") != _FORMAT:
            raise LabError("the saved lab is of another version: start over with --fresh")
        if saved["farm"] != self.farm.digest:
            raise LabError(
                "lab.yml has changed since this lab was started: start over with --fresh"
            )
        self.switches.update(saved["switches"])
        self.faults.load(saved.get("faults", []))
        self.directory.load(saved["directory"])
        self.management_boot = saved["management_boot"]
        for name, server in self.farm.servers.items():
            self.machines[name] = machines.restore(server, saved["machines"][name])
        # A lab that was killed may have saved its state and not the logs made from it.
        self._recorded = {name for name, machine in self.machines.items() if machine.events}

    def save(self) -> None:
        """Write the state to disk; what a module reports as done has been saved before."""
        while self._recorded:
            name = self._recorded.pop()
            skew = self.server_clock(name) - self.clock()
            self.logs.events(name, self.machines[name].events, skew)
        self.store.save_state(
            {
                "format": _FORMAT,
                "farm": self.farm.digest,
                "switches": self.switches,
                "faults": self.faults.dump(),
                "directory": self.directory.dump(),
                "management_boot": self.management_boot,
                "machines": {name: entry.dump() for name, entry in self.machines.items()},
            }
        )

    def record(self, name: str, event: Event) -> None:
        """Write to the Application log of a server."""
        self.machine(name).record(event)
        self._recorded.add(name)
        self.save_soon()

    def save_soon(self) -> None:
        """Save within a moment; for what users cause, which comes in bursts."""
        if self._planned is None:
            loop = asyncio.get_running_loop()
            self._planned = loop.call_later(_SAVE_AFTER, self._save_now)

    def _save_now(self) -> None:
        self._planned = None
        self.save()

    def close(self) -> None:
        """Save and close the record files."""
        if self._planned is not None:
            self._planned.cancel()
            self._planned = None
        self.save()
        self.requests.close()
        self.module_calls.close()
        self.strikes.close()
        self.logs.close()

    def machine(self, name: str) -> Machine:
        """A server brought to the present.

        Raises:
            KeyError: no server of that name.
        """
        entry = self.machines[name]
        if entry.settle(self.clock()):
            self.save()
        return entry

    def short_name(self, name: str) -> str | None:
        """The farm's own name for a host given by short or full name, `None` if unknown."""
        short = name.lower().removesuffix("." + self.farm.domain)
        return short if short in self.machines or short in self.farm.management_hosts else None

    def management_host(self, name: str) -> ManagementHost | None:
        """The management host of that name."""
        return self.farm.management_hosts.get(name)

    def powered(self, name: str) -> bool:
        """Whether a host is switched on (`lab set power.HOST=off`)."""
        return self.switches.get(f"power.{name}", "on") == "on"

    def manageable(self, name: str) -> bool:
        """Whether a host can be reached over the network for management."""
        now = self.clock()
        if name in self.machines:
            return self.powered(name) and self.machine(name).up(now)
        return self.powered(name) and now >= self.management_boot[name]

    def serves_web(self, name: str) -> bool:
        """Whether a server takes OWA connections."""
        return self.powered(name) and self.machine(name).serves_web(self.clock())

    def url(self, server: str, attribute: str, *, site: str) -> str:
        """An URL of a server's OWA virtual directory as a site's controller knows it."""
        return self.directory.read(server, attribute, site=site, now=self.clock())

    def pool(self, site: str, line: str) -> list[str]:
        """The servers of one product line in one site, by name."""
        return [
            name
            for name, server in self.farm.servers.items()
            if server.site == site and server.line == line
        ]

    def seconds(self, what: str) -> float:
        """Duration of `install` or `restart` in seconds."""
        return float(self.switches.get(f"{what}_seconds", self.farm.seconds[what])) / self.speed

    @property
    def speed(self) -> float:
        """How many times faster than told simulated durations pass."""
        return float(self.switches.get("speed", 1.0))

    def restart_seconds(self, name: str) -> float:
        """How long a restart of this host takes; for ever if a fault says so."""
        gone = self.faults.take("never-back", on=(name,))
        return float("inf") if gone is not None else self.seconds("restart")

    def server_clock(self, name: str) -> float:
        """What the clock of a server shows."""
        skew = self.faults.lasting("clock-skew", name)
        return self.clock() + (skew.seconds if skew is not None else 0.0)

    def arm(self, entry: Any) -> Fault:
        """Arm a fault.

        Raises:
            LabError: it is none.
        """
        hosts = set(self.machines) | set(self.farm.management_hosts)
        fault = parse(entry, hosts | set(self.farm.sites))
        fault.since = self.clock()
        self.faults.armed.append(fault)
        self.save()
        return fault

    def disarm(self) -> None:
        """Clear all faults; a server that was not to come back does."""
        self.faults.armed.clear()
        self.silent_until.clear()
        for machine in self.machines.values():
            machine.come_back(self.clock())
        for name, boot in self.management_boot.items():
            self.management_boot[name] = min(boot, self.clock())
        self.save()

    def _note(self, fault: Fault) -> None:
        entry = {"kind": fault.kind, "at": fault.at, "module": fault.module, "when": fault.when}
        self.strikes.add(self.clock(), {**entry, "value": fault.value})
        self.save()

    def package_at(self, path: str) -> tuple[Package, bytes] | None:
        """The package at a path of the file share with its bytes, `None` if there is none."""
        for package in self.farm.packages.values():
            if package.path.lower() == path.lower():
                state = self.switches.get(f"package.{package.build}", "ok")
                if state == "missing":
                    return None
                return package, package.content + (b"altered" if state == "altered" else b"")
        return None

    def set(self, assignment: str) -> tuple[str, switches.Value]:
        """Turn a switch.

        Raises:
            LabError: unknown switch or value.
        """
        name, value = switches.check(
            assignment,
            servers=set(self.machines) | set(self.farm.management_hosts),
            packages={str(build) for build in self.farm.packages},
            sites=set(self.farm.sites),
        )
        self.switches[name] = value
        if name.startswith("power.") and value == "off":
            self.on_restart(name.removeprefix("power."))
        self.save()
        return name, value

    def _delay(self, site: str) -> float:
        late = self.faults.lasting("replication", site)
        if late is not None and late.value == "never":
            return self.clock() - late.since
        if late is not None:
            return late.seconds / self.speed
        own = self.switches.get(f"propagation_seconds.{site}")
        return float(own if own is not None else self.farm.seconds["propagation"]) / self.speed
