"""Which steps may run beside each other; pure functions.

`after` says what must be done before. This says what must not go on at the same time: a pool never
falls below its minimum in service, and a step that looks at servers does not look while another one
has them out of service.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from orchestrator.model.plan import Plan, Step
from orchestrator.model.topology import Pool, PoolId


@dataclass(frozen=True)
class Room:
    """The pools a run must keep in service.

    Parameters
    ----------
    pools : mapping of PoolId to Pool
        A pool that is not in it has one server changed at a time and no minimum that is known.
    """

    pools: Mapping[PoolId, Pool] = field(default_factory=dict)

    def hindrance(self, step: Step, busy: Sequence[Step]) -> str:
        """Why a step may not start beside others; empty if it may.

        Parameters
        ----------
        step : Step
        busy : sequence of Step
            Those that run. A step that was begun before and is not done may have servers out of
            service, too: no other is started until it runs again.
        """
        for other in busy:
            if shared := sorted({*step.servers} & {*other.servers}):
                return f"{other.id} has {', '.join(shared)}"
            if seen := self._looked_at(step, other) or self._looked_at(other, step):
                return f"it and {other.id} look at each other's servers ({', '.join(seen)})"
        return self._short(step, busy) if step.kind.changes_build else ""

    def _looked_at(self, looking: Step, changing: Step) -> list[str]:
        """Servers one step probes through or expects an answer of while another changes them."""
        if not changing.kind.changes_build:
            return []
        looks = {name for probe in looking.probes for name in (*probe.sources, *probe.targets)}
        return sorted(looks & {*changing.servers})

    def _short(self, step: Step, busy: Sequence[Step]) -> str:
        building = [other for other in busy if other.kind.changes_build]
        beside = [other for other in building if other.pool == step.pool]
        pool = self.pools.get(step.pool)
        if pool is None:
            return f"{beside[0].id} changes the same pool" if beside else ""
        out = {*step.servers, *(name for other in beside for name in other.servers)}
        if shortage := pool.shortage(out):
            return shortage
        if not {*pool.servers} <= out:
            return ""
        others = {other.pool for other in building if other.pool.site == step.pool.site}
        away = sorted(p for p in others - {step.pool} if self._empties(p, building))
        return f"{away[0]} of the same site is away, too" if away else ""

    def _empties(self, pool: PoolId, building: Iterable[Step]) -> bool:
        known = self.pools.get(pool)
        out = {name for other in building if other.pool == pool for name in other.servers}
        return known is None or {*known.servers} <= out


def ready(plan: Plan, done: Iterable[str], busy: Iterable[str]) -> list[Step]:
    """Steps whose predecessors are all done, in plan order.

    Parameters
    ----------
    plan : Plan
    done : iterable of str
        Ids of steps that are done.
    busy : iterable of str
        Ids of steps that run.
    """
    finished, running = frozenset(done), frozenset(busy)
    return [
        step
        for step in plan.steps
        if step.id not in finished | running and finished.issuperset(step.after)
    ]
