"""What a picture shows of one state: boxes with servers and builds, links with verdicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from orchestrator.drawing.grouping import Drawn, Group
from orchestrator.drawing.judged import JudgedPath, judged_paths
from orchestrator.model.build import Build, Catalogue
from orchestrator.model.routing import Route
from orchestrator.model.state import AccessMode, State
from orchestrator.model.topology import Protocol, Topology
from orchestrator.rules.engine import Judgement, RuleBook


@dataclass(frozen=True)
class Box:
    """One pool, or several that look alike.

    Parameters
    ----------
    group : Group
    servers : tuple of (str, str)
        Names with their release; empty if the box holds several pools.
    builds : tuple of (str, int)
        Releases with the number of servers on them, the oldest first.
    modes : mapping of AccessMode to int
        Pools by how they are reached.
    urls : tuple of str
        ExternalURLs that are set, sorted.
    internet_facing : bool
        Whether every site in it is.
    marks : frozenset of str
        Statuses of servers in it, given from outside.
    """

    group: Group
    servers: tuple[tuple[str, str], ...]
    builds: tuple[tuple[str, int], ...]
    modes: Mapping[AccessMode, int]
    urls: tuple[str, ...]
    internet_facing: bool
    marks: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Link:
    """The paths from one box to another.

    Parameters
    ----------
    source, target : Group
    worst : JudgedPath
        The worst of the paths, the one with the most users among equals.
    paths : tuple of JudgedPath
    """

    source: Group
    target: Group
    worst: JudgedPath
    paths: tuple[JudgedPath, ...]

    @property
    def judgement(self) -> Judgement:
        """Of the worst path."""
        return self.worst.judgement

    @property
    def users(self) -> int:
        """Of all its paths."""
        return sum(one.path.users for one in self.paths)

    @property
    def redirected(self) -> bool:
        """Whether every path of it is redirected."""
        return all(one.decision.route is Route.REDIRECT for one in self.paths)

    @property
    def bad(self) -> int:
        """Paths that do not work or are not known to."""
        return sum(one.judgement.blocks for one in self.paths)


@dataclass(frozen=True)
class Scene:
    """One state of one protocol.

    Parameters
    ----------
    organization : str
    protocol : Protocol
    boxes : tuple of Box
    links : tuple of Link
    left_out : int
        Pools the selection leaves out.
    """

    organization: str
    protocol: Protocol
    boxes: tuple[Box, ...]
    links: tuple[Link, ...]
    left_out: int = 0


def scene_of(
    topology: Topology,
    state: State,
    book: RuleBook,
    drawn: Drawn,
    catalogue: Catalogue,
    marks: Mapping[str, str] | None = None,
) -> Scene:
    """What is drawn of a state.

    Parameters
    ----------
    drawn : Drawn
        From `groups_of`.
    catalogue : Catalogue
        Gives builds their names.
    marks : mapping of server to str
        Statuses, for instance of the step that works on it; they become classes of elements.
    """
    names: dict[Build, str] = {}

    def name(build: Build) -> str:
        if build not in names:
            names[build] = catalogue.name(build)
        return names[build]

    boxes = []
    for group in drawn.groups:
        pools = [topology.pools[pool] for pool in group.pools]
        servers = [server for pool in pools for server in pool.servers]
        builds = Counter(state.builds[server] for server in servers)
        urls = {
            state.external_urls[server, drawn.protocol]
            for server in servers
            if (server, drawn.protocol) in state.external_urls
        }
        single = len(pools) == 1
        boxes.append(
            Box(
                group=group,
                servers=tuple((s, name(state.builds[s])) for s in servers) if single else (),
                builds=tuple((name(build), count) for build, count in sorted(builds.items())),
                modes=Counter(state.mode(pool, drawn.protocol) for pool in pools),
                urls=tuple(sorted(urls)),
                internet_facing=all(topology.sites[p.id.site].internet_facing for p in pools),
                marks={s: marks[s] for s in servers if s in marks} if marks else {},
            )
        )
    links = _links(judged_paths(topology, state, book, drawn.protocol), drawn)
    return Scene(topology.organization, drawn.protocol, tuple(boxes), links, drawn.left_out)


def _links(judged: list[JudgedPath], drawn: Drawn) -> tuple[Link, ...]:
    found: dict[tuple[Group, Group], list[JudgedPath]] = {}
    for one in judged:
        source, target = drawn.of.get(one.path.source), drawn.of.get(one.path.target)
        if source is None or target is None or (drawn.broken_only and not one.judgement.blocks):
            continue
        found.setdefault((source, target), []).append(one)
    return tuple(
        Link(*ends, max(paths, key=lambda one: (*one.rank, one.path.users)), tuple(paths))
        for ends, paths in found.items()
    )
