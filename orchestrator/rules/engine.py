"""Judging pairs of builds and whole paths by rules."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from orchestrator.model.build import BuildRange
from orchestrator.model.routing import Decision, Route, route
from orchestrator.rules.rule import (
    Confidence,
    Policy,
    Rule,
    Verdict,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orchestrator.model.build import Build
    from orchestrator.model.state import State
    from orchestrator.model.topology import Protocol, ProxyPath, Topology

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
    """

    verdict: Verdict
    rule: Rule
    accepted: str = ""
    strict: str = ""

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

    def judge(self, protocol: Protocol, source: Build, target: Build) -> Judgement:
        """The worst of what the rules say of a proxied pair; ``unknown`` where none speaks."""
        key = (protocol, source, target)
        if key not in self._judged:
            self._judged[key] = self._judge(*key)
        return self._judged[key]

    def broken_paths(self, topology: Topology, state: State) -> list[ProxyPath]:
        """Paths of which some server pair does not work in a state, in the topology's order.

        Looks at distinct builds, not at every pair: `judge_all` is for reports.
        """
        builds = {
            pool.id: sorted({state.builds[name] for name in pool.servers})
            for pool in topology.pools.values()
        }
        found = []
        for path in topology.paths:
            mode = state.mode(topology.pools[path.target], path.protocol)
            decision = route(path.source, path.target, path.protocol, mode)
            if any(
                self.judge_route(decision, path.protocol, source, target).blocks
                for source in builds[path.source]
                for target in builds[path.target]
            ):
                found.append(path)
        return found

    @cached_property
    def _judged(self) -> dict[tuple[Protocol, Build, Build], Judgement]:
        return {}

    def _judge(self, protocol: Protocol, source: Build, target: Build) -> Judgement:
        spoken = [rule for rule in self.rules if rule.speaks_of(protocol, source, target)]
        return max(
            (self._under_policy(rule) for rule in spoken or [_NO_RULE]),
            key=lambda judgement: (judgement.blocks, judgement.verdict.severity),
        )

    def judge_route(
        self, decision: Decision, protocol: Protocol, source: Build, target: Build
    ) -> Judgement:
        """A pair under a route: the rules speak only where it may be proxied."""
        if decision.route.may_proxy:
            return self.judge(protocol, source, target)
        rule = _NO_ROUTE if decision.route is Route.IMPOSSIBLE else _NOT_PROXIED
        return Judgement(rule.verdict, rule)

    def judge_path(self, topology: Topology, state: State, path: ProxyPath) -> PathJudgement:
        """Judge every server pair of a path in one state."""
        target_pool = topology.pools[path.target]
        mode = state.mode(target_pool, path.protocol)
        decision = route(path.source, path.target, path.protocol, mode)
        builds = state.builds
        pairs = tuple(
            PairJudgement(s, t, self.judge_route(decision, path.protocol, builds[s], builds[t]))
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
