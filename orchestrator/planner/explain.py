"""Why a plan is as it is, found from the plan itself: what each part of its order keeps out.

A state of a path that must not come about (source build, target build, mode) is kept out exactly
if a step that leads away from it comes before a step that leads into it. Such a pair is a
`Guard`. This asks nothing of how the plan was made, so it explains any plan, a way back too.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from orchestrator.model.build import Build
from orchestrator.model.plan import Plan, Step, StepKind
from orchestrator.model.routing import route
from orchestrator.model.schedule import Schedule
from orchestrator.model.state import State
from orchestrator.model.topology import PoolId, ProxyPath, Topology
from orchestrator.planner.explanation import (
    Check,
    Consequence,
    Ground,
    Guard,
    Link,
    PathExplanation,
    PoolExplanation,
    StepExplanation,
    Times,
)
from orchestrator.rules.engine import Judgement, RuleBook

_Pair = tuple[str, str]


class _Chain(NamedTuple):
    values: tuple[Any, ...]
    steps: tuple[str, ...]
    lasting: tuple[bool, ...]
    server: str = ""


@dataclass(frozen=True)
class Explainer:
    """Answers about one plan.

    Parameters
    ----------
    topology : Topology
    plan : Plan
    book : RuleBook
    check : callable
        The independent checker's violations of a plan.
    """

    topology: Topology
    plan: Plan
    book: RuleBook
    check: Check

    def step(self, step: Step) -> StepExplanation:
        """Explain a step. Runs the checker once per direct neighbour in the order, and once."""
        by_id = {s.id: s for s in self.plan.steps}
        guards = self._guards(p for p in self.topology.paths if step.pool in p[:2])
        before = [by_id[name] for name in step.after]
        behind = [s for s in self.plan.steps if step.id in s.after]
        more_before = {g.first for g in guards if g.then == step.id} - {*step.after}
        more_behind = {g.then for g in guards if g.first == step.id} - {s.id for s in behind}
        chain, minutes = self._longest(step)
        stages = enumerate(self.plan.stages, 1)
        return StepExplanation(
            step=step,
            number=self.plan.steps.index(step) + 1,
            stage=next(n for n, stage in stages if step in stage),
            chain=chain,
            minutes=minutes,
            waits_for=tuple(
                self._link(first, step, guards)
                for first in [*before, *(by_id[name] for name in sorted(more_before))]
            ),
            awaited_by=tuple(
                self._link(step, then, guards)
                for then in [*behind, *(by_id[name] for name in sorted(more_behind))]
            ),
            without=self._first_break(without_step(self.plan, step)),
            times=_times(self.plan.schedule, step) if self.plan.schedule else None,
        )

    def path(self, path: ProxyPath) -> PathExplanation:
        """Explain a path, in the order of the plan's steps."""
        state = self.plan.start
        at_start = self.book.judge_path(self.topology, state, path)
        after = []
        for step in self.plan.steps:
            state = step.apply(state)
            if _touches(step, path):
                after.append((step, self.book.judge_path(self.topology, state, path)))
        return PathExplanation(path, at_start, tuple(after), tuple(self._guards([path])))

    def pool(self, pool: PoolId) -> PoolExplanation:
        """Explain a pool."""
        steps = tuple(
            s for s in self.plan.steps if s.pool == pool and s.kind is not StepKind.VERIFY
        )
        own = {step.id for step in steps}
        guards = self._guards(p for p in self.topology.paths if pool in p[:2])
        return PoolExplanation(
            pool,
            steps,
            tuple(g for g in guards if g.then in own and g.first not in own),
            tuple(g for g in guards if g.first in own and g.then not in own),
        )

    def _link(self, first: Step, then: Step, guards: Iterable[Guard]) -> Link:
        between = tuple(g for g in guards if (g.first, g.then) == (first.id, then.id))
        if not between:
            return Link(first.id, then.id, self._ground(first, then))
        mutated = without_order(self.plan, first.id, then.id)
        consequence = self._first_break(mutated, {str(g.path) for g in between}, first.id)
        alone = [guard for guard in between if guard.alone]
        if consequence is not None and consequence.judgement is None and alone:
            # two steps on the same servers: the checker looks no further than that
            consequence = self._reached(mutated, alone[0])
        return Link(first.id, then.id, Ground.RULE, between, consequence)

    def _reached(self, plan: Plan, guard: Guard) -> Consequence:
        """The state a guard keeps out, in a plan in which it can be reached."""
        before = _ancestors(plan.steps)
        done = frozenset(guard.entries).union(*(before[name] for name in guard.entries))
        shown = {guard.source: guard.source_build, guard.target: guard.target_build}
        state = _after(plan, done).with_builds(shown)
        judgement = self.book.judge_path(self.topology, state, guard.path)
        message = (
            f"{guard.path}: {guard.source} on {guard.source_build} in front of {guard.target} on "
            f"{guard.target_build} is {guard.judgement.verdict} by {guard.judgement.rule.id}"
        )
        steps = tuple(s.id for s in plan.steps if s.id in done)
        return Consequence(steps, judgement, message, _running(plan, steps, shown))

    def _ground(self, first: Step, then: Step) -> Ground:
        if then.kind is StepKind.VERIFY:
            return Ground.PROOF if then.pilot else Ground.LAST_LOOK
        if first.pilot and not then.pilot:
            return Ground.PILOT
        if first.kind.copies_folder or then.kind.copies_folder:
            return Ground.FOLDER
        if first.pool == then.pool:
            switched = first.kind.changes_urls or then.kind.changes_urls
            return Ground.SWITCH if switched else Ground.SAME_POOL
        repaired = any(
            self.book.judge_path(self.topology, self.plan.start, path).worst.blocks
            for path in self.topology.paths
            if {first.pool, then.pool} == {*path[:2]}
        )
        if repaired:
            return Ground.REPAIR
        return (
            Ground.SWITCH if first.kind.changes_urls or then.kind.changes_urls else Ground.PLANNER
        )

    def _guards(self, paths: Iterable[ProxyPath]) -> list[Guard]:
        before = _ancestors(self.plan.steps)
        found: dict[tuple[object, ...], Guard] = {}
        for path in paths:
            for guard in self._guards_of(path, before):
                key = (guard.first, guard.then, path, guard.judgement.rule.id)
                kept = found.setdefault(key, guard)
                if guard.alone and not kept.alone:
                    found[key] = guard
        return list(found.values())

    def _guards_of(self, path: ProxyPath, before: Mapping[str, frozenset[str]]) -> Iterator[Guard]:
        modes = self._modes(path)
        ends = [self._builds(self.topology.pools[pool].servers) for pool in path[:2]]
        for source, target in itertools.product(*ends):
            chains = (source, target, modes, *self._folders(source.server))
            judged: list[tuple[tuple[int, ...], Judgement, frozenset[_Pair]]] = []
            for at in itertools.product(*(range(len(chain.values)) for chain in chains)):
                decision = route(path.source, path.target, path.protocol, modes.values[at[2]])
                builds = source.values[at[0]], target.values[at[1]]
                there = {c.values[n] for c, n in zip(chains[3:], at[3:], strict=True)}
                had = (source.server, builds[1]) in self.plan.start.version_folders
                judgement = self.book.judge_route(
                    decision, path.protocol, *builds, folder=had or builds[1] in there
                )
                # Folders of other builds have nothing to do with this state.
                own = [n for n, c in enumerate(chains) if n < 3 or builds[1] in c.values]
                some, there_at = [chains[n] for n in own], [at[n] for n in own]
                judged.append((at, judgement, _keeping_out(some, there_at, before)))
            worked = [
                (at, pairs)
                for at, judgement, pairs in judged
                if not judgement.blocks
                and all(chain.lasting[n] for chain, n in zip(chains, at, strict=True))
            ]
            for at, judgement, pairs in judged:
                if not judgement.blocks:
                    continue
                builds = source.values[at[0]], target.values[at[1]]
                for first, then, alone in _demands(pairs, _since(worked, at)):
                    yield Guard(
                        *(first, then, path, source.server, target.server, *builds),
                        modes.values[at[2]],
                        judgement,
                        alone=alone,
                        again=(first, then) not in pairs,
                        entries=_entries(chains, at),
                    )

    def _builds(self, servers: Iterable[str]) -> list[_Chain]:
        """One chain per way of servers through builds: equal ones are explained once."""
        chains: dict[tuple[object, ...], _Chain] = {}
        for name in servers:
            steps = [s for s in self.plan.steps if s.kind.changes_build and name in s.servers]
            rows = [(self.plan.start.builds[name], "", True)]
            for step in steps:
                # What shows while it runs is both entered and left by it.
                rows += [(passed, step.id, False) for passed in step.passes]
                rows += [(step.to_build, step.id, True)] if step.to_build else []
            values, names, lasting = zip(*rows, strict=True)
            chain = _Chain(values, names[1:], lasting, name)
            copies = tuple(copy.steps for copy in self._folders(name))
            had = {b for n, b in self.plan.start.version_folders if n == name}
            chains.setdefault((*chain[:2], copies, frozenset(had)), chain)
        return list(chains.values())

    def _folders(self, server: str) -> list[_Chain]:
        """One chain per version folder that a step copies to a server."""
        return [
            _Chain((None, step.folder), (step.id,), (True, True), server)
            for step in self.plan.steps
            if step.kind.copies_folder and server in step.servers
        ]

    def _modes(self, path: ProxyPath) -> _Chain:
        pool = self.topology.pools[path.target]
        state, steps = self.plan.start, []
        values = [state.mode(pool, path.protocol)]
        for step in self.plan.steps:
            if step.kind.changes_urls and _touches(step, path):
                state = step.apply(state)
                steps.append(step.id)
                values.append(state.mode(pool, path.protocol))
        return _Chain(tuple(values), tuple(steps), (True,) * len(values))

    def _longest(self, step: Step) -> tuple[tuple[str, ...], int]:
        ways: dict[str, tuple[int, tuple[str, ...]]] = {}
        for one in self.plan.steps:
            longest = max((ways[name] for name in one.after), default=(0, ()))
            ways[one.id] = (longest[0] + one.estimated_minutes, (*longest[1], one.id))
        minutes, chain = ways[step.id]
        return chain[:-1], minutes - step.estimated_minutes

    def _first_break(
        self, plan: Plan, of: Collection[str] = (), waited_for: str = ""
    ) -> Consequence | None:
        """The smallest state that breaks, of the paths named if one of them does.

        Else of any path, but not with the step done that is no longer waited for: that state
        comes of another demand, which ran through the one that was dropped.
        """
        found = list(self.check(plan))
        named = [v for v in found if v.message.partition(": ")[0] in of]
        named = named or [v for v in found if waited_for not in v.steps]
        if not named:
            return None
        first = min(named, key=lambda v: (len(v.steps), v.message))
        path = next(
            (p for p in self.topology.paths if first.message.startswith(f"{p}: ")),
            None,
        )
        if path is None:
            return Consequence((), None, first.message)
        state = _after(plan, {*first.steps}).with_builds(first.showing)
        judgement = self.book.judge_path(self.topology, state, path)
        running = _running(plan, first.steps, first.showing)
        return Consequence(first.steps, judgement, first.message, running)


