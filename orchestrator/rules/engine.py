"""Judging pairs of builds and whole paths by rules."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from orchestrator.model.build import Build, BuildRange
from orchestrator.model.routing import Decision, Route, route
from orchestrator.rules.rule import (
    Confidence,
    Policy,
    Remedy,
    Rule,
    Verdict,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orchestrator.model.state import State
    from orchestrator.model.topology import PoolId, Protocol, ProxyPath, Topology

NO_RULE = "no-rule"
ROUTED = "not-proxied"
NO_ROUTE = "no-route"


@dataclass(frozen=True)
class Judgement:
    """A verdict with the rule it rests on.

    Parameters
    ----------
    verdict : Verdict
        After the policy: a strict rule reads ``broken`` here.
    rule : Rule
        The rule that decided.
    accepted : str
        Why the operator accepted an ``unknown`` verdict; empty if nobody did.
    strict : str
        Why the rule is taken as broken although it does not say so itself.
    remedied : bool
        Whether the rule would say otherwise, were its remedy not there.
    """

    verdict: Verdict
    rule: Rule
    accepted: str = ""
    strict: str = ""
    remedied: bool = False

    @property
    def blocks(self) -> bool:
        """Whether no state of a plan may contain it: broken, or unknown and not accepted."""
        if self.verdict is Verdict.UNKNOWN:
            return not self.accepted
        return self.verdict is Verdict.BROKEN

    @property
    def leans(self) -> bool:
        """Whether it is allowed but rests on something the farm must confirm."""
        return not self.blocks and self.verdict in {Verdict.ADVISORY, Verdict.UNKNOWN}


Kind = tuple[Build, frozenset[Build]]
"""A build, and the builds of the version folders that a server on it has."""


@dataclass(frozen=True)
class PairJudgement:
    """The judgement of one source server in front of one target server."""

    source: str
    target: str
    judgement: Judgement


@dataclass(frozen=True)
class PathJudgement:
    """A path in one state: its route, its worst judgement, and every pair behind it."""

    path: ProxyPath
    decision: Decision
    worst: Judgement
    pairs: tuple[PairJudgement, ...]

    @cached_property
    def blocking(self) -> tuple[PairJudgement, ...]:
        """The pairs that do not work."""
        return tuple(pair for pair in self.pairs if pair.judgement.blocks)


@dataclass(frozen=True)
class RuleBook:
    """Rules in force together with the operator's policy.

    Parameters
    ----------
    rules : tuple of Rule
        With unique ids.
    policy : Policy
    """

    rules: tuple[Rule, ...]
    policy: Policy = field(default_factory=Policy)

    @cached_property
    def by_id(self) -> dict[str, Rule]:
        """Rules by id, the built-in ones included."""
        return {rule.id: rule for rule in (*self.rules, _NO_RULE, _NOT_PROXIED, _NO_ROUTE)}

    def judge(
        self, protocol: Protocol, source: Build, target: Build, *, folder: bool = False
    ) -> Judgement:
        """The worst of what the rules say of a proxied pair; ``unknown`` where none speaks.

        Parameters
        ----------
        folder : bool
            Whether the source has the version folder of the target's build.
        """
        key = (protocol, source, target, folder)
        if key not in self._judged:
            self._judged[key] = self._judge(*key)
        return self._judged[key]

    @cached_property
    def has_remedies(self) -> bool:
        """Whether version folders matter to any rule that the policy does not hold strictly."""
        return any(self._lifted(rule) for rule in self.rules)

    def without_remedies(self) -> RuleBook:
        """The same rules as if there were no remedy for any of them."""
        return RuleBook(tuple(replace(rule, remedy=None) for rule in self.rules), self.policy)

    def needs_folder(self, protocol: Protocol, source: Build, target: Build) -> bool:
        """Whether a proxied pair works with the version folder of the target's build only."""
        return (
            self.has_remedies
            and self.judge(protocol, source, target).blocks
            and not self.judge(protocol, source, target, folder=True).blocks
        )

    def folders_of_use(
        self, topology: Topology, folders: Iterable[tuple[str, Build]]
    ) -> frozenset[tuple[str, Build]]:
        """Those version folders that some rule may ask of a server for one of its paths.

        Linear in folders and in the paths of each one's pool.
        """
        lifted = [rule for rule in self.rules if self._lifted(rule)]
        return frozenset(
            (name, build)
            for name, build in folders
            if any(
                path.protocol in rule.protocols and build in rule.target
                for rule in lifted
                for path in topology.paths_at[topology.servers[name].pool]
                if path.source == topology.servers[name].pool
            )
        )

    def broken_paths(self, topology: Topology, state: State) -> list[ProxyPath]:
        """Paths of which some server pair does not work in a state, in the topology's order.

        Looks at distinct builds, not at every pair: `judge_all` is for reports.
        """
        kinds = self.kinds(topology, state)
        found = []
        for path in topology.paths:
            mode = state.mode(topology.pools[path.target], path.protocol)
            decision = route(path.source, path.target, path.protocol, mode)
            if any(
                self.judge_route(
                    decision, path.protocol, source, target, folder=target in folders
                ).blocks
                for source, folders in kinds[path.source]
                for target, _ in kinds[path.target]
            ):
                found.append(path)
        return found

    @cached_property
    def _judged(self) -> dict[tuple[Protocol, Build, Build, bool], Judgement]:
        return {}

    def _judge(self, protocol: Protocol, source: Build, target: Build, folder: object) -> Judgement:
        spoken = [rule for rule in self.rules if rule.speaks_of(protocol, source, target)]
        return max(
            (
                Judgement(Verdict.OK, rule, remedied=True)
                if folder and self._lifted(rule)
                else self._under_policy(rule)
                for rule in spoken or [_NO_RULE]
            ),
            key=lambda judgement: (judgement.blocks, judgement.verdict.severity),
        )

    def _lifted(self, rule: Rule) -> bool:
        """Whether a version folder lifts a rule; not if the farm has shown that it does not.

        Nor where the rule forbids nothing, or somebody took the risk: then nobody waits for one.
        """
        if rule.remedy is not Remedy.VERSION_FOLDER or rule.id in self.policy.strict:
            return False
        return self._under_policy(rule).blocks

    def kinds(self, topology: Topology, state: State) -> dict[PoolId, list[Kind]]:
        """The distinct builds of each pool's servers, each with the version folders beside it."""
        folders: dict[str, set[Build]] = {}
        for name, build in state.version_folders if self.has_remedies else ():
            folders.setdefault(name, set()).add(build)
        return {
            pool.id: sorted(
                {(state.builds[n], frozenset(folders.get(n, ()))) for n in pool.servers},
                key=lambda kind: (kind[0], sorted(kind[1])),
            )
            for pool in topology.pools.values()
        }

    def judge_route(
        self,
        decision: Decision,
        protocol: Protocol,
        source: Build,
        target: Build,
        *,
        folder: bool = False,
    ) -> Judgement:
        """A pair under a route: the rules speak only where it may be proxied."""
        if decision.route.may_proxy:
            return self.judge(protocol, source, target, folder=folder)
        rule = _NO_ROUTE if decision.route is Route.IMPOSSIBLE else _NOT_PROXIED
        return Judgement(rule.verdict, rule)

    def judge_path(self, topology: Topology, state: State, path: ProxyPath) -> PathJudgement:
        """Judge every server pair of a path in one state."""
        target_pool = topology.pools[path.target]
        mode = state.mode(target_pool, path.protocol)
        decision = route(path.source, path.target, path.protocol, mode)
        builds, folders = state.builds, state.version_folders
        pairs = tuple(
            PairJudgement(
                s,
                t,
                self.judge_route(
                    *(decision, path.protocol, builds[s], builds[t]),
                    folder=(s, builds[t]) in folders,
                ),
            )
            for s in topology.pools[path.source].servers
            for t in target_pool.servers
        )
        worst = max(pairs, key=lambda p: (p.judgement.blocks, p.judgement.verdict.severity))
        return PathJudgement(path, decision, worst.judgement, pairs)

    def judge_all(self, topology: Topology, state: State) -> list[PathJudgement]:
        """Every path of the topology, in its order."""
        return [self.judge_path(topology, state, path) for path in topology.paths]

    def _under_policy(self, rule: Rule) -> Judgement:
        if rule.id in self.policy.strict:
            return Judgement(Verdict.BROKEN, rule, strict=self.policy.strict[rule.id])
        if rule.verdict is Verdict.UNKNOWN and rule.id in self.policy.accepted:
            return Judgement(Verdict.UNKNOWN, rule, self.policy.accepted[rule.id])
        return Judgement(rule.verdict, rule)


def unknown_rule_ids(book: RuleBook, ids: Iterable[str]) -> list[str]:
    """Those ids that name no rule in force."""
    return [rule_id for rule_id in ids if rule_id not in book.by_id]


def _built_in(rule_id: str, title: str, verdict: Verdict, confidence: Confidence) -> Rule:
    return Rule(
        id=rule_id,
        title=title,
        protocols=frozenset(),
        source=BuildRange(),
        target=BuildRange(),
        verdict=verdict,
        confidence=confidence,
        references=("built in",),
    )


_NO_RULE = _built_in(
    NO_RULE, "no rule speaks of this pair of builds", Verdict.UNKNOWN, Confidence.OPEN
)
_NOT_PROXIED = _built_in(
    ROUTED, "served locally or redirected: no CAS-to-CAS proxying", Verdict.OK, Confidence.DOC
)
_NO_ROUTE = _built_in(
    NO_ROUTE, "the source can neither proxy nor redirect", Verdict.BROKEN, Confidence.DOC
)
