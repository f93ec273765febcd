"""Whether a plan is safe in every interleaving and under every interruption.

The invariant speaks of triples: one source server, one target server, one label. A state of a
triple is reachable exactly if the steps that lead to it, with all they come after, do not contain
the step that would lead beyond it. So looking at every reachable state of every triple covers
every order the steps may take, and every run that stops half-way with dependents withheld.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from orchestrator.checker.structure import ancestors, structural_faults
from orchestrator.model.build import Build
from orchestrator.model.plan import Plan, Step
from orchestrator.model.routing import route
from orchestrator.model.state import AccessMode
from orchestrator.model.topology import Protocol, ProxyPath, Topology
from orchestrator.rules.engine import RuleBook

V = TypeVar("V")


@dataclass(frozen=True)
class Violation:
    """Something the plan must not contain.

    Parameters
    ----------
    message : str
        What breaks, in which state, by which rule.
    steps : tuple of str
        Steps done when it breaks; empty for a fault in the plan's structure.
    """

    message: str
    steps: tuple[str, ...] = ()


@dataclass(frozen=True)
class CheckReport:
    """What was looked at and what was found.

    Parameters
    ----------
    violations : tuple of Violation
    paths, states : int
        Proxy paths replayed, and distinct reachable (source, target, mode) states judged.
    """

    violations: tuple[Violation, ...]
    paths: int
    states: int

    @property
    def safe(self) -> bool:
        """Whether nothing was found."""
        return not self.violations


@dataclass(frozen=True)
class _Chain(Generic[V]):
    """The values one thing takes, and the step that leads to each but the first."""

    values: tuple[V, ...]
    steps: tuple[str, ...]


def check(topology: Topology, plan: Plan, book: RuleBook) -> CheckReport:
    """Replay a plan.

    Parameters
    ----------
    topology : Topology
    plan : Plan
    book : RuleBook

    Notes
    -----
    Pairs that do not work at the start may stay so until they are repaired; none may be joined
    and none may break again. Polynomial: pairs of server classes times positions per path.
    """
    faults = structural_faults(topology, plan)
    if faults:
        return CheckReport(tuple(Violation(text) for text in faults), 0, 0)
    before = ancestors(plan.steps)
    violations: list[Violation] = []
    states = 0
    for path in topology.paths:
        found, looked_at = _check_path(topology, plan, book, before, path)
        violations += found
        states += looked_at
    return CheckReport(tuple(violations), len(topology.paths), states)


def _check_path(
    topology: Topology,
    plan: Plan,
    book: RuleBook,
    before: Mapping[str, frozenset[str]],
    path: ProxyPath,
) -> tuple[list[Violation], int]:
    modes = _mode_chain(topology, plan, path)
    sources = _build_chains(plan, topology.pools[path.source].servers)
    targets = _build_chains(plan, topology.pools[path.target].servers)
    violations: list[Violation] = []
    states = 0
    for (source, s_names), (target, t_names) in itertools.product(sources.items(), targets.items()):
        healed: list[tuple[int, int, int]] = []
        for position in itertools.product(
            range(len(source.values)), range(len(target.values)), range(len(modes.values))
        ):
            done = _reached(before, (source, target, modes), position)
            if done is None:
                continue
            states += 1
            i, j, k = position
            judgement = book.judge_route(
                route(path.source, path.target, path.protocol, modes.values[k]),
                path.protocol,
                source.values[i],
                target.values[j],
            )
            if not judgement.blocks:
                healed.append(position)
            elif _worked_before(healed, position):
                violations.append(
                    Violation(
                        f"{path}: {s_names[0]} on {source.values[i]} in front of {t_names[0]} on "
                        f"{target.values[j]} is {judgement.verdict} by {judgement.rule.id}",
                        tuple(step.id for step in plan.steps if step.id in done),
                    )
                )
    return violations, states


def _worked_before(healed: Iterable[tuple[int, int, int]], position: tuple[int, int, int]) -> bool:
    return any(all(a <= b for a, b in zip(h, position, strict=True)) for h in healed)


def _reached(
    before: Mapping[str, frozenset[str]],
    chains: Sequence[_Chain[Any]],
    position: Sequence[int],
) -> frozenset[str] | None:
    """The steps done in the smallest run that ends at this position; None if no run does."""
    done: set[str] = set()
    for chain, reached in zip(chains, position, strict=True):
        for step in chain.steps[:reached]:
            done |= before[step] | {step}
    beyond = {
        chain.steps[reached]
        for chain, reached in zip(chains, position, strict=True)
        if reached < len(chain.steps)
    }
    return None if beyond & done else frozenset(done)


def _build_chains(plan: Plan, servers: Sequence[str]) -> dict[_Chain[Build], list[str]]:
    """Servers of a pool by the builds they pass through: equal ones are judged once."""
    classes: dict[_Chain[Build], list[str]] = defaultdict(list)
    for name in servers:
        steps = [s for s in plan.steps if s.kind.changes_build and name in s.servers]
        values = (plan.start.builds[name], *(step.to_build for step in steps if step.to_build))
        classes[_Chain(values, tuple(step.id for step in steps))].append(name)
    return classes


def _mode_chain(topology: Topology, plan: Plan, path: ProxyPath) -> _Chain[AccessMode]:
    pool = topology.pools[path.target]
    steps: list[Step] = []
    state = plan.start
    values: list[AccessMode] = [state.mode(pool, path.protocol)]
    for step in plan.steps:
        if step.kind.changes_urls and step.pool == path.target and _turns(step, path.protocol):
            state = step.apply(state)
            steps.append(step)
            values.append(state.mode(pool, path.protocol))
    return _Chain(tuple(values), tuple(step.id for step in steps))


def _turns(step: Step, protocol: Protocol) -> bool:
    return protocol in step.protocols
