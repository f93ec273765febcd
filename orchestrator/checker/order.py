"""Whether a plan is safe in every interleaving and under every interruption.

The invariant speaks of triples: one source server, one target server, one label. A state of a
triple is reachable exactly if the steps that lead to it, with all they come after, do not contain
the step that would lead beyond it. So looking at every reachable state of every triple covers
every order the steps may take, and every run that stops half-way with dependents withheld. Where a
rule lets a version folder mend what it finds broken, the steps that copy folders to the source
server are part of the state: a folder counts only where its step is done in every such run.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

from orchestrator.checker.before import Before
from orchestrator.checker.structure import reference_faults, structural_faults
from orchestrator.model.build import Build
from orchestrator.model.plan import Plan, Step
from orchestrator.model.routing import route
from orchestrator.model.state import AccessMode, State
from orchestrator.model.topology import Label, PoolId, ProxyPath, Topology
from orchestrator.rules.engine import Judgement, RuleBook

V = TypeVar("V")
_Position = tuple[int, ...]
"""Places of source, target, label and of each folder's step, in their chains."""


@dataclass(frozen=True)
class Violation:
    """Something the plan must not contain.

    Parameters
    ----------
    message : str
        What breaks, in which state, by which rule.
    steps : tuple of str
        Steps done when it breaks, or running; empty for a fault in the plan's structure.
    showing : mapping of server to Build
        Servers that show a build for minutes while their step runs.
    """

    message: str
    steps: tuple[str, ...] = ()
    showing: Mapping[str, Build] = field(default_factory=dict)


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
    faults = list(reference_faults(topology, plan.steps))
    if not faults:
        before = Before(plan.steps)
        faults = structural_faults(topology, plan, before)
    if faults:
        return CheckReport(tuple(Violation(text) for text in faults), 0, 0)
    chains = _Chains(topology, plan, before, folders=book.has_remedies)
    violations: list[Violation] = []
    states = 0
    for path in topology.paths:
        found, looked_at = _check_path(chains, book, path)
        violations += found
        states += looked_at
    return CheckReport(tuple(violations), len(topology.paths), states)


@dataclass(frozen=True, eq=False)
class _Chain(Generic[V]):
    """The values one thing takes, in their order.

    Parameters
    ----------
    values : tuple
    done : tuple of int
        By position: the steps that are done there at least.
    beyond : tuple of int
        By position: the step that leads further, 0 at the end. While a step runs and shows a
        value of its own, that step.
    lasting : tuple of bool
        By position: whether a run can rest there. What shows for minutes only repairs nothing.
    """

    values: tuple[V, ...]
    done: tuple[int, ...]
    beyond: tuple[int, ...]
    lasting: tuple[bool, ...]


class _Kind(NamedTuple):
    """Servers of a pool that pass through the same: their builds, their folders, the first of them.

    Parameters
    ----------
    folders : tuple of _Chain
        One per version folder that some step copies: no build, then that of the folder.
    had : frozenset of Build
        The version folders that are there from the start.
    """

    builds: _Chain[Build]
    folders: tuple[_Chain[Build | None], ...]
    had: frozenset[Build]
    server: str

    def has_folder(self, build: Build, copied: Sequence[int]) -> bool:
        """Whether they have the version folder of a build, by the places in `folders`."""
        if build in self.had:
            return True
        return bool(copied) and any(
            chain.values[n] == build for chain, n in zip(self.folders, copied, strict=True)
        )


