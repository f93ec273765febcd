"""The pictures of a page at one moment, by the same drawings as the report."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from orchestrator.drawing import (
    Layout,
    Link,
    Scene,
    arrange,
    gantt_svg,
    graph_svg,
    groups_of,
    plan_chart,
    scene_of,
)
from orchestrator.drawing.grouping import Drawn
from orchestrator.journal.entry import Entry
from orchestrator.journal.projection import view
from orchestrator.journal.steps import StepStatus
from orchestrator.model.build import BuildRange, Catalogue
from orchestrator.model.state import State
from orchestrator.model.topology import PoolId, Protocol
from orchestrator.planfile import SavedPlan
from orchestrator.rules.engine import Judgement, RuleBook
from orchestrator.rules.rule import Confidence, Rule, Verdict
from orchestrator.shipped import zone
from orchestrator.web.farm import Farm, farm_of
from orchestrator.web.verdicts import UNREAD

_UNREAD = Judgement(
    Verdict.UNKNOWN,
    Rule(
        id=UNREAD,
        title="a step ended badly here, and the servers were not read since",
        protocols=frozenset(),
        source=BuildRange(),
        target=BuildRange(),
        verdict=Verdict.UNKNOWN,
        confidence=Confidence.OPEN,
        references=("the journal",),
    ),
)


@dataclass
class Pictures:
    """Draws a plan folder; places are found once, so that nothing moves afterwards.

    Parameters
    ----------
    saved : SavedPlan
    book : RuleBook
    catalogue : Catalogue
    """

    saved: SavedPlan
    book: RuleBook
    catalogue: Catalogue
    _places: dict[Protocol, tuple[Drawn, Layout]] = field(default_factory=dict)

    @property
    def protocols(self) -> list[Protocol]:
        """Those that are proxied, the one with the most users first."""
        users: dict[Protocol, int] = {}
        for path in self.saved.topology.paths:
            users[path.protocol] = users.get(path.protocol, 0) + path.users
        return sorted(users, key=lambda protocol: (-users[protocol], protocol)) or [Protocol.OWA]

    def graph(self, protocol: Protocol, entries: Sequence[Entry]) -> str:
        """The proxy graph after some entries, as SVG without a style sheet of its own."""
        topology, plan = self.saved.topology, self.saved.plan
        if protocol not in self._places:
            drawn = groups_of(topology, [plan.start, plan.end], self.book, protocol)
            self._places[protocol] = (drawn, arrange(topology, drawn))
        drawn, layout = self._places[protocol]
        farm = farm_of(topology, plan, entries)
        state = State(farm.builds, farm.urls, frozenset(farm.folders))
        made = scene_of(topology, state, self.book, drawn, self.catalogue, _marks(farm))
        unread = {topology.servers[name].pool for name in farm.unknown}
        return graph_svg(_honest(made, unread), layout, standalone=False)

    def gantt(self, entries: Sequence[Entry], now: datetime) -> str:
        """Windows and steps, planned and as they went."""
        chart = plan_chart(self.saved.plan, zone, view(entries))
        return gantt_svg(chart, now=now, standalone=False)


def _marks(farm: Farm) -> dict[str, str]:
    return {
        **dict.fromkeys(farm.changing, str(StepStatus.STARTED)),
        **dict.fromkeys(farm.unknown, str(StepStatus.IN_DOUBT)),
    }


def _honest(made: Scene, unread: Collection[PoolId]) -> Scene:
    """A path of servers nobody has read since they were changed is not shown as working."""
    if not unread:
        return made
    return replace(made, links=tuple(_link(link, unread) for link in made.links))


def _link(link: Link, unread: Collection[PoolId]) -> Link:
    paths = tuple(
        replace(one, judgement=_UNREAD)
        if one.path.source in unread or one.path.target in unread
        else one
        for one in link.paths
    )
    return replace(link, paths=paths, worst=max(paths, key=lambda one: (*one.rank, one.path.users)))
