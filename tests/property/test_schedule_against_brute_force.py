"""Timetables of random farms against a validator that goes minute by minute, and against all.

Neither the validator nor the exhaustive search uses planner or checker.
"""

from __future__ import annotations

import dataclasses
import itertools
from datetime import datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.timetables import Draw, Farm, farm

from orchestrator.errors import NoSafePlan
from orchestrator.model.plan import Step, StepKind
from orchestrator.model.schedule import Schedule
from orchestrator.planner.schedule import schedule
from orchestrator.planner.workload import workload

MINUTE = timedelta(minutes=1)

draws = st.builds(
    Draw,
    pools=st.integers(1, 12),
    batches=st.sampled_from([(1, 1), (1, 4)]),
    minutes=st.sampled_from([(20, 60, 5), (30, 30, 5), (1, 90, 1)]),
    classes=st.integers(1, 4),
    hours=st.sampled_from([(2, 3), (3, 6)]),
    weeks=st.sampled_from([8, 60]),
    parallel=st.integers(1, 6),
    arcs=st.sampled_from([0.0, 0.5, 1.5]),
    redirected=st.sampled_from([0.0, 0.4]),
    reserve=st.sampled_from([None, 0, 30]),
    blackouts=st.integers(0, 3),
    alone=st.booleans(),
)

tiny = st.builds(
    Draw,
    pools=st.integers(1, 3),
    batches=st.just((1, 2)),
    minutes=st.just((30, 90, 30)),
    classes=st.integers(1, 2),
    hours=st.sampled_from([(3, 4)]),
    weeks=st.just(12),
    parallel=st.integers(1, 2),
    arcs=st.sampled_from([0.0, 1.0]),
    alone=st.booleans(),
)


def length_of(step: Step) -> int:
    return step.estimated_minutes + (5 if step.probes else 0)


def reserve_of(drawn: Farm, step: Step) -> int:
    if step.kind is StepKind.VERIFY:
        return 0
    if drawn.policy.reserve_minutes is not None:
        return drawn.policy.reserve_minutes
    waiting = 0 if step.kind is StepKind.UPGRADE else drawn.topology.replication_minutes
    return length_of(step) - waiting


def windows_of(drawn: Farm, step: Step) -> list[tuple[datetime, datetime]]:
    rows = sorted(
        (window.start, window.end)
        for group in drawn.calendar.groups
        for window in group.windows
        if step.kind is StepKind.VERIFY or step.pool.site in group.sites
    )
    merged: list[tuple[datetime, datetime]] = []
    for start, end in rows:
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return merged


def complaints(drawn: Farm, timed: Schedule) -> list[str]:
    """Everything wrong with a timetable."""
    found = []
    rows = {row.step: row for row in timed.steps}
    steps = {step.id: step for step in drawn.plan.steps}
    if sorted(rows) != sorted(steps) or len(rows) != len(timed.steps):
        return ["not every step once"]
    for name, step in steps.items():
        row = rows[name]
        if (row.end - row.start) / MINUTE != length_of(step):
            found.append(f"{name}: length")
        last = row.end + reserve_of(drawn, step) * MINUTE
        if not any(a <= row.start and last <= b for a, b in windows_of(drawn, step)):
            found.append(f"{name}: window")
        found += [f"{name}: after {n}" for n in step.after if rows[n].end > row.start]
    instants = sorted({row.start for row in timed.steps})
    for instant in instants:
        running = [steps[r.step] for r in timed.steps if r.start <= instant < r.end]
        if len(running) > drawn.policy.max_parallel:
            found.append(f"{instant}: {len(running)} at once")
        touched = [name for step in running for name in step.servers]
        if len(touched) != len(set(touched)):
            found.append(f"{instant}: one server twice")
        for pool in drawn.topology.pools.values():
            out = sum(
                len(s.servers) for s in running if s.pool == pool.id and s.kind is StepKind.UPGRADE
            )
            if len(pool.servers) - out < pool.minimum_in_service:
                found.append(f"{instant}: {pool.id} below its minimum")
    return found


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 10**6), draws)
def test_a_timetable_keeps_every_promise(seed: int, draw: Draw) -> None:
    drawn = farm(seed, draw)
    try:
        plan = schedule(drawn.topology, drawn.plan, drawn.calendar, drawn.policy)
    except NoSafePlan:
        assert fits_nowhere(drawn) or draw.weeks == 8
        return
    timed = plan.schedule
    assert timed is not None
    assert complaints(drawn, timed) == []
    assert timed.end >= timed.bound.end
    assert timed.user_minutes == users_redirected(drawn, timed)
    assert timed.user_minutes >= timed.bound.user_minutes


def fits_nowhere(drawn: Farm) -> bool:
    return any(
        all(b - a < (length_of(s) + reserve_of(drawn, s)) * MINUTE for a, b in windows_of(drawn, s))
        for s in drawn.plan.steps
    )


