"""Proxied paths, declared in organization.yml or derived from sites and mailboxes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.inventory.findings import did_you_mean
from orchestrator.model.build import PRODUCT_LINES
from orchestrator.model.topology import PoolId, Protocol, ProxyPath

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.diagnostic import Place
    from orchestrator.inventory.census import Census
    from orchestrator.inventory.document import Document
    from orchestrator.inventory.findings import Findings
    from orchestrator.inventory.organization import PathEntry, PoolEntry


def read(
    census: Census,
    document: Document,
    described: Mapping[PoolId, tuple[PoolEntry, Place]],
    findings: Findings,
) -> tuple[ProxyPath, ...]:
    """The paths of the topology: as declared, else derived."""
    if document.model.paths is None:
        return derived(census, document, described, findings)
    return declared(census, document, findings)


def declared(census: Census, document: Document, findings: Findings) -> tuple[ProxyPath, ...]:
    """The paths of the document, sorted (CAS-E208 to CAS-E213)."""
    reader = _Reader(census, document, findings)
    for index, entry in enumerate(document.model.paths or ()):
        reader.read(entry, document.text.place("paths", index))
    return tuple(sorted(reader.paths))


class _Reader:
    def __init__(self, census: Census, document: Document, findings: Findings) -> None:
        self.paths: list[ProxyPath] = []
        self._lines: dict[tuple[PoolId, PoolId, Protocol], int] = {}
        self._census = census
        self._sites = document.model.sites
        self._findings = findings

    def read(self, entry: PathEntry, place: Place) -> None:
        subject = f"path {entry.source} -> {entry.target}/{entry.product_line}"
        if entry.protocol is not Protocol.OWA:
            message = f"protocol {entry.protocol} is not judged yet: only owa is"
            self._error("CAS-E213", subject, message, place, "leave the path out for now")
            return
        strangers = [site for site in (entry.source, entry.target) if site not in self._sites]
        for site in dict.fromkeys(strangers):
            remedy = did_you_mean(site, self._sites)
            self._error("CAS-E208", subject, f'unknown site "{site}"', place, remedy)
        if strangers:
            return
        target = PoolId(entry.target, entry.product_line)
        source_line = entry.source_product_line or self._newest(entry.source)
        if source_line is None:
            self._missing(subject, entry.source, None, place)
            return
        source = PoolId(entry.source, source_line)
        if [pool for pool in (source, target) if self._missing(subject, *pool, place)]:
            return
        if source == target:
            message = "begins and ends in the same pool, which serves its mailboxes itself"
            self._error("CAS-E211", subject, message, place, "leave it out")
        elif _age(source_line) < _age(entry.product_line):
            self._error(
                "CAS-E210",
                subject,
                f"{source} would have to proxy up: Exchange {source_line} never proxies to "
                f"{entry.product_line}",
                place,
                f"leave it out, or let clients arrive at a {entry.product_line} pool",
            )
        else:
            self._add(ProxyPath(source, target, entry.protocol, entry.users), subject, place)

    def _add(self, path: ProxyPath, subject: str, place: Place) -> None:
        key = (path.source, path.target, path.protocol)
        if key in self._lines:
            message = f"is given twice, first in line {self._lines[key]}"
            self._error("CAS-E212", subject, message, place, "add the users up in one entry")
            return
        self._lines[key] = place.line
        self.paths.append(path)

    def _newest(self, site: str) -> str | None:
        lines = self._census.lines_at(site)
        return lines[-1] if lines else None

    def _missing(self, subject: str, site: str, line: str | None, place: Place) -> bool:
        lines = self._census.lines_at(site)
        if line in lines or not self._census.knows(site):
            return False
        if not lines:
            message, remedy = f"site {site} has no servers", "remove the path or add the servers"
        else:
            message = f"site {site} has no pool of Exchange {line}"
            remedy = f"it has {' and '.join(lines)}"
        self._error("CAS-E209", subject, message, place, remedy)
        return True

    def _error(self, code: str, subject: str, message: str, place: Place, remedy: str) -> None:
        self._findings.error(code, subject, message, place, remedy)


def derived(
    census: Census,
    document: Document,
    described: Mapping[PoolId, tuple[PoolEntry, Place]],
    findings: Findings,
) -> tuple[ProxyPath, ...]:
    """A path from every Internet-facing site to every pool with mailboxes (CAS-E217, CAS-W201).

    Clients arrive at the newest line of a site. Its own pools of an older line are reached by
    redirection, which is a path, too. The weight is the number of mailboxes, once per source:
    who uses which entrance is not known here.
    """
    place = document.text.place()
    facing = [name for name, site in document.model.sites.items() if site and site.internet_facing]
    weighted = {pool: entry.mailboxes for pool, (entry, _) in described.items() if entry.mailboxes}
    for what, there in (("an internet_facing site", facing), ("a pool with mailboxes", weighted)):
        if not there:
            message = f"has no paths, and none can be derived without {what}"
            remedy = "declare paths, or internet_facing of sites and mailboxes of pools"
            findings.error("CAS-E217", "organization.yml", message, place, remedy)
    paths = []
    for site in facing:
        lines = census.lines_at(site)
        if not lines:
            continue
        source = PoolId(site, lines[-1])
        for target, mailboxes in weighted.items():
            if target == source or target not in census.pools:
                continue
            if _age(source.product_line) >= _age(target.product_line):
                paths.append(ProxyPath(source, target, Protocol.OWA, mailboxes))
    if facing and weighted:
        findings.warn(
            "CAS-W201",
            "organization.yml",
            f"has no paths: {len(paths)} derived from internet_facing sites and mailboxes",
            place,
            "declare paths once logs show who really comes in where",
        )
    return tuple(sorted(paths))


def _age(line: str) -> int:
    return PRODUCT_LINES.index(line)
