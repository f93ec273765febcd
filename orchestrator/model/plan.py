"""A plan: steps in a partial order, from one state to another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from orchestrator.model.build import Build
from orchestrator.model.schedule import Schedule
from orchestrator.model.state import State
from orchestrator.model.topology import PoolId, Protocol


class StepKind(StrEnum):
    """What a step does."""

    UPGRADE = "upgrade"
    DOWNGRADE = "downgrade"
    ENABLE_REDIRECTION = "enable-redirection"
    RESTORE_PROXYING = "restore-proxying"
    COPY_OWA_RESOURCES = "copy-owa-resources"
    VERIFY = "verify"

    @property
    def changes_build(self) -> bool:
        """Whether servers are out of service while the step runs."""
        return self in {StepKind.UPGRADE, StepKind.DOWNGRADE}

    @property
    def changes_urls(self) -> bool:
        """Whether the step sets or clears ExternalURLs."""
        return self in {StepKind.ENABLE_REDIRECTION, StepKind.RESTORE_PROXYING}

    @property
    def copies_folder(self) -> bool:
        """Whether servers get the version folder of a target's build (KB 947168)."""
        return self is StepKind.COPY_OWA_RESOURCES


class Outcome(StrEnum):
    """What a probe through a source saw."""

    SERVED = "served"
    PROXIED = "proxied"
    REDIRECTED = "redirected"
    BROKEN = "broken"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True)
class Probe:
    """One path to be looked at from outside after a step, through each of some sources.

    Parameters
    ----------
    sources : tuple of str
        Servers of one pool the probe talks to, each by its own address; the same is expected
        through all of them.
    target : PoolId
        Pool of the mailbox it logs on to.
    protocol : Protocol
    expect : tuple of Outcome
        What may be seen; more than one where the order of other steps is free.
    targets : tuple of str
        Servers of the target pool that must be seen answering; empty for a redirect.
    redirect_url : str
        Where a redirect must point to; empty if none is expected.
    may_break : bool
        The path is broken already and this step does not yet repair all of it.
    """

    sources: tuple[str, ...]
    target: PoolId
    protocol: Protocol
    expect: tuple[Outcome, ...]
    targets: tuple[str, ...] = ()
    redirect_url: str = ""
    may_break: bool = False


@dataclass(frozen=True)
class Outage:
    """Planned unavailability of a pool that falls to zero; not incompatibility."""

    minutes: int
    users: int

    @property
    def user_minutes(self) -> int:
        """Minutes times users."""
        return self.minutes * self.users


@dataclass(frozen=True)
class Step:
    """The smallest unit a run can stop after.

    Parameters
    ----------
    id : str
        Unique in the plan, readable: ``upgrade-berlin-2010-1``.
    kind : StepKind
    pool : PoolId
    servers : tuple of str
    protocols : tuple of Protocol
    after : tuple of str
        Steps that must have succeeded before; this alone decides order.
    estimated_minutes : int
    reason : str
        Why it is here and not earlier, for the change board.
    rules : tuple of str
        Ids of the rules the reason rests on.
    from_build, to_build : Build or None
        For upgrade and downgrade.
    prior_urls, new_urls : mapping of server to str
        For redirection steps; an empty text is no ExternalURL. What an undo needs.
    passes : tuple of Build
        Builds that may answer while the step runs, beside those before and after.
    folder : Build or None
        For copy-owa-resources: the build whose version folder the servers get.
    origins : tuple of str
        Servers that have it, the best first: where the files come from.
    irreversible_because : str
        Why there is no way back; empty if there is one.
    outage : Outage or None
        Where the pool falls to zero.
    pilot : bool
        Part of the pilot stage.
    probes : tuple of Probe
    """

    id: str
    kind: StepKind
    pool: PoolId
    servers: tuple[str, ...]
    protocols: tuple[Protocol, ...]
    after: tuple[str, ...]
    estimated_minutes: int
    reason: str
    rules: tuple[str, ...] = ()
    from_build: Build | None = None
    to_build: Build | None = None
    passes: tuple[Build, ...] = ()
    prior_urls: Mapping[str, str] = field(default_factory=dict)
    new_urls: Mapping[str, str] = field(default_factory=dict)
    folder: Build | None = None
    origins: tuple[str, ...] = ()
    irreversible_because: str = ""
    outage: Outage | None = None
    pilot: bool = False
    probes: tuple[Probe, ...] = ()

    @property
    def looks(self) -> int:
        """Log-ons that are looked at: every probe through every of its sources."""
        return sum(len(probe.sources) for probe in self.probes)

    @property
    def reversible(self) -> bool:
        """Whether the state before can be had back."""
        return not self.irreversible_because

    @property
    def folders(self) -> frozenset[tuple[str, Build]]:
        """The version folders it brings, each as (server, build)."""
        if not self.kind.copies_folder or self.folder is None:
            return frozenset()
        return frozenset((name, self.folder) for name in self.servers)

    @property
    def is_service_pack(self) -> bool:
        """Whether it brings servers to another service pack; there is no way back from that."""
        if not self.from_build or not self.to_build:
            return False
        return self.from_build.service_pack_level != self.to_build.service_pack_level

    def apply(self, state: State) -> State:
        """The state once the step has succeeded."""
        if self.kind.changes_build and self.to_build is not None:
            return state.with_builds(dict.fromkeys(self.servers, self.to_build))
        if self.kind.changes_urls:
            return state.with_urls(
                {(name, p): url for name, url in self.new_urls.items() for p in self.protocols}
            )
        if self.kind.copies_folder:
            return state.with_folders(self.folders)
        return state


