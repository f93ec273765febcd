"""A timed schedule replayed minute by minute: what runs, what is out of service, what paths see.

The order check holds for any times; this one holds a given timetable against the windows, the
reserve, the limits of pools, and looks at the paths once more as they are at every instant. While
a step runs, each server it changes may answer with the build before or after; while a switch
spreads, either mode may be seen.
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from orchestrator.checker.order import CheckReport, Violation
from orchestrator.model.build import Build
from orchestrator.model.plan import Plan, Step
from orchestrator.model.routing import route
from orchestrator.model.schedule import Schedule, TimedStep
from orchestrator.model.state import AccessMode
from orchestrator.model.topology import Pool, PoolId, ProxyPath, Topology
from orchestrator.model.window import MINUTE
from orchestrator.model.words import counted
from orchestrator.rules.engine import RuleBook

Times = Mapping[str, TimedStep]


def check_timed(topology: Topology, plan: Plan, book: RuleBook) -> CheckReport:
    """Replay the schedule of a plan.

    Parameters
    ----------
    topology : Topology
    plan : Plan
        Whose structure holds (see `check`).
    book : RuleBook

    Notes
    -----
    A plan without a schedule has nothing to be replayed: the report is empty and safe.
    """
    if plan.schedule is None:
        return CheckReport((), 0, 0)
    faults = list(_not_one_to_one(plan, plan.schedule))
    if faults:
        return CheckReport(tuple(Violation(text) for text in faults), 0, 0)
    times = {timed.step: timed for timed in plan.schedule.steps}
    for step in plan.steps:
        faults += _outside_window(step, times[step.id], plan.schedule)
        faults += _too_early(step, times)
    faults += _overlaps(plan, times)
    faults += _too_many(plan.schedule)
    faults += _short_of_servers(topology, plan, times)
    violations = [Violation(text) for text in faults]
    states = 0
    changes = _Changes(plan)
    for path in topology.paths:
        found, looked_at = _replay(topology, changes, book, times, path)
        violations += found
        states += looked_at
    return CheckReport(tuple(violations), len(topology.paths), states)


def _not_one_to_one(plan: Plan, schedule: Schedule) -> Iterator[str]:
    planned = {step.id for step in plan.steps}
    timed = [row.step for row in schedule.steps]
    yield from (f"{name} has no time" for name in sorted(planned - set(timed)))
    yield from (f"{name} has a time and is no step" for name in sorted(set(timed) - planned))
    counts = Counter(timed)
    yield from (f"{name} has {n} times" for name, n in sorted(counts.items()) if n > 1)


def _outside_window(step: Step, timed: TimedStep, schedule: Schedule) -> Iterator[str]:
    needed = schedule.policy.minutes(step)
    given = (timed.end - timed.start) // MINUTE
    if given < needed:
        yield f"{step.id} is given {counted(given, 'minute')}, it needs {needed}"
    reserve = schedule.policy.reserve(step)
    if timed.reserve_minutes < reserve:
        yield (
            f"{step.id} keeps {counted(timed.reserve_minutes, 'minute')} in reserve, it "
            f"needs {reserve}"
        )
    latest = timed.end + reserve * MINUTE
    windows = schedule.calendar.of(step).windows
    if not any(window.holds(timed.start, latest) for window in windows):
        yield (
            f"{step.id} from {_show(timed.start)} to {_show(timed.end)} with "
            f"{counted(reserve, 'minute')} in reserve lies in no window of {step.pool.site}"
        )
    if timed.window not in windows or not timed.window.holds(timed.start, latest):
        yield f"{step.id} names a window it does not lie in"


def _too_early(step: Step, times: Times) -> Iterator[str]:
    for name in step.after:
        if times[name].end > times[step.id].start:
            yield (
                f"{step.id} starts {_show(times[step.id].start)} before {name} has ended "
                f"{_show(times[name].end)}"
            )


def _overlaps(plan: Plan, times: Times) -> Iterator[str]:
    rows: dict[str, list[TimedStep]] = defaultdict(list)
    for step in plan.steps:
        for name in step.servers:
            rows[name].append(times[step.id])
    told = set()
    for name, steps in sorted(rows.items()):
        ordered = sorted(steps, key=lambda t: (t.start, t.end, t.step))
        for one, other in itertools.pairwise(ordered):
            if other.start < one.end and (one.step, other.step) not in told:
                told.add((one.step, other.step))
                yield f"{one.step} and {other.step} change {name} at the same time"


def _too_many(schedule: Schedule) -> Iterator[str]:
    running = 0
    most = schedule.policy.max_parallel
    edges = [(row.end, -1) for row in schedule.steps] + [(row.start, 1) for row in schedule.steps]
    for moment, change in sorted(edges):
        running += change
        if running > most:
            yield f"{running} steps run {_show(moment)}, at most {most} may"
            return


def _short_of_servers(topology: Topology, plan: Plan, times: Times) -> Iterator[str]:
    """Pools below their minimum, or a whole site with more than one pool away."""
    building = [step for step in plan.steps if step.kind.changes_build]
    by_site: dict[str, list[Step]] = defaultdict(list)
    for step in building:
        by_site[step.pool.site].append(step)
    for _, steps in sorted(by_site.items()):
        for moment in sorted({times[step.id].start for step in steps}):
            yield from _short_at(topology, steps, times, moment)


def _short_at(
    topology: Topology, steps: Sequence[Step], times: Times, moment: datetime
) -> Iterator[str]:
    out: dict[Pool, set[str]] = defaultdict(set)
    for step in steps:
        if times[step.id].start <= moment < times[step.id].end:
            out[topology.pools[step.pool]] |= {*step.servers}
    for pool, names in out.items():
        if shortage := pool.shortage(names):
            yield f"{shortage} ({_show(moment)})"
    away = sorted(str(pool.id) for pool, names in out.items() if len(names) == len(pool.servers))
    if len(away) > 1:
        yield f"{' and '.join(away)} are both out of service {_show(moment)}"


@dataclass(frozen=True, eq=False)
class _Class:
    """Servers that go the same way: the first of them, its steps and the builds between them.

    Parameters
    ----------
    had : frozenset of Build
        Version folders that are there from the start.
    copies : list of Step
        Those that bring more.
    """

    server: str
    steps: list[Step]
    builds: list[Build]
    had: frozenset[Build]
    copies: list[Step]

    def folders(self, times: Times, moment: datetime | None) -> frozenset[Build]:
        """Version folders that are there for sure: a copy that still runs brings none yet."""
        done = (s.folder for s in self.copies if moment and times[s.id].end <= moment and s.folder)
        return self.had.union(done)

    def seen(self, times: Times, moment: datetime | None) -> list[tuple[int, Build, bool]]:
        """Builds that may answer: steps begun by then, and whether a run can rest there."""
        places = _places(self.steps, times, moment)
        found = [(place, self.builds[place], True) for place in places]
        # While a step runs it may show builds of its own, on the way to the place after it.
        for place in places[1:]:
            found += [(place, passed, False) for passed in self.steps[place - 1].passes]
        return found


@dataclass(frozen=True)
class _Changes:
    """The steps of a plan by what they change."""

    plan: Plan

    @cached_property
    def _of_server(self) -> Mapping[str, list[Step]]:
        found: dict[str, list[Step]] = defaultdict(list)
        for step in self.plan.steps:
            for name in step.servers if step.kind.changes_build else ():
                found[name].append(step)
        return found

    @cached_property
    def _copies(self) -> Mapping[str, list[Step]]:
        found: dict[str, list[Step]] = defaultdict(list)
        for step in self.plan.steps:
            for name, _ in step.folders:
                found[name].append(step)
        return found

    @cached_property
    def _had(self) -> Mapping[str, set[Build]]:
        found: dict[str, set[Build]] = defaultdict(set)
        for name, build in self.plan.start.version_folders:
            found[name].add(build)
        return found

    @cached_property
    def _of_urls(self) -> Mapping[PoolId, list[Step]]:
        found: dict[PoolId, list[Step]] = defaultdict(list)
        for step in self.plan.steps:
            if step.kind.changes_urls:
                found[step.pool].append(step)
        return found

    def turns(self, path: ProxyPath) -> list[Step]:
        """The switches of a path's label."""
        return [s for s in self._of_urls.get(path.target, ()) if path.protocol in s.protocols]

    def modes(self, pool: Pool, path: ProxyPath) -> list[AccessMode]:
        """The modes of a path's label, from the start on."""
        state = self.plan.start
        modes = [state.mode(pool, path.protocol)]
        for step in self.turns(path):
            state = step.apply(state)
            modes.append(state.mode(pool, path.protocol))
        return modes

    def classes(self, servers: Iterable[str]) -> list[_Class]:
        """One server, its steps, builds and folders for all that go the same way."""
        found: dict[object, _Class] = {}
        for name in servers:
            steps = self._of_server.get(name, [])
            builds = [self.plan.start.builds[name], *(s.to_build for s in steps if s.to_build)]
            had, copies = frozenset(self._had.get(name, ())), self._copies.get(name, [])
            key = builds[0], tuple(s.id for s in steps), had, tuple(s.id for s in copies)
            found.setdefault(key, _Class(name, steps, builds, had, copies))
        return list(found.values())


