"""The whole problem as one CP-SAT model: labels, order and times at once; the naive yardstick.

Every step is an interval whose start lies in its windows; a label is redirected or all demands it
lifts hold. Built from the same demands of the rules, and with the same form of plans: pools change
batch after batch, and a redirection encloses its own pool.
"""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass
from typing import Any

from ortools.sat.python import cp_model

from benchmarks.families import Farm
from orchestrator.model.schedule import Timing
from orchestrator.model.topology import Label, Protocol
from orchestrator.model.window import minute_of
from orchestrator.planner.assemble import SWITCH_MINUTES
from orchestrator.planner.batches import batches
from orchestrator.planner.brackets import bracket
from orchestrator.planner.constraints import order_arcs, path_facts
from orchestrator.planner.stops import shortest_ways
from orchestrator.planner.way import Change
from orchestrator.shipped import catalogue

LIMIT = 30.0
"""Deterministic seconds (CP-SAT's own measure) after which it is not proven."""


@dataclass(frozen=True)
class Whole:
    """What CP-SAT found.

    Parameters
    ----------
    proven : bool
    cost : int
        User-minutes, switches at their charge included.
    labels : frozenset of Label
    seconds : float
        Of processor, the model's making included.
    """

    proven: bool
    cost: int
    labels: frozenset[Label]
    seconds: float


def whole(farm: Farm, timing: Timing, charge: int, *, limit: float = LIMIT) -> Whole:
    """The cheapest plan with its times, by one model; one worker, fixed seed."""
    began = time.process_time()
    model = _Model(farm, timing, charge)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = 1
    solver.parameters.max_deterministic_time = limit
    status = solver.solve(model.cp)
    taken = time.process_time() - began
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return Whole(proven=False, cost=0, labels=frozenset(), seconds=taken)
    chosen = frozenset(label for label, on in model.on.items() if solver.value(on))
    cost = round(solver.objective_value)
    return Whole(status == cp_model.OPTIMAL, cost, chosen, taken)


class _Model:
    def __init__(self, farm: Farm, timing: Timing, charge: int) -> None:
        self.cp = cp_model.CpModel()
        self.on: dict[Label, Any] = {}
        self._farm, self._timing = farm, timing
        self._windows = {
            site: group.windows for group in timing.calendar.groups for site in group.sites
        }
        self._intervals: list[Any] = []
        ways = shortest_ways(farm.topology, farm.start, farm.end, catalogue(), {})
        facts = path_facts(farm.topology, farm.start, farm.end, farm.book, ways)
        chains: dict[Change, list[tuple[Any, Any]]] = {}
        of_pool: dict[object, list[tuple[Any, Any]]] = {}
        for pool in farm.topology.pools.values():
            own = of_pool.setdefault(pool.id, [])
            for change, made in batches(farm.topology, pool, ways).items():
                chains[change] = [self._step(pool.id.site, b.minutes, b.minutes) for b in made]
                own += chains[change]
            self._in_order(own)
        switch = SWITCH_MINUTES + farm.topology.replication_minutes
        costs = []
        for pool in farm.topology.pools.values():
            label = Label(pool.id, Protocol.OWA)
            if not pool.redirect_url:
                continue
            on = self.on[label] = self.cp.new_bool_var(str(label))
            opens = self._step(pool.id.site, switch, SWITCH_MINUTES, on)
            closes = self._step(pool.id.site, switch, SWITCH_MINUTES, on)
            span = bracket([fact for fact in facts if fact.path.label == label])
            inside = of_pool[pool.id]
            for change in span.opens_before & chains.keys():
                self.cp.add(opens[1] <= chains[change][0][0]).only_enforce_if(on)
            for change in span.closes_after & chains.keys():
                self.cp.add(chains[change][-1][1] <= closes[0]).only_enforce_if(on)
            if inside:
                self.cp.add(opens[1] <= inside[0][0]).only_enforce_if(on)
                self.cp.add(inside[-1][1] <= closes[0]).only_enforce_if(on)
            self.cp.add(opens[1] <= closes[0]).only_enforce_if(on)
            length = self.cp.new_int_var(0, 10**7, "")
            self.cp.add(length >= closes[1] - opens[0]).only_enforce_if(on)
            costs.append(2 * charge * on + farm.topology.users_of(label) * length)
        for arc in order_arcs(facts):
            before = chains[arc.first][-1][1] <= chains[arc.then][0][0]
            if arc.label in self.on:
                self.cp.add(before).only_enforce_if(self.on[arc.label].negated())
            else:
                self.cp.add(before)
        most = timing.policy.max_parallel
        self.cp.add_cumulative(self._intervals, [1] * len(self._intervals), most)
        self.cp.minimize(sum(costs))

    def _step(self, site: str, minutes: int, reserve: int, on: Any = None) -> tuple[Any, Any]:
        slots = [
            [minute_of(window.start), minute_of(window.end) - minutes - reserve]
            for window in self._windows[site]
            if window.minutes >= minutes + reserve
        ]
        start = self.cp.new_int_var_from_domain(cp_model.Domain.from_intervals(slots), "")
        end = start + minutes
        if on is None:
            self._intervals.append(self.cp.new_fixed_size_interval_var(start, minutes, ""))
        else:
            made = self.cp.new_optional_fixed_size_interval_var(start, minutes, on, "")
            self._intervals.append(made)
        return start, end

    def _in_order(self, steps: list[tuple[Any, Any]]) -> None:
        for (_, end), (start, _) in itertools.pairwise(steps):
            self.cp.add(end <= start)