def after_all(start: State, steps: Iterable[Step]) -> State:
    """The state once all steps have succeeded, in their order; copies the state once."""
    builds = dict(start.builds)
    urls = dict(start.external_urls)
    folders = set(start.version_folders)
    for step in steps:
        folders |= step.folders
        if step.kind.changes_build and step.to_build is not None:
            builds.update(dict.fromkeys(step.servers, step.to_build))
        if step.kind.changes_urls:
            for protocol in step.protocols:
                urls.update({(name, protocol): url for name, url in step.new_urls.items()})
    return State(builds, urls, frozenset(folders))


def within_reach(start: State, steps: Iterable[Step], wanted: State, now: State) -> State:
    """A state on the way of a plan, as near to it as one can come back: no service pack goes away.

    A server beyond a service pack goes back to the first build it had of the one it is on.

    Parameters
    ----------
    start : State
        Where the plan begins.
    steps : iterable of Step
        All of the plan, in order.
    wanted : State
        On its way.
    now : State
    """
    first: dict[tuple[str, tuple[int, int]], Build] = {}
    for name, build in start.builds.items():
        first[name, build.service_pack_level] = build
    for step in steps:
        if step.kind.changes_build and step.to_build is not None:
            for name in step.servers:
                first.setdefault((name, step.to_build.service_pack_level), step.to_build)
    stuck = {
        name: first.get((name, now.builds[name].service_pack_level), now.builds[name])
        for name, build in wanted.builds.items()
        if build.service_pack_level < now.builds[name].service_pack_level
    }
    return wanted.with_builds(stuck) if stuck else wanted


def not_beyond(start: State, steps: Iterable[Step], wanted: State, now: State) -> State:
    """A state on the way of a plan without the changes of servers that have not been made now.

    Parameters
    ----------
    start, steps, wanted, now
        As for `within_reach`.
    """
    ways: dict[str, list[Build]] = {name: [build] for name, build in start.builds.items()}
    for step in steps:
        if step.kind.changes_build and step.to_build is not None:
            for name in step.servers:
                ways[name].append(step.to_build)
    still = {
        name: now.builds[name]
        for name, build in wanted.builds.items()
        if build != now.builds[name]
        and {build, now.builds[name]} <= {*ways[name]}
        and ways[name].index(build) > ways[name].index(now.builds[name])
    }
    return wanted.with_builds(still) if still else wanted


@dataclass(frozen=True)
class Plan:
    """Steps from a start state to an end state.

    Parameters
    ----------
    steps : tuple of Step
        In one order that respects ``after``.
    start, end : State
    leans_on : tuple of str
        Ids of advisory and accepted rules that some state on the way rests on.
    remarks : tuple of str
        What a reader must know: what stays unsolved, assumed or unseen.
    schedule : Schedule or None
        When the steps run; None if no windows were given.
    """

    steps: tuple[Step, ...]
    start: State
    end: State
    leans_on: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    schedule: Schedule | None = None

    @property
    def shown_by_pilot(self) -> frozenset[str]:
        """Ids of the rules a pilot looks at before all else begins; none if it sees nothing."""
        looks = (s for s in self.steps if s.pilot and s.kind is StepKind.VERIFY and s.probes)
        return frozenset(rule for step in looks for rule in step.rules)

    @property
    def stages(self) -> list[list[Step]]:
        """Steps that may run at the same time, derived from ``after``."""
        level: dict[str, int] = {}
        for step in self.steps:
            level[step.id] = 1 + max((level[name] for name in step.after), default=-1)
        stages: list[list[Step]] = [[] for _ in range(1 + max(level.values(), default=-1))]
        for step in self.steps:
            stages[level[step.id]].append(step)
        return stages