def _replay(
    topology: Topology, changes: _Changes, book: RuleBook, times: Times, path: ProxyPath
) -> tuple[list[Violation], int]:
    target = topology.pools[path.target]
    turns, modes = changes.turns(path), changes.modes(target, path)
    routes = [route(path.source, path.target, path.protocol, mode) for mode in modes]
    found: list[Violation] = []
    states = 0
    for source, goal in itertools.product(
        changes.classes(topology.pools[path.source].servers), changes.classes(target.servers)
    ):
        healed: list[tuple[int, int, int]] = []
        for moment in _moments(
            times, itertools.chain(source.steps, source.copies, goal.steps, turns)
        ):
            folders = source.folders(times, moment)
            for (i, s_build, s_rests), (j, t_build, t_rests), k in itertools.product(
                source.seen(times, moment), goal.seen(times, moment), _places(turns, times, moment)
            ):
                states += 1
                judgement = book.judge_route(
                    routes[k], path.protocol, s_build, t_build, folder=t_build in folders
                )
                if not judgement.blocks:
                    if s_rests and t_rests:
                        healed.append((i, j, k))
                elif any(a <= i and b <= j and c <= k for a, b, c in healed):
                    text = (
                        f"{path}: {source.server} on {s_build} in front of {goal.server} on "
                        f"{t_build} is {judgement.verdict} by {judgement.rule.id} "
                        f"{_when(moment)}"
                    )
                    found.append(Violation(text, _done(changes.plan, times, moment)))
    return found, states


def _moments(times: Times, steps: Iterable[Step]) -> list[datetime | None]:
    """Before everything, and every instant at which something begins or has ended."""
    rows = [times[step.id] for step in steps]
    return [None, *sorted({row.start for row in rows} | {row.end for row in rows})]


def _places(chain: Sequence[Step], times: Times, moment: datetime | None) -> range:
    """How many steps of a chain may be done: those that ended, and those that run."""
    if moment is None:
        return range(1)
    ended = sum(times[step.id].end <= moment for step in chain)
    begun = sum(times[step.id].start <= moment for step in chain)
    return range(ended, max(begun, ended) + 1)


def _done(plan: Plan, times: Times, moment: datetime | None) -> tuple[str, ...]:
    if moment is None:
        return ()
    return tuple(step.id for step in plan.steps if times[step.id].end <= moment)


def _when(moment: datetime | None) -> str:
    return "at the start" if moment is None else _show(moment)


def _show(moment: datetime) -> str:
    return f"at {moment:%Y-%m-%d %H:%M} UTC"