def without_order(plan: Plan, first: str, then: str) -> Plan:
    """The plan with this one demand dropped, and what would bring it back by a detour.

    Every other demand stays, also those that ran through the dropped one.
    """
    before = _ancestors(plan.steps)

    def after(step: Step) -> tuple[str, ...]:
        kept = before[step.id]
        if step.id == then:
            kept = frozenset(n for n in kept if n != first and first not in before[n])
        return tuple(sorted(kept))

    steps = tuple(dataclasses.replace(step, after=after(step)) for step in plan.steps)
    return dataclasses.replace(plan, steps=steps, schedule=None)


def without_step(plan: Plan, left_out: Step) -> Plan:
    """The plan without a step and all that only makes sense after it, in the same order else."""
    gone = {left_out.id}
    for step in plan.steps:
        same_label = step.pool == left_out.pool and {*step.protocols} & {*left_out.protocols}
        both_switch = step.kind.changes_urls and left_out.kind.changes_urls and same_label
        both_change = (
            step.kind.changes_build
            and left_out.kind.changes_build
            and {*step.servers} & {*left_out.servers}
        )
        if (both_switch or both_change) and plan.steps.index(step) > plan.steps.index(left_out):
            gone.add(step.id)
    before = _ancestors(plan.steps)
    steps = tuple(
        dataclasses.replace(step, after=tuple(sorted(before[step.id] - gone)))
        for step in plan.steps
        if step.id not in gone
    )
    end = plan.start
    for step in steps:
        end = step.apply(end)
    return dataclasses.replace(plan, steps=steps, end=end, schedule=None)


