"""Which pools there are, and where that is not known because a host's description is faulty."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from orchestrator.inventory.findings import did_you_mean
from orchestrator.model.build import PRODUCT_LINES
from orchestrator.model.topology import PoolId

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from orchestrator.inventory.document import Document
    from orchestrator.inventory.findings import Findings
    from orchestrator.inventory.hosts import Host


@dataclass(frozen=True)
class Census:
    """The hosts by pool.

    Parameters
    ----------
    hosts : tuple of Host
        Sorted by name.
    sites : collection of str
        The sites that are described; a host of any other is a stray.
    complete : bool
        False if the hosts could not be read at all: then nothing is said to be missing.
    """

    hosts: tuple[Host, ...]
    sites: Collection[str] = ()
    complete: bool = True

    @cached_property
    def pools(self) -> Mapping[PoolId, tuple[Host, ...]]:
        """Members by pool, pools sorted by site and from old to new line."""
        found: dict[PoolId, list[Host]] = {}
        for host in self.hosts:
            if host.pool is not None:
                found.setdefault(host.pool, []).append(host)
        order = sorted(found, key=lambda p: (p.site, PRODUCT_LINES.index(p.product_line)))
        return {pool: tuple(found[pool]) for pool in order}

    def lines_at(self, site: str) -> list[str]:
        """Product lines at a site, from old to new."""
        return [pool.product_line for pool in self.pools if pool.site == site]

    def knows(self, site: str) -> bool:
        """Whether all servers of a site are known, so that a missing pool is really missing.

        A host without a described site or a known build has its own finding; that its pool seems
        to be missing would only be the echo of it.
        """
        return self.complete and not any(
            host.site not in self.sites or (host.site == site and host.product_line is None)
            for host in self.hosts
        )


def check_sites(census: Census, document: Document, findings: Findings) -> None:
    """Every host's site must be described, and every site have servers (CAS-E105, CAS-E202)."""
    for host in census.hosts:
        if host.site is not None and host.site not in census.sites:
            findings.error(
                "CAS-E105",
                f"host {host.name}",
                f'ad_site "{host.site}" is not among the sites of {document.text.file}',
                host.place_of("ad_site"),
                _or_add(host.site, census.sites),
            )
    occupied = {host.site for host in census.hosts}
    for site in census.sites:
        if site not in occupied and census.knows(site):
            findings.error(
                "CAS-E202",
                f"site {site}",
                "has no servers in the group exchange",
                document.text.place("sites", site),
                "remove the site, or give its hosts this ad_site",
            )


def _or_add(site: str, sites: Collection[str]) -> str:
    meant = did_you_mean(site, sites)
    return f"{meant} else add it there" if meant.endswith("?") else f"add it there; {meant}"
