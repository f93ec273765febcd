"""Sets of labels by what they cost with all they enclose, against CP-SAT's answer to all at once.

The oracle is the model of the core with nothing said of labels or bounds, itself held against the
naive model of the benchmarks elsewhere. Half of the organisations have rules in any direction,
builds in between and servers upgraded already.
"""

from __future__ import annotations

import dataclasses
import itertools
import random
from datetime import UTC, datetime, timedelta

import pytest
from benchmarks.families import small
from support.chance import Case, organization

from orchestrator.errors import NoSafePlan
from orchestrator.model.plan import Plan
from orchestrator.model.schedule import Calendar, SiteCalendar, TimePolicy, Timing
from orchestrator.model.topology import Label, Protocol
from orchestrator.model.window import Window
from orchestrator.planner import make_plan
from orchestrator.planner.alternatives import Labels
from orchestrator.planner.core import FOUND, NEAR, answered, library, solve
from orchestrator.planner.core_model import CoreModel
from orchestrator.planner.covered import Covered
from orchestrator.planner.decisions import Decisions
from orchestrator.planner.question import Core
from orchestrator.shipped import catalogue

PER_BLOCK = 24
FEW_SITES = [seed for seed in range(1, 400) if 3 + seed % 8 <= 5]
NIGHTS = ((0, 20, 9, 7), (2, 22, 6, 7), (5, 20, 10, 14))
"""First day, hour, hours, days from one to the next."""


def drawn(seed: int) -> tuple[Case, Timing]:
    """An organisation of 2 to 5 sites, and eight weeks of nights that differ from site to site."""
    rng = random.Random(f"decisions {seed}")
    if seed % 2:
        farm, _ = small(rng.choice(FEW_SITES))
        case = Case(farm.topology, farm.start, farm.end, farm.book)
    else:
        case = organization(rng)
    servers = {
        name: dataclasses.replace(server, minutes=rng.choice([20, 45, 90]))
        for name, server in case.topology.servers.items()
    }
    topology = dataclasses.replace(case.topology, servers=servers, replication_minutes=60)
    groups = []
    for site in sorted(topology.sites):
        day, hour, hours, days = rng.choice(NIGHTS)
        first = datetime(2012, 4, 2, hour, tzinfo=UTC) + timedelta(days=day)
        starts = [first + timedelta(days=n * days) for n in range(56 // days)]
        nights = tuple(Window(start, start + timedelta(hours=hours)) for start in starts)
        groups.append(SiteCalendar((site,), "UTC", nights))
    policy = TimePolicy(rng.choice([1, 2, 5]), 0, 5, 60)
    return dataclasses.replace(case, topology=topology), Timing(
        Calendar("UTC", tuple(groups)), policy
    )


def asked(case: Case, timing: Timing, monkeypatch: pytest.MonkeyPatch) -> tuple[Plan, Core] | None:
    """The plan, and the core the planner asked about; None without either."""
    seen: list[Core] = []

    def keep(core: Core) -> Decisions:
        seen.append(core)
        return Decisions(core)

    with monkeypatch.context() as patch:
        patch.setattr("orchestrator.planner.make.Decisions", keep)
        try:
            plan = make_plan(
                case.topology,
                case.start,
                case.end,
                case.book,
                catalogue(),
                pilot=False,
                timing=timing,
            )
        except NoSafePlan:
            return None
    return (plan, seen[-1]) if seen else None


@pytest.mark.parametrize("block", range(2))
def test_no_plan_beats_the_bound_and_the_sets_lead_to_the_optimum(
    block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared = tight = 0
    for seed in range(block * PER_BLOCK, (block + 1) * PER_BLOCK):
        found = asked(*drawn(seed), monkeypatch)
        if found is None:
            continue
        plan, core = found
        solver, status = answered(CoreModel(core, library()), 0.3)
        if status != "OPTIMAL":
            continue
        optimum = round(solver.objective_value)
        least, _ = next(Decisions(core).sets())
        assert least <= optimum, seed
        solved = solve(core, plan, Decisions(core).sets())
        assert solved is not None, seed
        assert solved.at_least <= optimum <= solved.cost, seed
        assert solved.cost - optimum <= optimum // NEAR, seed
        compared += 1
        tight += least == optimum
    assert compared > PER_BLOCK / 4
    assert tight > compared / 2


FEW_DEMANDS = 8


def test_the_sets_are_those_of_every_decision_about_every_demand(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compared = 0
    for seed in range(24):
        found = asked(*drawn(seed), monkeypatch)
        if found is None or len(Covered(found[1]).demands) > FEW_DEMANDS:
            continue
        told = {labels: cost for cost, labels in Decisions(found[1]).sets() if labels is not None}
        assert told == every_decision(Covered(found[1])), seed
        compared += 1
    assert compared > 10


def every_decision(covered: Covered) -> dict[Labels, int]:
    """The least by set of labels over all ways to keep some demands and not others."""
    every = range(len(covered.demands))
    least: dict[Labels, int] = {}
    for kept in itertools.product((True, False), repeat=len(every)):
        order = covered.order([n for n in every if kept[n]])
        lifted = frozenset(n for n in every if not kept[n])
        if not order.cyclic:
            labels = tuple(covered.labels[n] for n in covered.redirected(lifted))
            cost = covered.least(order, lifted).cost
            least[labels] = min(cost, least.get(labels, cost))
    return least


def test_servers_that_go_other_ways_change_in_either_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """The model had the order of the builds: a plan in another order was none, or cost more."""
    compared = 0
    for seed in range(0, 60, 2):
        found = asked(*drawn(seed), monkeypatch)
        pools = [own for own in found[1].chains.values() if len(own) > 1] if found else []
        if found is None or not pools or any(change.way for change in pools[0]):
            continue
        core = found[1]
        one, other = [*pools[0]][:2]
        fixed = Label(one.pool, Protocol.EWS)
        for first, then in ((one, other), (other, one)):
            arc = dataclasses.replace(core.arcs[0], first=first, then=then, label=fixed)
            asked_for = dataclasses.replace(core, arcs=[*core.arcs, arc])
            assert answered(CoreModel(asked_for, library()), 0.3)[1] in FOUND, seed
        compared += 1
    assert compared