def _times(schedule: Schedule, step: Step) -> Times:
    times = {timed.step: timed for timed in schedule.steps}
    last = max(step.after, key=lambda name: (times[name].end, name), default="")
    ready = times[last].end if last else None
    return Times(schedule.calendar.of(step).zone, times[step.id], ready, last)


def _keeping_out(
    chains: Sequence[_Chain], at: Sequence[int], before: Mapping[str, frozenset[str]]
) -> frozenset[_Pair]:
    """Pairs (a step that leads away, a step that leads in) in this order; none if reachable."""
    exits = [c.steps[n] for c, n in zip(chains, at, strict=True) if n < len(c.steps)]
    return frozenset((x, y) for x in exits for y in _entries(chains, at) if x in before[y])


def _since(
    worked: Iterable[tuple[Sequence[int], frozenset[_Pair]]], at: Sequence[int]
) -> list[frozenset[_Pair]]:
    """What keeps out the states before this one in which the path works, one set per state."""
    return [pairs for w, pairs in worked if all(a <= b for a, b in zip(w, at, strict=True))]


def _demands(
    pairs: frozenset[_Pair], earlier: Sequence[frozenset[_Pair]]
) -> list[tuple[str, str, bool]]:
    """The demands that keep a broken state from following one that works.

    What never works before needs no guard: nothing that works stops working. Where it would work
    before only in states that are kept out themselves, those demands count, too.
    """
    if not earlier:
        return []
    ways = [pairs] if frozenset() in earlier else [pairs | way for way in earlier]
    found: dict[_Pair, bool] = {}
    for way in ways:
        for pair in sorted(way):
            found[pair] = found.get(pair, False) or len(way) == 1
    return [(*pair, alone) for pair, alone in found.items()]


