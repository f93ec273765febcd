"""Am I affected, where, since when, how many: one answer out of everything that was read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from orchestrator.discovery.evidence import (
    BuildEvidence,
    EventEvidence,
    Evidence,
    Meaning,
    PathEvidence,
    Sighting,
    UserEvidence,
    host_name,
)
from orchestrator.model.build import Build, BuildRange
from orchestrator.model.topology import PoolId, Protocol, Topology
from orchestrator.rules.engine import Judgement, RuleBook
from orchestrator.rules.rule import Confidence, Rule, Verdict

WATSON = 4999


def _built_in(rule_id: str, title: str, verdict: Verdict, confidence: Confidence) -> Rule:
    return Rule(
        rule_id,
        title,
        frozenset(),
        BuildRange(),
        BuildRange(),
        verdict,
        confidence,
        ("built in",),
    )


BUILD_NOT_KNOWN = _built_in(
    "build-not-known",
    "no input says which build one of the two runs",
    Verdict.UNKNOWN,
    Confidence.OPEN,
)
SEEN_FAILING = _built_in(
    "seen-failing",
    "its source logs event 4999 in UpdateProxyUserContextIdFromResponse, and proxies nowhere else",
    Verdict.BROKEN,
    Confidence.DOC,
)


@dataclass(frozen=True)
class Builds:
    """What is known of the servers.

    Parameters
    ----------
    now : mapping of host name to Build
        From an inventory, live hosts or exports.
    pools : mapping of host name to PoolId
    basis : str
        Where `now` comes from, for a person; empty if from nowhere.
    users : mapping of (source pool, target pool) to int
        Users of OWA paths as declared, or mailboxes as exported.
    """

    now: Mapping[str, Build] = field(default_factory=dict)
    pools: Mapping[str, PoolId] = field(default_factory=dict)
    basis: str = ""
    users: Mapping[tuple[PoolId, PoolId], int] = field(default_factory=dict)

    def under(self, other: Builds) -> Builds:
        """Both, the other one's word before this one's."""
        return Builds(
            {**self.now, **other.now},
            {**self.pools, **other.pools},
            other.basis or self.basis,
            {**other.users, **self.users},
        )

    @classmethod
    def of(cls, topology: Topology, builds: Mapping[str, Build], basis: str) -> Builds:
        """Of an organisation, by the names that logs use."""
        return cls(
            {host_name(name): build for name, build in builds.items()},
            {host_name(name): server.pool for name, server in topology.servers.items()},
            basis,
            {
                (path.source, path.target): path.users
                for path in topology.paths
                if path.protocol is Protocol.OWA
            },
        )


@dataclass(frozen=True)
class ObservedPath:
    """A path between two servers that was seen in logs.

    Parameters
    ----------
    source, target : str
    source_build, target_build : Build or None
    judgement : Judgement
        ``unknown`` where a build is not known.
    evidence : tuple of PathEvidence
        At least one.
    """

    source: str
    target: str
    source_build: Build | None
    target_build: Build | None
    judgement: Judgement
    evidence: tuple[PathEvidence, ...]

    @property
    def sighting(self) -> Sighting:
        """All of it together."""
        first, *more = (found.sighting for found in self.evidence)
        return sum(more, first)

    @property
    def users(self) -> int | None:
        """People by name, where the target's log has any; else None."""
        known = [found.users for found in self.evidence if found.users is not None]
        return max(known, default=None)


@dataclass(frozen=True)
class AffectedSource:
    """A server that logs the event of the cookie that is not understood.

    Parameters
    ----------
    server : str
    sighting : Sighting
        A lower bound: the event is rate-limited.
    builds : tuple of Build
        As the events name them.
    targets : tuple of str
        Servers it is seen to proxy to and that may be the cause; the event names none.
    rules : tuple of Rule
        Rules that predict it for this build.
    people : UserEvidence or None
        All who logged on at it, so no fewer than those who met the error.
    users : int or None
        People on its paths by name; None where no log has their names.
    """

    server: str
    sighting: Sighting
    builds: tuple[Build, ...]
    targets: tuple[str, ...]
    rules: tuple[Rule, ...]
    people: UserEvidence | None
    users: int | None


