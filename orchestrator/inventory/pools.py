"""Pools: members from the hosts, everything else from organization.yml."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from orchestrator.inventory.balanced import balanced_names, default_minimum, faults
from orchestrator.inventory.findings import did_you_mean
from orchestrator.model.topology import Pool, PoolId

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from orchestrator.diagnostic import Place
    from orchestrator.inventory.census import Census
    from orchestrator.inventory.document import Document
    from orchestrator.inventory.findings import Findings
    from orchestrator.inventory.organization import PoolEntry


def entries(
    census: Census, document: Document, findings: Findings
) -> Mapping[PoolId, tuple[PoolEntry, Place]]:
    """The described pools that exist, each once (CAS-E203, CAS-E204)."""
    found: dict[PoolId, tuple[PoolEntry, Place]] = {}
    for index, entry in enumerate(document.model.pools):
        pool = PoolId(entry.site, entry.product_line)
        place = document.text.place("pools", index)
        if pool in found:
            findings.error(
                "CAS-E204",
                f"pool {pool}",
                f"is described twice, first in line {found[pool][1].line}",
                place,
                "merge the two",
            )
            continue
        found[pool] = (entry, place)
        if pool not in census.pools and census.knows(pool.site):
            remedy = did_you_mean(str(pool), map(str, census.pools))
            message = f"no server of Exchange {pool.product_line} is at site {pool.site}"
            findings.error("CAS-E203", f"pool {pool}", message, place, remedy)
    return found


def build(
    census: Census, described: Mapping[PoolId, tuple[PoolEntry, Place]], findings: Findings
) -> dict[PoolId, Pool]:
    """The pools of the topology (CAS-E205, CAS-E207, CAS-E220, CAS-W203)."""
    pools: dict[PoolId, Pool] = {}
    for pool, members in census.pools.items():
        servers = tuple(host.name for host in members)
        if pool not in described:
            pools[pool] = Pool(pool, servers, minimum_in_service=len(servers) - 1)
            continue
        entry, place = described[pool]
        evidence = entry.redirect_evidence
        if entry.redirect_url and evidence is None:
            findings.warn(
                "CAS-W203",
                f"pool {pool}",
                "redirect_url is declared without evidence that clients reach it",
                place,
                "test it from inside and outside and add redirect_evidence: {date, text}",
            )
        for _, message, remedy in faults(servers, entry.balanced):
            findings.error("CAS-E220", f"pool {pool}", message, place, remedy)
        pools[pool] = Pool(
            pool,
            servers,
            minimum_in_service=_minimum(pool, entry, place, servers, findings),
            redirect_url=entry.redirect_url,
            outage_consent=entry.outage_consent,
            hold=entry.hold.strip(),
            test_mailbox=entry.test_mailbox,
            mailboxes=entry.mailboxes,
            redirect_evidence=f"{evidence.date}: {evidence.text}" if evidence else "",
            balanced=balanced_names(entry.balanced),
        )
    _check_addresses(census, described, findings)
    return pools


def _minimum(
    pool: PoolId, entry: PoolEntry, place: Place, names: Collection[str], findings: Findings
) -> int:
    """All but one by default, so none of a single server: the plan then asks for consent."""
    minimum, servers = entry.minimum_in_service, len(names)
    if minimum is None:
        return default_minimum(names, balanced_names(entry.balanced))
    if minimum >= servers:
        remedy = f"use at most {servers - 1}"
        if servers == 1:
            remedy = "use 0 and, once its owner agrees to the outage, outage_consent: true"
        findings.error(
            "CAS-E205",
            f"pool {pool}",
            f"minimum_in_service {minimum} of {servers} server{'s' if servers > 1 else ''}: "
            "none could ever be updated",
            place,
            remedy,
        )
    return minimum


def _check_addresses(
    census: Census, described: Mapping[PoolId, tuple[PoolEntry, Place]], findings: Findings
) -> None:
    """A redirect must lead to the pool itself: another one would have to proxy it back."""
    owners: dict[str, PoolId] = {}
    for pool, members in census.pools.items():
        for host in members:
            if host.external_url:
                owners.setdefault(_host_name(host.external_url), pool)
    for pool, (entry, place) in described.items():
        if not entry.redirect_url:
            continue
        owner = owners.setdefault(_host_name(entry.redirect_url), pool)
        if owner != pool:
            findings.error(
                "CAS-E207",
                f"pool {pool}",
                f"redirect_url {entry.redirect_url} is the address of {owner}",
                place,
                "a redirect must lead to the pool itself: publish a name of its own",
            )


def _host_name(url: str) -> str:
    return (urlsplit(url).hostname or url).casefold()
