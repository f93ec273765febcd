"""The verdict of every path while a plan runs; judged again only where something changed."""

from __future__ import annotations

from dataclasses import dataclass, field

from orchestrator.model.build import Build
from orchestrator.model.routing import Decision, route
from orchestrator.model.state import AccessMode
from orchestrator.model.topology import PoolId, Protocol, ProxyPath, Topology
from orchestrator.rules.engine import Judgement, Kind, RuleBook
from orchestrator.web.farm import Farm

UNREAD = "unread"
"""Said instead of a rule where a server's build is not known."""


@dataclass(frozen=True)
class PathNow:
    """A path at one moment.

    Parameters
    ----------
    verdict : str
        ``ok``, ``advisory``, ``unknown`` or ``broken``.
    rule : str
        Id of the rule behind it, or `UNREAD`.
    mode : AccessMode
    accepted : bool
        An unknown verdict somebody took the risk of.
    """

    verdict: str
    rule: str
    mode: AccessMode
    accepted: bool = False

    @property
    def blocks(self) -> bool:
        """Whether it is not known to work and nobody took the risk."""
        return self.verdict == "broken" or (self.verdict == "unknown" and not self.accepted)


@dataclass
class Verdicts:
    """Judges the paths of a farm.

    Parameters
    ----------
    topology : Topology
    book : RuleBook
    """

    topology: Topology
    book: RuleBook
    _known: dict[tuple[object, ...], PathNow] = field(default_factory=dict)

    def of(self, farm: Farm) -> list[PathNow]:
        """Every path of the topology in its order."""
        pools = self.topology.pools.values()
        folders = self._folders(farm)
        builds = {p.id: _builds(farm, p.servers, folders) for p in pools}
        unread = {p.id for p in pools if any(name in farm.unknown for name in p.servers)}
        return [self._path(path, farm, builds, unread) for path in self.topology.paths]

    def _path(
        self,
        path: ProxyPath,
        farm: Farm,
        builds: dict[PoolId, frozenset[Kind]],
        unread: set[PoolId],
    ) -> PathNow:
        mode = self._mode(farm, path.target, path.protocol)
        if path.source in unread or path.target in unread:
            return PathNow("unknown", UNREAD, mode)
        key = (path, mode, builds[path.source], builds[path.target])
        if key not in self._known:
            worst = self._worst(path, mode, builds[path.source], builds[path.target])
            self._known[key] = PathNow(
                str(worst.verdict), worst.rule.id, mode, bool(worst.accepted)
            )
        return self._known[key]

    def _worst(
        self,
        path: ProxyPath,
        mode: AccessMode,
        sources: frozenset[Kind],
        targets: frozenset[Kind],
    ) -> Judgement:
        decision: Decision = route(path.source, path.target, path.protocol, mode)
        return max(
            (
                self.book.judge_route(
                    decision, path.protocol, source, target, folder=target in folders
                )
                for source, folders in sorted(sources, key=_order)
                for target, _ in sorted(targets, key=_order)
            ),
            key=lambda found: (found.blocks, found.verdict.severity),
        )

    def _folders(self, farm: Farm) -> dict[str, frozenset[Build]]:
        found: dict[str, set[Build]] = {}
        for name, build in farm.folders if self.book.has_remedies else ():
            found.setdefault(name, set()).add(build)
        return {name: frozenset(builds) for name, builds in found.items()}

    def _mode(self, farm: Farm, pool: PoolId, protocol: Protocol) -> AccessMode:
        set_ = {bool(farm.urls.get((name, protocol))) for name in self.topology.pools[pool].servers}
        if set_ == {True}:
            return AccessMode.REDIRECT
        return AccessMode.MIXED if True in set_ else AccessMode.PROXY


def _builds(
    farm: Farm, servers: tuple[str, ...], folders: dict[str, frozenset[Build]]
) -> frozenset[Kind]:
    """The builds that may answer: of a server that is being changed, the old and the new one."""
    return frozenset(
        (build, folders.get(name, frozenset()))
        for name in servers
        for build in (farm.builds[name], *farm.becoming.get(name, ()))
    )


def _order(kind: Kind) -> tuple[Build, list[Build]]:
    return kind[0], sorted(kind[1])
