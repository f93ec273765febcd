"""What exists: servers in pools, pools in sites, and the proxied paths between pools."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from orchestrator.model.words import counted

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from orchestrator.model.build import Build, BuildRange


class Protocol(StrEnum):
    """Client protocols a CAS can forward."""

    OWA = "owa"
    ECP = "ecp"
    EAS = "eas"
    EWS = "ews"
    POP3 = "pop3"
    IMAP4 = "imap4"

    @property
    def can_redirect(self) -> bool:
        """Whether a client of this protocol can be redirected (bb310763) [doc]."""
        return self in {Protocol.OWA, Protocol.ECP, Protocol.EAS}


class PoolId(NamedTuple):
    """The CAS of one product line in one Active Directory site."""

    site: str
    product_line: str

    def __str__(self) -> str:
        return f"{self.site}/{self.product_line}"


class Label(NamedTuple):
    """The thing a redirection turns: one protocol of one target pool."""

    pool: PoolId
    protocol: Protocol

    def __str__(self) -> str:
        return f"{self.protocol} of {self.pool}"


class ProxyPath(NamedTuple):
    """Traffic a source pool forwards for mailboxes of the target pool."""

    source: PoolId
    target: PoolId
    protocol: Protocol
    users: int

    @property
    def label(self) -> Label:
        """What a redirection of this path would turn."""
        return Label(self.target, self.protocol)

    def __str__(self) -> str:
        return f"{self.source} -> {self.target} ({self.protocol})"


@dataclass(frozen=True)
class Server:
    """One Client Access server.

    Parameters
    ----------
    name : str
        As the inventory names it.
    pool : PoolId
    minutes : int
        Estimated minutes to change its build, said by the operator.
    internal_url : str
        OWA InternalURL; what a source proxies to and what a probe talks to.
    management_host : str
        Inventory name of the host that manages it; empty if managed directly.
    """

    name: str
    pool: PoolId
    minutes: int
    internal_url: str = ""
    management_host: str = ""


class Balanced(NamedTuple):
    """Servers of a pool behind one load-balanced name, some of which must keep serving."""

    name: str
    servers: tuple[str, ...]
    minimum_in_service: int


@dataclass(frozen=True)
class Pool:
    """The node of the proxy graph.

    Parameters
    ----------
    id : PoolId
    servers : tuple of str
        Names in stable order.
    minimum_in_service : int
        Servers of the whole pool that must keep serving while others change.
    redirect_url : str
        ExternalURL to set for a temporary OWA redirection; empty if it cannot be published.
    outage_consent : bool
        Whether the owner agreed to the pool falling to zero while it is updated.
    hold : str
        Why the pool stays at its build; empty if it may change.
    test_mailbox : str
        Address of a mailbox in this pool for probes; empty if none.
    mailboxes : int
        Mailboxes of the site on this product line; 0 if nobody said.
    redirect_evidence : str
        What shows that clients resolve, reach and trust `redirect_url`, with its date; empty if
        it is only declared.
    balanced : tuple of Balanced
        Load-balanced names inside the pool, each with a minimum of its own; no server is in two.
    """

    id: PoolId
    servers: tuple[str, ...]
    minimum_in_service: int = 1
    redirect_url: str = ""
    outage_consent: bool = False
    hold: str = ""
    test_mailbox: str = ""
    mailboxes: int = 0
    redirect_evidence: str = ""
    balanced: tuple[Balanced, ...] = ()

    @cached_property
    def kept(self) -> tuple[Balanced, ...]:
        """What must stay in service: of the pool as a whole, then of each balanced name.

        One server of the pool at least, unless its owner agreed that it falls to zero.
        """
        least = max(self.minimum_in_service, 0 if self.outage_consent else 1)
        inside = (b._replace(name=f"{b.name} of {self.id}") for b in self.balanced)
        return (Balanced(str(self.id), self.servers, least), *inside)

    def shortage(self, away: Collection[str]) -> str:
        """What would fall below its minimum, in words; empty if nothing does.

        Parameters
        ----------
        away : collection of str
            Servers out of service at the same time.
        """
        for name, servers, least in self.kept:
            left = sum(server not in away for server in servers)
            if left < least:
                return (
                    f"{name} would have {counted(left, 'server')} in service, its "
                    f"minimum is {least}"
                )
        return ""


@dataclass(frozen=True)
class Site:
    """An Active Directory site."""

    name: str
    internet_facing: bool = False
    domain_controller: str = ""


@dataclass(frozen=True)
class Package:
    """An update package as the servers reach it, described by its owner.

    Parameters
    ----------
    build : Build
        What it brings.
    path, sha256 : str
    patch_code : str
        What removal needs; empty: it cannot be removed.
    kb : str
    onto : BuildRange or None
        Builds it may be installed onto. None: a rollup onto its own service pack, a service pack
        onto every earlier build of its product line.
    minutes : int
        What it takes on a server; 0: as long as any change of that server.
    """

    build: Build
    path: str
    sha256: str
    patch_code: str = ""
    kb: str = ""
    onto: BuildRange | None = None
    minutes: int = 0


@dataclass(frozen=True)
class Topology:
    """Everything that does not change while a plan runs.

    Parameters
    ----------
    organization : str
    sites, servers, pools : mapping
        By name, name and `PoolId`.
    paths : tuple of ProxyPath
        Sorted, unique by (source, target, protocol).
    packages : mapping of Build to Package
    replication_minutes : int
        How long a changed ExternalURL may take to reach every site: the site-link interval plus
        a margin. The default interval of Active Directory is up to 180 minutes [field].
    """

    organization: str
    sites: Mapping[str, Site]
    servers: Mapping[str, Server]
    pools: Mapping[PoolId, Pool]
    paths: tuple[ProxyPath, ...]
    packages: Mapping[Build, Package] = field(default_factory=dict)
    replication_minutes: int = 195

    @cached_property
    def paths_into(self) -> Mapping[PoolId, tuple[ProxyPath, ...]]:
        """Paths by target pool."""
        found: dict[PoolId, list[ProxyPath]] = {pool: [] for pool in self.pools}
        for path in self.paths:
            found[path.target].append(path)
        return {pool: tuple(paths) for pool, paths in found.items()}

    @cached_property
    def paths_at(self) -> Mapping[PoolId, tuple[ProxyPath, ...]]:
        """Paths that start or end at a pool, by pool."""
        found: dict[PoolId, list[ProxyPath]] = {pool: [] for pool in self.pools}
        for path in self.paths:
            for pool in {path.source, path.target}:
                found[pool].append(path)
        return {pool: tuple(paths) for pool, paths in found.items()}

    def can_be_probed(self, pool: PoolId) -> bool:
        """Whether probes can show what comes of a step of a pool: log-ons through its paths."""
        return bool(self.paths_into[pool] and self.pools[pool].test_mailbox)

    def users_of(self, label: Label) -> int:
        """Users who come in through other pools for this label."""
        return sum(p.users for p in self.paths_into[label.pool] if p.protocol is label.protocol)