def users_redirected(drawn: Farm, timed: Schedule) -> int:
    rows = {row.step: row for row in timed.steps}
    total = 0
    for step in drawn.plan.steps:
        if step.kind is StepKind.ENABLE_REDIRECTION:
            (closing,) = (
                other
                for other in drawn.plan.steps
                if other.kind is StepKind.RESTORE_PROXYING and other.pool == step.pool
            )
            users = sum(p.users for p in drawn.topology.paths if p.target == step.pool)
            total += users * int((rows[closing.id].end - rows[step.id].start) / MINUTE)
    return total


def shortest(drawn: Farm) -> datetime:
    """The earliest end over all orders of placing, each step as early as it can.

    For limits of this kind some order leads to an optimum. The order is one of all linear
    extensions; placing goes minute by minute on a grid all numbers lie on.
    """
    grid = 5 * MINUTE
    steps = drawn.plan.steps
    best: datetime | None = None
    begin = min(window.start for group in drawn.calendar.groups for window in group.windows)
    for order in itertools.permutations(steps[:-1]):
        placed: dict[str, tuple[datetime, datetime]] = {}
        for step in (*order, steps[-1]):
            if not set(step.after) <= placed.keys():
                break
            start = max([begin, *(placed[name][1] for name in step.after)])
            length = length_of(step) * MINUTE
            tail = reserve_of(drawn, step) * MINUTE
            windows = windows_of(drawn, step)
            while not (
                any(a <= start and start + length + tail <= b for a, b in windows)
                and free(drawn, step, start, start + length, placed)
            ):
                later = [a for a, _ in windows if a > start]
                inside = any(a <= start < b for a, b in windows)
                start = start + grid if inside else min(later)
            placed[step.id] = start, start + length
            if best is not None and start + length >= best:
                break
        else:
            end = max(end for _, end in placed.values())
            best = end if best is None else min(best, end)
    assert best is not None
    return best


def free(
    drawn: Farm,
    step: Step,
    start: datetime,
    end: datetime,
    placed: dict[str, tuple[datetime, datetime]],
) -> bool:
    pools = {s.id: s.pool for s in drawn.plan.steps}
    meanwhile = {n: ab for n, ab in placed.items() if ab[0] < end and start < ab[1]}
    if any(pools[n] == step.pool and step.servers for n in meanwhile if n != "verify-all-paths"):
        return False
    moments = {start, *(a for a, _ in meanwhile.values() if a > start)}
    most = max(sum(a <= m < b for a, b in meanwhile.values()) for m in moments)
    return most < drawn.policy.max_parallel


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 10**6), tiny)
def test_tiny_timetables_are_as_short_as_any(seed: int, draw: Draw) -> None:
    drawn = farm(seed, draw)
    if fits_nowhere(drawn):
        return
    timed = schedule(drawn.topology, drawn.plan, drawn.calendar, drawn.policy).schedule
    assert timed is not None
    optimum = shortest(drawn)
    assert timed.bound.end <= optimum <= timed.end
    nights = {next(w for w in timed.calendar.anywhere.windows if w.start <= r.start < w.end)
              for r in timed.steps}  # fmt: skip
    # fewer nights come before an earlier end; where that is no matter the end is the earliest
    if len(nights) == 1 or len(drawn.calendar.groups) == 1:
        assert timed.end == optimum


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 10**6), st.integers(1, 3), st.integers(1, 3))
def test_the_least_time_of_a_redirection_is_exact(seed: int, pools: int, classes: int) -> None:
    """With the farm to itself, over every minute it could open in."""
    draw = Draw(pools, classes=classes, weeks=3, parallel=99, redirected=1.0, minutes=(20, 40, 5))
    drawn = farm(seed, draw)
    drawn = dataclasses.replace(drawn, policy=dataclasses.replace(drawn.policy, reserve_minutes=20))
    work = workload(drawn.topology, drawn.plan, drawn.calendar, drawn.policy)
    for redirection in work.redirections:
        steps = drawn.plan.steps
        names = [redirection.opens, *redirection.inner, redirection.closes]
        chain = [steps[n] for n in names]
        best: int | None = None
        for opens, closes in windows_of(drawn, chain[0]):
            for late in range(int((closes - opens) / MINUTE)):
                took = alone(drawn, chain, opens + late * MINUTE)
                if took is not None and (best is None or took < best):
                    best = took
        assert work.shortest(redirection) == (best or 0)


def alone(drawn: Farm, chain: list[Step], first: datetime) -> int | None:
    """Minutes from opening exactly then to the end of closing; None if it does not fit."""
    ends: dict[str, datetime] = {}
    begun = first
    for step in chain:
        ready = max((ends[name] for name in step.after if name in ends), default=first)
        room = (length_of(step) + reserve_of(drawn, step)) * MINUTE
        starts = [max(a, ready) for a, b in windows_of(drawn, step) if max(a, ready) + room <= b]
        if not starts or (step is chain[0] and starts[0] != first):
            return None
        begun = starts[0]
        ends[step.id] = begun + length_of(step) * MINUTE
    return int((ends[chain[-1].id] - first) / MINUTE)
