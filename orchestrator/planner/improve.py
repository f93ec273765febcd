"""A timed plan made cheaper piece by piece, where its core is too large to be solved whole.

Some pools are asked for anew, labels and times, while all others keep theirs: a small problem
that CP-SAT answers at once (large neighbourhood search, Shaw 1998). What is asked for first is
around the redirection that lasts longest beyond what it must. The effort is CP-SAT's own count.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from orchestrator.model.plan import Plan
from orchestrator.model.topology import Label, PoolId
from orchestrator.model.window import minute_of
from orchestrator.planner.assemble import SWITCH_MINUTES
from orchestrator.planner.core import FOUND, Solved, answered, library, starts_of
from orchestrator.planner.core_model import CoreModel
from orchestrator.planner.question import Core, Part, plain

EFFORT = 1.0
"""CP-SAT's deterministic seconds for all neighbourhoods together."""

MOST_AT_ONCE = 170
"""Batches and possible switches of a core that is first asked for as a whole."""

AT_ONCE = 1.0
"""Deterministic seconds for that."""

MOST_STEPS = 400
"""Batches and possible switches of a core up to which it is tried at all: pieces of larger ones
were found to gain nothing, because one hub holds together more than a piece."""

ONCE = 0.12
"""Of these for one neighbourhood at most."""

MOST_FREE = 48
"""Batches and possible switches of a neighbourhood."""

LATER = 28 * 24 * 60
"""Minutes by which steps may end later than in the plan at hand."""


def improve(core: Core, known: Plan) -> Solved | None:
    """The plan with other labels and times that cost less.

    Parameters
    ----------
    core : Core
        With every change of the plan.
    known : Plan
        With its times.

    Returns
    -------
    Solved or None
        Its bound is 0: nothing is said of other plans. None without the library, for a core that
        is too large, or if nothing cheaper was found.
    """
    if core.size > MOST_STEPS or library() is None:
        return None
    search = _Search(core, known)
    return search.run(EFFORT) if search.whole else None


class _Search:
    def __init__(self, core: Core, known: Plan) -> None:
        self._core = core
        every = starts_of(known)
        self._starts = {part: every[plain(part)] for part in _parts(core) if plain(part) in every}
        made = [part for part in _parts(core) if not isinstance(part.what, Label)]
        self.whole = all(part in self._starts for part in made)
        self._better = False
        self._near = core.near
        self._between = _after_pilot(known), max(self._starts.values(), default=0) + LATER

    def run(self, effort: float) -> Solved | None:
        before = self._cost()
        if self._core.size <= MOST_AT_ONCE and effort:
            self._asked(tuple(self._core.chains), AT_ONCE, by_turns=True)
        tried: set[Label] = set()
        while effort > 0:
            left = [label for label in self._by_excess() if label not in tried]
            if not left:
                break
            pools = self._around(left[0])
            effort -= self._asked(pools, min(effort, ONCE))
            if self._better:
                tried = set()
            tried.add(left[0])
        cost = self._cost()
        if cost >= before:
            return None
        labels = tuple(sorted(p.what for p in self._starts if isinstance(p.what, Label)))
        return Solved(tuple(dict.fromkeys(labels)), self._starts, cost, 0)

    def _asked(self, pools: Sequence[PoolId], limit: float, *, by_turns: bool = False) -> float:
        """Ask for some pools anew and keep what is cheaper; the effort it took."""
        free = {*pools}
        model = CoreModel(self._core, library(), self._starts, free, self._between)
        model.hint(self._starts)
        solver, status = answered(model, limit, by_turns=by_turns)
        self._better = False
        if status in FOUND:
            off = {label for label, on in model.on.items() if not solver.value(on)}
            found = {
                part: step.start if step.settled else solver.value(step.start)
                for part, step in model.steps.items()
                if part.what not in off
            }
            old, self._starts = self._starts, found
            now = self._cost()
            self._starts = old
            if now < self._cost():
                self._starts, self._better = found, True
        return float(solver.response_proto.deterministic_time) + limit / 20

    def _minutes(self, label: Label) -> int:
        look = self._core.timing.policy.verification_minutes
        switch = SWITCH_MINUTES + self._core.topology.replication_minutes
        return self._starts[Part(label, 1)] - self._starts[Part(label, 0)] + switch + look

    def _cost(self) -> int:
        return sum(self._costs().values())

    def _costs(self) -> dict[Label, int]:
        """What each redirection that is made costs in the plan at hand."""
        users = self._core.topology.users_of
        on = (part.what for part in self._starts if not part.number)
        return {
            label: 2 * self._core.charge + users(label) * self._minutes(label)
            for label in on
            if isinstance(label, Label)
        }

    def _by_excess(self) -> list[Label]:
        cost = self._costs()
        excess = {label: cost[label] - self._core.price(label) for label in cost}
        return sorted(excess, key=lambda label: (-excess[label], label))

    def _around(self, label: Label) -> list[PoolId]:
        """Pools near that of a label, until there are enough steps."""
        rank = {label.pool: n for n, label in enumerate(self._by_excess())}
        seen, size = {label.pool}, 0
        found: list[PoolId] = []
        queue = deque([label.pool])
        while queue:
            pool = queue.popleft()
            size += self._size(pool)
            if found and size > MOST_FREE:
                break
            found.append(pool)
            near = sorted(self._near.get(pool, set()) - seen, key=lambda p: (rank.get(p, 10**6), p))
            seen.update(near)
            queue.extend(near)
        return found

    def _size(self, pool: PoolId) -> int:
        labels = sum(label.pool == pool for label in self._core.brackets)
        return 2 * labels + sum(map(len, self._core.chains.get(pool, {}).values()))


def _parts(core: Core) -> list[Part]:
    changes = [
        Part(change, number)
        for own in core.chains.values()
        for change, chain in own.items()
        for number in range(len(chain))
    ]
    return changes + [Part(label, number) for label in core.brackets for number in (0, 1)]


def _after_pilot(plan: Plan) -> int:
    """When the plan's pilot is over; nothing else may be earlier."""
    pilots = {step.id for step in plan.steps if step.pilot}
    if plan.schedule is None:
        return 0
    return max(
        (minute_of(timed.end) for timed in plan.schedule.steps if timed.step in pilots), default=0
    )
