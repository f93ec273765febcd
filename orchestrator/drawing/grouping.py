"""Which pools are drawn, and which of them share a box."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from orchestrator.drawing.judged import JudgedPath, judged_paths
from orchestrator.model.state import State
from orchestrator.model.topology import PoolId, Protocol, Topology
from orchestrator.rules.engine import RuleBook

MOST_BOXES = 40
"""More are not read any more: our judgement, from looking at pictures of 200 sites."""

_REFINEMENTS = (2, 1, 0)


class Detail(StrEnum):
    """How much is shown."""

    FULL = "full"
    """A box for every pool."""
    AUTO = "auto"
    """Pools alike share a box as far as needed for no more than `MOST_BOXES`."""
    OVERVIEW = "overview"
    """Pools with the same neighbours share a box, whatever their builds."""


@dataclass(frozen=True)
class Selection:
    """What is drawn.

    Parameters
    ----------
    sites, pools : frozenset
        Only these and what they proxy to or from; both empty: all.
    broken_only : bool
        Only paths that do not work or are not known to, and their pools.
    detail : Detail
    """

    sites: frozenset[str] = frozenset()
    pools: frozenset[PoolId] = frozenset()
    broken_only: bool = False
    detail: Detail = Detail.AUTO


EVERYTHING = Selection()


@dataclass(frozen=True)
class Group:
    """Pools in one box.

    Parameters
    ----------
    pools : tuple of PoolId
        Sorted; the first one names the group.
    """

    pools: tuple[PoolId, ...]

    @property
    def key(self) -> str:
        """Its name: of the pool, or ``POOL +N``."""
        more = len(self.pools) - 1
        return str(self.pools[0]) + (f" +{more}" if more else "")


@dataclass(frozen=True)
class Drawn:
    """Groups and the paths between them that are shown.

    Parameters
    ----------
    groups : tuple of Group
    left_out : int
        Pools the selection leaves out.
    protocol : Protocol
    broken_only : bool
        As in the selection; scenes show no other paths then.
    footed : frozenset of Group
        Those that need a line for their ExternalURL.
    """

    groups: tuple[Group, ...]
    left_out: int
    protocol: Protocol
    broken_only: bool = False
    footed: frozenset[Group] = frozenset()
    of: Mapping[PoolId, Group] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        found = {pool: group for group in self.groups for pool in group.pools}
        object.__setattr__(self, "of", found)


def groups_of(
    topology: Topology,
    states: Sequence[State],
    book: RuleBook,
    protocol: Protocol,
    selection: Selection = EVERYTHING,
) -> Drawn:
    """The boxes for pictures of several states, the same in all of them.

    Parameters
    ----------
    states : sequence of State
        At least one; pools share a box only if they are alike in all of them (start and end of
        a plan, say). Pictures of other states can be made with the same boxes: a box then shows
        the worst of what it holds.
    """
    judged = [judged_paths(topology, state, book, protocol) for state in states]
    shown = _shown(topology, judged, selection)
    facts = _Facts(topology, states, judged, frozenset(shown))
    if selection.detail is Detail.FULL:
        groups = _singles(shown)
    elif selection.detail is Detail.OVERVIEW:
        groups = _by(shown, facts.neighbours)
    else:
        groups = _few_enough(shown, facts)
    return Drawn(
        groups,
        len(topology.pools) - len(shown),
        protocol,
        selection.broken_only,
        frozenset(g for g in groups if _footed(topology, states, protocol, g)),
    )


def _footed(topology: Topology, states: Sequence[State], protocol: Protocol, group: Group) -> bool:
    pools = [topology.pools[pool] for pool in group.pools]
    inner = {*group.pools}
    return (
        any(pool.redirect_url for pool in pools)
        or any(path.source in inner for pool in inner for path in topology.paths_into[pool])
        or any(
            (name, protocol) in state.external_urls
            for state in states
            for pool in pools
            for name in pool.servers
        )
    )


def _few_enough(shown: Sequence[PoolId], facts: _Facts) -> tuple[Group, ...]:
    groups = _singles(shown)
    if len(groups) <= MOST_BOXES // 3:
        return groups
    for signature in (facts.everything, facts.verdicts, facts.neighbours):
        groups = _by(shown, signature)
        if len(groups) <= MOST_BOXES:
            return groups
    for rounds in _REFINEMENTS:
        roles = facts.roles(rounds)
        groups = _by(shown, roles.__getitem__)
        if len(groups) <= MOST_BOXES:
            return groups
    return groups


def _shown(
    topology: Topology, judged: Sequence[Sequence[JudgedPath]], selection: Selection
) -> list[PoolId]:
    wanted = {
        pool for pool in topology.pools if pool.site in selection.sites or pool in selection.pools
    }
    if not selection.sites and not selection.pools:
        wanted = set(topology.pools)
    found = set() if selection.broken_only else set(wanted)
    for paths in judged:
        for one in paths:
            ends = {one.path.source, one.path.target}
            if ends & wanted and (not selection.broken_only or one.judgement.blocks):
                found |= ends
    return sorted(found)


class _Facts:
    """What pools have in common, coarser from method to method."""

    def __init__(
        self,
        topology: Topology,
        states: Sequence[State],
        judged: Sequence[Sequence[JudgedPath]],
        shown: frozenset[PoolId],
    ) -> None:
        self._topology = topology
        self._states = states
        self._in: dict[PoolId, list[tuple[object, ...]]] = {pool: [] for pool in shown}
        self._out: dict[PoolId, list[tuple[object, ...]]] = {pool: [] for pool in shown}
        self._next: dict[PoolId, set[tuple[str, PoolId]]] = {pool: set() for pool in shown}
        for number, paths in enumerate(judged):
            for one in paths:
                source, target = one.path.source, one.path.target
                if source not in shown or target not in shown:
                    continue
                said = (number, one.judgement.rule.id, one.judgement.verdict, one.decision.route)
                self._out[source].append((target, *said))
                self._in[target].append((source, *said))
                self._next[source].add(("to", target))
                self._next[target].add(("from", source))

    def everything(self, pool: PoolId) -> object:
        builds = tuple(
            frozenset(state.builds[name] for name in self._topology.pools[pool].servers)
            for state in self._states
        )
        return builds, self.verdicts(pool)

    def verdicts(self, pool: PoolId) -> object:
        modes = frozenset(self._in[pool]), frozenset(self._out[pool])
        return modes, self._kind(pool)

    def neighbours(self, pool: PoolId) -> object:
        return frozenset(self._next[pool]), self._kind(pool)

    def roles(self, rounds: int) -> dict[PoolId, object]:
        """Pools by what they are, then by what their neighbours are, so many times."""
        colour: dict[PoolId, object] = {
            pool: (self._kind(pool), frozenset(way for way, _ in self._next[pool]))
            for pool in self._next
        }
        for _ in range(rounds):
            seen: dict[object, int] = {}
            fresh = {
                pool: (colour[pool], frozenset((way, colour[p]) for way, p in self._next[pool]))
                for pool in colour
            }
            colour = {pool: seen.setdefault(mark, len(seen)) for pool, mark in fresh.items()}
        return colour

    def _kind(self, pool: PoolId) -> object:
        return pool.product_line, self._topology.sites[pool.site].internet_facing


def _singles(pools: Iterable[PoolId]) -> tuple[Group, ...]:
    return tuple(Group((pool,)) for pool in pools)


def _by(pools: Iterable[PoolId], signature: Callable[[PoolId], object]) -> tuple[Group, ...]:
    found: dict[object, list[PoolId]] = {}
    for pool in pools:
        found.setdefault(signature(pool), []).append(pool)
    return tuple(Group(tuple(members)) for members in found.values())
