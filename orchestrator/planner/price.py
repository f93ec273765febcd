"""What redirecting costs: every switch at a fixed charge, and users times the time it is on.

In user-minutes, so that all is whole numbers. A charge per switch stands for what a switch is to
people beside its length: one more change to be announced, replicated and undone.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from orchestrator.model.schedule import Timing
from orchestrator.model.topology import Label, PoolId, Topology
from orchestrator.planner.batches import Batch
from orchestrator.planner.brackets import Bracket
from orchestrator.planner.constraints import Arc
from orchestrator.planner.spans import Spans
from orchestrator.planner.way import Change

FORM = "among plans by these builds that redirect a pool once, around all of its changes"
"""Of which plans a bound speaks: a stop nobody asked for, or a switch between two changes of its
own pool, can cost less (tests/unit/planner/test_form.py), and nobody has looked."""


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
        """For the plan: what it costs, and how far that is from what no plan of `FORM` beats."""
        switches = f"{self.switches} {'switch' if self.switches == 1 else 'switches'}"
        text = f"redirection: {switches} and {_hours(self.user_minutes)} user-hours {how}"
        if least >= self.total:
            charge = f"at {_hours(self.charge)} user-hours a switch"
            return f"{text}, proven minimal {charge} {FORM}"
        text += f": {_hours(self.total)} at {_hours(self.charge)} a switch"
        if least < 6:
            return text
        # Rounded to the cautious side: neither number may claim more than was proven.
        above = math.ceil(1_000 * (self.total - least) / least) / 10
        floor = _hours(least // 6 * 6)
        return f"{text}, at most {above:.1f}% above the minimum (at least {floor}) {FORM}"


class Prices:
    """The least a label can cost that is redirected for a while.

    A redirection encloses all changes of its own pool, which come one after the other; so it is
    never on for less than these and its two switches take, in whatever plan of this `FORM`.

    Parameters
    ----------
    topology : Topology
    batches : callable
        From a pool to the batches of its changes, in their order.
    charge : int
        User-minutes a switch counts as.
    timing : Timing, optional
        Windows; without them nothing waits.

    Attributes
    ----------
    spans : Spans
        How long things take in these windows.
    """

    def __init__(
        self,
        topology: Topology,
        batches: Callable[[PoolId], Mapping[Change, Sequence[Batch]]],
        charge: int,
        timing: Timing | None = None,
    ) -> None:
        self.topology = topology
        self.batches = batches
        self.charge = charge
        self.timing = timing
        self.spans = Spans(topology, timing)
        self._known: dict[Label, int] = {}

    def __call__(self, label: Label) -> int:
        """In user-minutes, two switches included."""
        if label not in self._known:
            users = self.topology.users_of(label)
            minutes = max(self.spans.least(label.pool, own, []) for own in self._chains(label.pool))
            self._known[label] = 2 * self.charge + users * minutes
        return self._known[label]

    def _chains(self, pool: PoolId) -> list[list[Batch]]:
        """Batches in an order every plan keeps: all, or with windows those of each way.

        Servers of a pool that go different ways come one after the other in any order, and which
        fits the nights best nobody has looked at.
        """
        made = self.batches(pool)
        ways = {change.way or (change.old, change.new) for change in made}
        if self.timing is None or len(ways) < 2:
            return [[batch for chain in made.values() for batch in chain]]
        return [
            [
                batch
                for change, chain in made.items()
                if (change.way or (change.old, change.new)) == way
                for batch in chain
            ]
            for way in sorted(ways)
        ]

    def surcharges(
        self, arcs: Sequence[Arc], brackets: Mapping[Label, Bracket]
    ) -> list[tuple[Label, Label, int]]:
        """What one label costs more unless another is redirected with it.

        Parameters
        ----------
        arcs : sequence of Arc
            That lie on cycles.
        brackets : mapping of Label to Bracket
            Of every label that may be redirected.

        Notes
        -----
        Let a label L be redirected. A change X that must not be made before that, and has to be
        made before a change Y of L's own pool by a demand which another label M lifts, lies inside
        L's redirection unless M is redirected as well. So L lasts at least as long as its
        switches, X, and its own pool's changes from Y on take one after the other, whatever else
        is redirected and when. Of several M the longest counts, since each holds by itself.
        """
        inside: dict[tuple[Label, Label], set[tuple[Change, Change]]] = {}
        by_pool: dict[PoolId, list[Label]] = {}
        for label in sorted(brackets):
            by_pool.setdefault(label.pool, []).append(label)
        for arc in arcs:
            for label in by_pool.get(arc.then.pool, ()):
                opens = brackets[label].opens_before
                elsewhere = arc.first.pool != label.pool and arc.label != label
                if elsewhere and arc.label in brackets and arc.first in opens:
                    pair = label, arc.label
                    inside.setdefault(pair, set()).add((arc.first, arc.then))
        found = []
        for (label, other), pairs in sorted(inside.items()):
            longest = max(self._with(label, *pair) for pair in sorted(pairs))
            if longest > self(label):
                found.append((label, other, longest - self(label)))
        return found

    def _with(self, label: Label, first: Change, then: Change) -> int:
        """What a label costs that encloses a change before one of its own pool's."""
        own = self.batches(label.pool)
        if first not in self.batches(first.pool) or then not in own:
            return 0
        # Later changes of the same servers; what other servers of the pool do may come first.
        rest = itertools.dropwhile(lambda change: change != then, own)
        later = [
            change for change in rest if change == then or (then.way and change.way == then.way)
        ]
        after = [batch for change in later for batch in own[change]]
        before = [(first.pool, self.batches(first.pool)[first])]
        minutes = self.spans.least(label.pool, after, before)
        return 2 * self.charge + self.topology.users_of(label) * minutes


def _hours(user_minutes: int) -> str:
    return f"{user_minutes / 60:,.1f}".removesuffix(".0")
