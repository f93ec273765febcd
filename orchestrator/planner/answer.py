"""The cheapest order of some ways, and of others where those have none."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace

from orchestrator.model.build import Catalogue
from orchestrator.model.topology import Label, ProxyPath, Topology
from orchestrator.planner.certificate import no_order
from orchestrator.planner.cycles import Cut, cheapest_cut, tangled
from orchestrator.planner.demands import Demands, Undecided
from orchestrator.planner.detours import MOST_EXTRA, MOST_WAYS, other_ways, with_stops
from orchestrator.planner.way import Way, Ways

Ask = Callable[[Ways, Collection[ProxyPath]], Demands]

FEW_UNSURE = 4
"""Paths broken today up to which every choice of repairing them early or late is looked at."""

FEW_KINDS = 8
"""Kinds of servers up to which every one may make a stop; of more only those on a contradiction."""

TOO_MANY_WAYS = (
    f"at most {MOST_EXTRA} stops more than a server needs were tried, and {MOST_WAYS} ways for the "
    "servers of a pool that are on one build"
)
OTHER_POOLS = "no more stops were tried for pools whose own demands do not contradict"
TOO_LONG = "stops of many pools can be combined in more ways than were tried"
TOO_MANY_BROKEN = (
    "of the paths that are broken today, all of a pool and protocol were repaired early or late "
    "together"
)


@dataclass(frozen=True)
class Answer:
    """Demands that can be met, and the labels whose redirection lets them.

    Parameters
    ----------
    demands : Demands
    cut : Cut
    remarks : tuple of str
        Stops that were not asked for by packages.
    """

    demands: Demands
    cut: Cut
    remarks: tuple[str, ...] = ()


def answer(
    topology: Topology,
    demands: Demands,
    ask: Ask,
    free: Collection[Label],
    prices: Callable[[Ways], Callable[[Label], int]],
    catalogue: Catalogue,
) -> Answer:
    """The cheapest cut of some demands; of ways with more stops if there is none.

    Parameters
    ----------
    demands : Demands
        Of the ways with the fewest stops.
    ask : callable
        The demands of other ways, and if some paths broken today need not be repaired early.
    free : collection of Label
        Labels that may be redirected.
    prices : callable
        What redirecting a label costs at least if servers go some ways.

    Raises
    ------
    Undecided
        If there may be an order, and people would have to say which.
    NoPlanFound
        If there is none of the ways with the fewest stops, and not all others were looked at.
    NoSafePlan
        For the ways with the fewest stops, if no others do.
    """
    question = _Question(ask, free, prices)
    found = question.cheapest(demands)
    if found is not None:
        return found
    undecided: list[Undecided] = []

    def price(ways: Ways) -> int | None:
        try:
            tried = question.cheapest(ask(ways, ()))
        except Undecided as choice:
            undecided.append(choice)
            return None
        return None if tried is None else tried.cut.cost

    every, some = _kinds(demands, free)
    options = {way: other_ways(topology, way, catalogue) for way in some}
    effort = sum(len(fact.pairs) for fact in demands.facts)
    stops = with_stops(
        demands.ways, {way: found.ways for way, found in options.items()}, price, effort
    )
    found = question.cheapest(ask(stops.ways, ())) if stops.ways is not None else None
    if found is not None and stops.ways is not None:
        return replace(found, remarks=_told(demands.ways, stops.ways, catalogue))
    if undecided:
        raise undecided[0]
    left_out = [way for way in every if way not in options]
    if not all(found.every for found in options.values()):
        question.not_all.append(TOO_MANY_WAYS)
    if any(len(other_ways(topology, way, catalogue).ways) > 1 for way in left_out):
        question.not_all.append(OTHER_POOLS)
    if not stops.every:
        question.not_all.append(TOO_LONG)
    not_all = tuple(dict.fromkeys(question.not_all))
    raise no_order(topology, demands.arcs, free, demands.sequence, not_all)


@dataclass(frozen=True)
class _Question:
    """How orders are asked for, and why not all of them were looked at."""

    ask: Ask
    free: Collection[Label]
    prices: Callable[[Ways], Callable[[Label], int]]
    not_all: list[str] = field(default_factory=list)

    def cheapest(self, demands: Demands) -> Answer | None:
        """The cheapest cut; where a path is broken today also if it stays so for longer.

        Raises
        ------
        Undecided
            If there may be an order, and people would have to say which.
        """
        unsure = demands.cautious
        if not unsure:
            cut = self._cut(demands)
            return Answer(demands, cut) if cut else None
        best: Answer | None = None
        undecided: Undecided | None = None
        bounds: list[int] = []
        for patient in _choices(unsure):
            tried = self.ask(demands.ways, patient) if patient else demands
            try:
                cut = self._cut(tried)
            except Undecided as found:
                undecided = undecided or found
                continue
            if cut is None:
                continue
            bounds.append(cut.at_least)
            if best is None or cut.cost < best.cut.cost:
                best = Answer(tried, cut)
            if not cut.labels:
                break
        if best is None:
            if undecided:
                raise undecided
            if len(unsure) > FEW_UNSURE:
                self.not_all.append(TOO_MANY_BROKEN)
            return None
        # Only if every choice was looked at is the least of them a bound.
        at_least = min(bounds) if len(unsure) <= FEW_UNSURE else 0
        return replace(best, cut=replace(best.cut, at_least=at_least)) if best.cut.labels else best

    def _cut(self, demands: Demands) -> Cut | None:
        price = self.prices(demands.ways)
        cut = cheapest_cut(demands.arcs, self.free, price, demands.sequence)
        if cut is not None:
            demands.held(cut.labels)
        return cut


def _choices(unsure: Sequence[ProxyPath]) -> Iterator[list[ProxyPath]]:
    """Which paths broken today to repair late: every choice of few, else all of a label or none."""
    parts = [[path] for path in unsure]
    if len(parts) > FEW_UNSURE:
        by_label: dict[Label, list[ProxyPath]] = {}
        for path in unsure:
            by_label.setdefault(path.label, []).append(path)
        parts = list(by_label.values())
    if len(parts) > FEW_UNSURE:
        parts = [[*unsure]]
    for size in range(len(parts) + 1):
        for chosen in itertools.combinations(parts, size):
            yield [path for part in chosen for path in part]


def _kinds(demands: Demands, free: Collection[Label]) -> tuple[list[Way], list[Way]]:
    """All ways, and those made longer: of many only those whose changes contradict each other."""
    every = {id(way): way for way in demands.ways.values() if way.changes}
    kinds = sorted({*every.values()}, key=lambda way: (way.pool, way.builds, way.passing))
    if len(kinds) <= FEW_KINDS:
        return kinds, kinds
    fixed = [arc for arc in demands.arcs if arc.label not in free]
    knotted = tangled(fixed, demands.sequence)
    return kinds, [way for way in kinds if knotted & {*way.changes}]


def _told(before: Ways, now: Ways, catalogue: Catalogue) -> tuple[str, ...]:
    """Which pools make stops nobody asked for."""
    longer = sorted(
        {(way.pool, way.builds) for name, way in now.items() if way.builds != before[name].builds}
    )
    return tuple(
        f"{pool} goes by {', '.join(catalogue.name(build) for build in builds[1:-1])}: "
        "without a stop nobody asked for there is no order in which no path breaks; another "
        "pool's might do as well"
        for pool, builds in longer
    )