class _Chains:
    """What servers and labels pass through; servers that do so alike are judged once."""

    def __init__(self, topology: Topology, plan: Plan, before: Before, *, folders: bool) -> None:
        self.before = before
        self._topology = topology
        self._start = plan.start
        self._changing: dict[str, list[Step]] = defaultdict(list)
        self._turning: dict[Label, list[Step]] = defaultdict(list)
        self._copying: dict[str, list[Step]] = defaultdict(list)
        self._had: dict[str, set[Build]] = defaultdict(set)
        for name, build in plan.start.version_folders if folders else ():
            self._had[name].add(build)
        for step in plan.steps:
            if step.kind.changes_build:
                for name in step.servers:
                    self._changing[name].append(step)
            if step.kind.changes_urls:
                for protocol in step.protocols:
                    self._turning[Label(step.pool, protocol)].append(step)
            for name, _ in step.folders if folders else ():
                self._copying[name].append(step)
        self._of_pool: dict[PoolId, list[_Kind]] = {}

    def of_pool(self, pool: PoolId) -> list[_Kind]:
        """The kinds of a pool's servers."""
        if pool not in self._of_pool:
            classes: dict[tuple[object, ...], str] = {}
            for name in self._topology.pools[pool].servers:
                steps = tuple(step.id for step in self._changing.get(name, ()))
                copies = tuple(step.id for step in self._copying.get(name, ()))
                had = frozenset(self._had.get(name, ()))
                classes.setdefault((self._start.builds[name], steps, copies, had), name)
            self._of_pool[pool] = [self._kind(name) for name in classes.values()]
        return self._of_pool[pool]

    def _kind(self, name: str) -> _Kind:
        return _Kind(
            self._builds(self._start.builds[name], self._changing.get(name, [])),
            tuple(self._chain((None, s.folder), [s]) for s in self._copying.get(name, ())),
            frozenset(self._had.get(name, ())),
            name,
        )

    def of_label(self, label: Label) -> _Chain[AccessMode]:
        """The modes of a label."""
        pool = self._topology.pools[label.pool]
        keys = [(name, label.protocol) for name in pool.servers]
        state = State({}, {key: self._start.external_urls.get(key, "") for key in keys})
        values = [state.mode(pool, label.protocol)]
        steps = self._turning.get(label, [])
        for step in steps:
            state = step.apply(state)
            values.append(state.mode(pool, label.protocol))
        return self._chain(tuple(values), steps)

    def _builds(self, build: Build, steps: Sequence[Step]) -> _Chain[Build]:
        values = (build, *(step.to_build for step in steps if step.to_build))
        chain = self._chain(values, steps)
        if not any(step.passes for step in steps):
            return chain
        rows = [(values[0], chain.done[0], chain.beyond[0], True)]
        for number, step in enumerate(steps, 1):
            # It runs: all before it is done, and it is not.
            begun = chain.done[number - 1] | self.before.needed(step.id)
            rows += [(passed, begun, self.before.bit(step.id), False) for passed in step.passes]
            rows.append((values[number], chain.done[number], chain.beyond[number], True))
        return _Chain(*zip(*rows, strict=True))

    def _chain(self, values: tuple[V, ...], steps: Sequence[Step]) -> _Chain[V]:
        names = [step.id for step in steps]
        return _Chain(
            values,
            tuple(self.before.done_with(names[:reached]) for reached in range(len(names) + 1)),
            (*(self.before.bit(name) for name in names), 0),
            (True,) * len(values),
        )


def _check_path(chains: _Chains, book: RuleBook, path: ProxyPath) -> tuple[list[Violation], int]:
    modes = chains.of_label(path.label)
    decisions = [route(path.source, path.target, path.protocol, mode) for mode in modes.values]
    judged: dict[tuple[Build, Build, int, bool], Judgement] = {}
    violations: list[Violation] = []
    states = 0
    for one, other in itertools.product(chains.of_pool(path.source), chains.of_pool(path.target)):
        source, target, s_name, t_name = one.builds, other.builds, one.server, other.server
        healed: list[_Position] = []
        for position in _reachable(source, target, modes, one.folders):
            states += 1
            i, j, k = position[:3]
            folder = one.has_folder(target.values[j], position[3:])
            key = (source.values[i], target.values[j], k, folder)
            if key not in judged:
                judged[key] = book.judge_route(decisions[k], path.protocol, *key[:2], folder=folder)
            judgement = judged[key]
            if not judgement.blocks:
                if source.lasting[i] and target.lasting[j]:
                    healed.append(position)
            elif _worked_before(healed, position):
                shown = {
                    name: chain.values[n]
                    for name, chain, n in ((s_name, source, i), (t_name, target, j))
                    if not chain.lasting[n]
                }
                done = source.done[i] | target.done[j] | modes.done[k]
                for chain, n in zip(one.folders, position[3:], strict=True):
                    done |= chain.done[n]
                # A step that shows a build of its own is not done: it runs.
                done |= source.beyond[i] * (s_name in shown) | target.beyond[j] * (t_name in shown)
                violations.append(
                    Violation(
                        f"{path}: {s_name} on {key[0]} in front of {t_name} on {key[1]} is "
                        f"{judgement.verdict} by {judgement.rule.id}",
                        chains.before.names(done),
                        shown,
                    )
                )
    return violations, states


def _reachable(
    source: _Chain[Build],
    target: _Chain[Build],
    modes: _Chain[AccessMode],
    folders: Sequence[_Chain[Build | None]],
) -> Iterator[_Position]:
    """The positions at which some run ends, in their order.

    The smallest run that ends there has done the steps that lead there and all before them; if
    one that leads further is among those, there is no such run.
    """
    for i, j in itertools.product(range(len(source.values)), range(len(target.values))):
        done = source.done[i] | target.done[j]
        beyond = source.beyond[i] | target.beyond[j]
        if done & beyond:
            continue
        for k in range(len(modes.values)):
            so_far, further = done | modes.done[k], beyond | modes.beyond[k]
            if so_far & further:
                continue
            if not folders:
                yield i, j, k
                continue
            for copied in itertools.product((0, 1), repeat=len(folders)):
                reached, leads = so_far, further
                for chain, n in zip(folders, copied, strict=True):
                    reached, leads = reached | chain.done[n], leads | chain.beyond[n]
                if not reached & leads:
                    yield i, j, k, *copied


def _worked_before(healed: Iterable[_Position], position: _Position) -> bool:
    return any(all(a <= b for a, b in zip(h, position, strict=True)) for h in healed)
