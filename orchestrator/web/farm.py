"""What the farm is like as the journal knows it: a pure fold over plan and entries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from orchestrator.journal.entry import Entry, Kind
from orchestrator.model.build import Build
from orchestrator.model.plan import Plan, Step, StepKind
from orchestrator.model.topology import Label, Protocol, Topology


@dataclass(frozen=True)
class Turned:
    """A label whose users were sent to its own address for a while.

    Parameters
    ----------
    label : Label
    users : int
    since : datetime
        When the step that switched it on was begun.
    until : datetime or None
        When the step that switched it off had succeeded; None while it is on.
    """

    label: Label
    users: int
    since: datetime
    until: datetime | None = None

    def user_minutes(self, now: datetime) -> float:
        """Minutes times users so far."""
        return max(((self.until or now) - self.since).total_seconds(), 0) / 60 * self.users


@dataclass
class Farm:
    """Servers as the journal knows them.

    Parameters
    ----------
    builds : dict of server to Build
        As read last, with what steps did since.
    urls : dict of (server, Protocol) to str
    changing : dict of server to step id
        Servers of steps that run: out of service or about to be.
    becoming : dict of server to frozenset of Build
        What the steps that run make of their servers, and pass on the way: any of them may answer.
    unknown : dict of server to step id
        Servers of steps that ended badly, until they are read again.
    turned : list of Turned
    folders : set of (server, Build)
        Version folders there at the start, and those steps have copied.
    """

    builds: dict[str, Build]
    urls: dict[tuple[str, Protocol], str]
    changing: dict[str, str] = field(default_factory=dict)
    becoming: dict[str, frozenset[Build]] = field(default_factory=dict)
    unknown: dict[str, str] = field(default_factory=dict)
    turned: list[Turned] = field(default_factory=list)
    folders: set[tuple[str, Build]] = field(default_factory=set)


def farm_of(topology: Topology, plan: Plan, entries: Iterable[Entry]) -> Farm:
    """The farm after some entries.

    Notes
    -----
    Linear in entries and in the servers they speak of.
    """
    farm = Farm(dict(plan.start.builds), dict(plan.start.external_urls))
    farm.folders |= plan.start.version_folders
    steps = {step.id: step for step in plan.steps}
    for entry in entries:
        if entry.kind == Kind.STATE_READ:
            _read(farm, entry.data)
        step = steps.get(entry.step or "")
        if step is not None:
            _step(topology, farm, step, entry)
    return farm


def _step(topology: Topology, farm: Farm, step: Step, entry: Entry) -> None:
    if entry.kind == Kind.STEP_STARTED:
        farm.changing.update(dict.fromkeys(step.servers, step.id))
        if step.to_build is not None:
            builds = frozenset({step.to_build, *step.passes})
            farm.becoming.update(dict.fromkeys(step.servers, builds))
        if step.kind is StepKind.ENABLE_REDIRECTION:
            _switch_on(topology, farm, step, entry.time)
    elif entry.kind in {Kind.STEP_SUCCEEDED, Kind.STEP_FAILED, Kind.STEP_IN_DOUBT}:
        for name in step.servers:
            farm.changing.pop(name, None)
            farm.becoming.pop(name, None)
        if entry.kind != Kind.STEP_SUCCEEDED:
            farm.unknown.update(dict.fromkeys(step.servers, step.id))
            return
        for name in step.servers:
            farm.unknown.pop(name, None)
            if step.kind.changes_build and step.to_build is not None:
                farm.builds[name] = step.to_build
        farm.folders |= step.folders
        if step.kind.changes_urls:
            for name, url in step.new_urls.items():
                farm.urls.update({(name, protocol): url for protocol in step.protocols})
        if step.kind is StepKind.RESTORE_PROXYING:
            _switch_off(farm, step, entry.time)


def _read(farm: Farm, data: Mapping[str, object]) -> None:
    builds, urls = data.get("builds"), data.get("owa_external_urls")
    for name, text in builds.items() if isinstance(builds, Mapping) else ():
        if name in farm.builds:
            farm.builds[name] = Build.parse(str(text))
            farm.unknown.pop(name, None)
    for name, url in urls.items() if isinstance(urls, Mapping) else ():
        farm.urls[name, Protocol.OWA] = str(url or "")


def _switch_on(topology: Topology, farm: Farm, step: Step, now: datetime) -> None:
    on = {turned.label for turned in farm.turned if turned.until is None}
    for protocol in step.protocols:
        label = Label(step.pool, protocol)
        if label not in on:
            farm.turned.append(Turned(label, topology.users_of(label), now))


def _switch_off(farm: Farm, step: Step, now: datetime) -> None:
    off = {Label(step.pool, protocol) for protocol in step.protocols}
    farm.turned = [
        Turned(t.label, t.users, t.since, now) if t.until is None and t.label in off else t
        for t in farm.turned
    ]