@dataclass(frozen=True)
class Answer:
    """The answer.

    Parameters
    ----------
    affected : tuple of AffectedSource
        Since the longest first.
    paths : tuple of ObservedPath
        Those that do not work first.
    other_events : tuple of EventEvidence
        Of OWA proxying, but not of the cookie.
    declared : tuple of (str, int)
        Paths between pools in question, with the users an inventory or exports give them.
    """

    affected: tuple[AffectedSource, ...]
    paths: tuple[ObservedPath, ...]
    other_events: tuple[EventEvidence, ...]
    declared: tuple[tuple[str, int], ...] = ()

    @property
    def verdict(self) -> Verdict:
        """Broken if an event or a rule says so; unknown unless every path seen is known to work."""
        if self.affected:
            return Verdict.BROKEN
        verdicts = [path.judgement.verdict for path in self.paths]
        return max(verdicts, key=lambda v: v.severity, default=Verdict.UNKNOWN)


def answer(evidence: Evidence, known: Builds, book: RuleBook) -> Answer:
    """Put the evidence together and judge every path that was seen."""
    builds = {**newest_builds(evidence.builds), **known.now}
    cookies = [event for event in evidence.events if event.meaning is Meaning.COOKIE]
    failing = {event.server for event in cookies}
    paths = _paths(evidence, builds, book, failing)
    affected = [
        _affected(server, [e for e in cookies if e.server == server], paths, evidence, book)
        for server in sorted(failing)
    ]
    return Answer(
        tuple(sorted(affected, key=_longest_first)),
        tuple(sorted(paths, key=_worst_first)),
        tuple(e for e in evidence.events if e.meaning is not Meaning.COOKIE),
        _declared(affected, known),
    )


def _declared(affected: list[AffectedSource], known: Builds) -> tuple[tuple[str, int], ...]:
    found: dict[str, int] = {}
    for source in affected:
        for target in source.targets:
            pools = known.pools.get(source.server), known.pools.get(target)
            users = known.users.get(pools) if None not in pools else None  # type: ignore[arg-type]
            if users is not None:
                found[f"{pools[0]} -> {pools[1]}"] = users
    return tuple(sorted(found.items()))


def newest_builds(found: tuple[BuildEvidence, ...]) -> dict[str, Build]:
    """The build of each server that was seen last."""
    dated = sorted(found, key=lambda b: (b.sighting.last or _NEVER, b.build))
    return {evidence.server: evidence.build for evidence in dated}


_NEVER = datetime.min.replace(tzinfo=UTC)


def _paths(
    evidence: Evidence, builds: Mapping[str, Build], book: RuleBook, failing: set[str]
) -> list[ObservedPath]:
    grouped: dict[tuple[str, str], list[PathEvidence]] = defaultdict(list)
    for found in evidence.paths:
        grouped[found.source, found.target].append(found)
    targets: dict[str, set[str]] = defaultdict(set)
    for source, target in grouped:
        targets[source].add(target)
    paths = []
    for (source, target), seen in sorted(grouped.items()):
        one, other = builds.get(source), builds.get(target)
        if one is not None and other is not None:
            judgement = book.judge(Protocol.OWA, one, other)
        elif source in failing and len(targets[source]) == 1:
            judgement = Judgement(SEEN_FAILING.verdict, SEEN_FAILING)
        else:
            judgement = Judgement(BUILD_NOT_KNOWN.verdict, BUILD_NOT_KNOWN)
        paths.append(ObservedPath(source, target, one, other, judgement, tuple(seen)))
    return paths


def _affected(
    server: str,
    events: list[EventEvidence],
    paths: list[ObservedPath],
    evidence: Evidence,
    book: RuleBook,
) -> AffectedSource:
    first, *more = (event.sighting for event in events)
    builds = tuple(sorted({build for event in events for build in event.builds}))
    mine = [path for path in paths if path.source == server]
    # where every path is judged, those that work are not the cause; else any may be
    suspects = [path for path in mine if path.judgement.blocks] or mine
    named = [path.users for path in suspects if path.users is not None]
    return AffectedSource(
        server=server,
        sighting=sum(more, first),
        builds=builds,
        targets=tuple(path.target for path in suspects),
        rules=tuple(r for r in book.rules if any(_predicts(r, build) for build in builds)),
        people=next((found for found in evidence.users if found.server == server), None),
        users=sum(named) if named else None,
    )


def _predicts(rule: Rule, build: Build) -> bool:
    return (
        rule.symptom.event_id == WATSON and rule.verdict is Verdict.BROKEN and build in rule.source
    )


def _longest_first(found: AffectedSource) -> tuple[object, ...]:
    return (found.sighting.first or datetime.max.replace(tzinfo=UTC), found.server)


def _worst_first(path: ObservedPath) -> tuple[object, ...]:
    severity = path.judgement.verdict.severity
    return (-severity, -path.sighting.count, path.source, path.target)