def _entries(chains: Sequence[_Chain], at: Sequence[int]) -> tuple[str, ...]:
    return tuple(c.steps[n - 1] for c, n in zip(chains, at, strict=True) if n > 0)


def _touches(step: Step, path: ProxyPath) -> bool:
    if step.kind.changes_build:
        return step.pool in path[:2]
    if step.kind.copies_folder:
        return step.pool == path.source
    return step.kind.changes_urls and step.pool == path.target and path.protocol in step.protocols


def _running(plan: Plan, steps: Collection[str], shown: Mapping[str, Build]) -> tuple[str, ...]:
    """The last steps on servers that show another build than these steps lead to."""
    builds = _after(plan, steps).builds
    found = [
        step.id
        for step in plan.steps
        if step.id in steps
        and step.kind.changes_build
        and any(shown.get(name, builds[name]) != builds[name] for name in step.servers)
        and step.to_build in {builds[name] for name in step.servers}
    ]
    return tuple(found)


def _after(plan: Plan, done: Collection[str]) -> State:
    state = plan.start
    for step in plan.steps:
        if step.id in done:
            state = step.apply(state)
    return state


def _ancestors(steps: Sequence[Step]) -> dict[str, frozenset[str]]:
    before: dict[str, frozenset[str]] = {}
    for step in steps:
        before[step.id] = frozenset(step.after).union(*(before[name] for name in step.after))
    return before
