"""What redirecting costs: every switch at a fixed charge, and users times the time it is on.

In user-minutes, so that all is whole numbers. A charge per switch stands for what a switch is to
people beside its length: one more change to be announced, replicated and undone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from orchestrator.model.plan import Plan, Step, StepKind
from orchestrator.model.schedule import Timing
from orchestrator.model.state import State
from orchestrator.model.topology import Label, PoolId, Topology
from orchestrator.planner.assemble import SWITCH_MINUTES
from orchestrator.planner.workload import workload


@dataclass(frozen=True)
class Cost:
    """What the redirections of a plan cost.

    Parameters
    ----------
    switches : int
    user_minutes : int
        Users times the minutes from the start of a switch to the end of the one that undoes it.
    charge : int
        User-minutes a switch counts as.
    """

    switches: int
    user_minutes: int
    charge: int

    @property
    def total(self) -> int:
        """Both together, in user-minutes."""
        return self.switches * self.charge + self.user_minutes

    def words(self, least: int, how: str) -> str:
        """For the plan: what it costs, and how far that is from what nothing can beat."""
        switches = f"{self.switches} {'switch' if self.switches == 1 else 'switches'}"
        text = f"redirection: {switches} and {_hours(self.user_minutes)} user-hours {how}"
        if least >= self.total:
            return f"{text}, proven minimal at {_hours(self.charge)} user-hours a switch"
        text += f": {_hours(self.total)} at {_hours(self.charge)} a switch"
        if least < 6:
            return text
        # Rounded to the cautious side: neither number may claim more than was proven.
        above = math.ceil(1_000 * (self.total - least) / least) / 10
        floor = _hours(least // 6 * 6)
        return f"{text}, at most {above:.1f}% above the minimum (at least {floor})"


class Prices:
    """The least a label can cost that is redirected for a while.

    A redirection encloses all changes of its own pool, which come one after the other; so it is
    never on for less than these and its two switches take, in whatever plan of this form.

    Parameters
    ----------
    topology : Topology
    minutes : callable
        From a pool to the minutes of its changes, in their order.
    charge : int
        User-minutes a switch counts as.
    timing : Timing, optional
        Windows; without them nothing waits.
    """

    def __init__(
        self,
        topology: Topology,
        minutes: Callable[[PoolId], Sequence[int]],
        charge: int,
        timing: Timing | None = None,
    ) -> None:
        self._topology = topology
        self._own = minutes
        self._charge = charge
        self._timing = timing
        self._known: dict[Label, int] = {}

    def __call__(self, label: Label) -> int:
        """In user-minutes, two switches included."""
        if label not in self._known:
            users = self._topology.users_of(label)
            self._known[label] = 2 * self._charge + users * self._minutes(label)
        return self._known[label]

    def _minutes(self, label: Label) -> int:
        switch = SWITCH_MINUTES + self._topology.replication_minutes
        chain = self._own(label.pool)
        if self._timing is None:
            return 2 * switch + sum(chain)
        steps = _alone(self._topology, label, [switch, *chain, switch])
        plan = Plan(steps, State({}, {}), State({}, {}))
        work = workload(self._topology, plan, *self._timing)
        return sum(work.shortest(redirection) for redirection in work.redirections)


def _alone(topology: Topology, label: Label, minutes: Sequence[int]) -> tuple[Step, ...]:
    """A redirection of a label with its own pool's changes and nothing else."""
    pool = topology.pools[label.pool]
    last = len(minutes) - 1
    kinds = {0: StepKind.ENABLE_REDIRECTION, last: StepKind.RESTORE_PROXYING}
    return tuple(
        Step(
            id=str(n),
            kind=kinds.get(n, StepKind.UPGRADE),
            pool=label.pool,
            servers=pool.servers,
            protocols=(label.protocol,),
            after=(str(n - 1),) if n else (),
            estimated_minutes=taken,
            reason="",
        )
        for n, taken in enumerate(minutes)
    )


def _hours(user_minutes: int) -> str:
    return f"{user_minutes / 60:,.1f}".removesuffix(".0")
