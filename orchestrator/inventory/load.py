"""From an inventory folder to topology and declared state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.diagnostic import Diagnostic, Place
from orchestrator.errors import InvalidInput
from orchestrator.inventory import document as organization_document
from orchestrator.inventory import hosts as exchange_hosts
from orchestrator.inventory import packages, paths, pools, seen
from orchestrator.inventory.census import Census, check_sites
from orchestrator.inventory.findings import Findings
from orchestrator.inventory.seen import Seen
from orchestrator.inventory.sources import Sources, check_yaml_of_hosts, find
from orchestrator.model.state import State
from orchestrator.model.topology import Pool, PoolId, Protocol, ProxyPath, Server, Site, Topology

if TYPE_CHECKING:
    from orchestrator.inventory.document import Document
    from orchestrator.inventory.hosts import Host
    from orchestrator.model.build import Catalogue


@dataclass(frozen=True)
class Inventory:
    """An inventory without faults.

    Parameters
    ----------
    folder : Path
        As the user named it.
    hosts_source : Path
        What to pass to ansible as ``-i``.
    topology : Topology
    declared : State
        Builds and ExternalURLs as the files say; what is true is known only from the hosts.
    accepted, strict : mapping of rule id to reason
        Decisions about rules in organization.yml; whether such rules exist is not checked here.
    switch_user_hours : int
        What one switch of a redirection counts as.
    warnings : tuple of Diagnostic
    seen : mapping of rule id to Seen
        Rules this farm has shown to be broken.
    rule_packs : tuple of str or None
        Shipped packs in force; None: the default ones.
    """

    folder: Path
    hosts_source: Path
    topology: Topology
    declared: State
    accepted: Mapping[str, str]
    strict: Mapping[str, str]
    switch_user_hours: int
    warnings: tuple[Diagnostic, ...]
    seen: Mapping[str, Seen] = field(default_factory=dict)
    rule_packs: tuple[str, ...] | None = None


def load_inventory(
    folder: Path,
    *,
    catalogue: Catalogue,
    vault_password_file: Path | None = None,
    extra_vars: Sequence[str] = (),
) -> Inventory:
    """Read hosts file and organization.yml.

    Parameters
    ----------
    folder : Path
        Holds organization.yml and one of hosts.yml, hosts.ini, hosts (file or folder).
    catalogue : Catalogue
        The builds that are known.
    vault_password_file : Path, optional
    extra_vars : sequence of str
        As for ansible-playbook ``-e``.

    Raises
    ------
    InvalidInput
        With every error at once, by file and line. Warnings are left out then.
    """
    findings = Findings()
    sources = find(folder, findings)
    census = _census(sources, findings, catalogue, vault_password_file, extra_vars)
    document = (
        organization_document.read(sources.organization, findings) if sources.organization else None
    )
    inventory = None
    if document is not None and census is not None and sources.hosts is not None:
        census = replace(census, sites=tuple(document.model.sites))
        inventory = _assemble(sources.folder, sources.hosts, census, document, catalogue, findings)
    if findings.errors or inventory is None:
        raise InvalidInput(findings.errors)
    return inventory


def _census(
    sources: Sources,
    findings: Findings,
    catalogue: Catalogue,
    vault_password_file: Path | None,
    extra_vars: Sequence[str],
) -> Census | None:
    if sources.hosts is None:
        return None
    check_yaml_of_hosts(sources, findings)
    if findings.errors:
        return Census((), complete=False)
    from orchestrator.inventory import ansible_source

    raw = ansible_source.read_hosts(
        sources, findings, vault_password_file=vault_password_file, extra_vars=extra_vars
    )
    if not raw.exchange and not findings.errors:
        said = "".join(f"; {w.message}" for w in findings.warnings if w.code == "CAS-W008")
        findings.error(
            "CAS-E116",
            f"inventory {sources.folder}",
            f"has no host in the group exchange{said}",
            Place(str(sources.hosts)),
            "put the Client Access servers into a group called exchange",
        )
    return Census(exchange_hosts.read(raw, catalogue, findings), complete=bool(raw.exchange))


def _assemble(
    folder: Path,
    hosts_source: Path,
    census: Census,
    document: Document,
    catalogue: Catalogue,
    findings: Findings,
) -> Inventory:
    check_sites(census, document, findings)
    described = pools.entries(census, document, findings)
    found_pools = pools.build(census, described, findings)
    found_paths = paths.read(census, document, described, findings)
    _check_test_mailboxes(found_pools, found_paths, document, findings)
    topology = Topology(
        organization=document.model.organization,
        sites=_sites(document),
        servers={server.name: server for server in map(_server, census.hosts) if server},
        pools=found_pools,
        paths=found_paths,
        packages=packages.read(document, catalogue, findings),
        replication_minutes=document.model.replication_minutes,
    )
    decisions = packages.decisions(document, findings)
    return Inventory(
        folder=folder,
        hosts_source=hosts_source,
        topology=topology,
        declared=_declared(census.hosts),
        accepted=decisions["accept"],
        strict=decisions["strict"],
        switch_user_hours=document.model.policy.switch_user_hours,
        rule_packs=packages.rule_packs(document, findings),
        seen=seen.read(folder, findings),
        warnings=findings.warnings,
    )


def _check_test_mailboxes(
    found: Mapping[PoolId, Pool],
    proxied: tuple[ProxyPath, ...],
    document: Document,
    findings: Findings,
) -> None:
    for pool in sorted({path.target for path in proxied} & set(found)):
        if not found[pool].test_mailbox:
            findings.warn(
                "CAS-W202",
                f"pool {pool}",
                "has no test_mailbox: paths into it cannot be verified from outside",
                document.text.place("pools"),
                "add the address of a mailbox of this pool",
            )


def _sites(document: Document) -> dict[str, Site]:
    entries = sorted(document.model.sites.items())
    return {
        name: Site(name, entry.internet_facing, entry.domain_controller) if entry else Site(name)
        for name, entry in entries
    }


def _server(host: Host) -> Server | None:
    if host.pool is None:
        return None
    return Server(host.name, host.pool, host.minutes, host.internal_url, host.management_host)


def _declared(hosts: tuple[Host, ...]) -> State:
    return State(
        builds={host.name: host.build for host in hosts if host.build is not None},
        external_urls={(host.name, Protocol.OWA): host.external_url for host in hosts},
        version_folders=frozenset((h.name, build) for h in hosts for build in h.version_folders),
    )
