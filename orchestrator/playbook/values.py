"""What a step's playbook is told, as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from orchestrator.model.plan import Probe, Step
from orchestrator.model.topology import Package, Pool, ProxyPath, Topology


def step_values(
    topology: Topology, step: Step, kept: Sequence[dict[str, Any]] = ()
) -> dict[str, Any]:
    """The variable ``exchange_step`` of a step's playbook.

    Parameters
    ----------
    topology : Topology
    step : Step
    kept : sequence of dict
        Version folders that must outlive a change of build (`kept_folders`).

    Returns
    -------
    dict
        Lists, texts, numbers and booleans only; described in playbooks/README.md.
    """
    values: dict[str, Any] = {
        "id": step.id,
        "kind": str(step.kind),
        "site": step.pool.site,
        "product_line": step.pool.product_line,
        "protocols": [str(p) for p in step.protocols],
        "servers": list(step.servers),
        "pilot": step.pilot,
        "rules": list(step.rules),
        "source_urls": _source_urls(topology, step.probes),
        "probes": [_probe(topology, probe) for probe in step.probes],
    }
    if step.kind.changes_build and step.from_build and step.to_build:
        builds = {step.from_build, step.to_build, *step.passes}
        values |= {
            "from_build": str(step.from_build),
            "to_build": str(step.to_build),
            **_pool_kept(topology.pools[step.pool], step),
            **({"service_pack": True} if step.is_service_pack else {}),
            "packages": {
                str(build): _package(topology.packages[build])
                for build in sorted(builds & set(topology.packages))
            },
        }
        values |= {"owa_resources": list(kept)} if kept else {}
    if step.kind.copies_folder:
        values["owa_resources"] = [{"build": str(step.folder), "origins": list(step.origins)}]
    if step.kind.changes_urls:
        values |= {
            "prior": {name: {"external_url": url} for name, url in sorted(step.prior_urls.items())},
            "new": {name: {"external_url": url} for name, url in sorted(step.new_urls.items())},
            "domain_controllers": _controllers(topology, step),
            "replication_minutes": topology.replication_minutes,
        }
    return values


def _pool_kept(pool: Pool, step: Step) -> dict[str, Any]:
    """The servers that stay, and how many of them must be in service when the step begins."""

    def staying(servers: Sequence[str]) -> list[str]:
        return [name for name in servers if name not in step.servers]

    whole, *inside = pool.kept
    values: dict[str, Any] = {
        "peers": staying(whole.servers),
        "minimum_in_service": whole.minimum_in_service,
    }
    if inside:
        values["balanced"] = [
            {"name": name, "peers": staying(servers), "minimum_in_service": least}
            for name, servers, least in inside
        ]
    return values


def look_values(topology: Topology, probes: Sequence[Probe]) -> dict[str, Any]:
    """The variables of a look at paths outside any step: each probe once, nothing is waited for."""
    step = {
        "id": "baseline",
        "kind": "verify",
        "servers": [],
        "source_urls": _source_urls(topology, probes),
        "probes": [_probe(topology, probe) for probe in probes],
    }
    return {"exchange_step": step, "exchange_verify_retries": 1}


def _package(package: Package) -> dict[str, str]:
    return {
        "path": package.path,
        "sha256": package.sha256,
        "patch_code": package.patch_code,
        "kb": package.kb,
    }


def _controllers(topology: Topology, step: Step) -> dict[str, str]:
    """Domain controllers of the pool's own site and of every site that proxies to it."""
    into = [path for path in topology.paths if path.target == step.pool]
    sites = {step.pool.site} | {path.source.site for path in into}
    named = {name: topology.sites[name].domain_controller for name in sorted(sites)}
    return {name: controller for name, controller in named.items() if controller}


def _source_urls(topology: Topology, probes: Sequence[Probe]) -> dict[str, str]:
    sources = {name for probe in probes for name in probe.sources}
    return {name: _own_url(topology, name) for name in sorted(sources)}


def _own_url(topology: Topology, source: str) -> str:
    url = topology.servers[source].internal_url or f"https://{source}/owa"
    return url.rstrip("/") + "/"


def _probe(topology: Topology, probe: Probe) -> dict[str, Any]:
    target = topology.pools[probe.target]
    path = ProxyPath(topology.servers[probe.sources[0]].pool, probe.target, probe.protocol, 0)
    return {
        "path": str(path),
        "sources": list(probe.sources),
        "target_site": probe.target.site,
        "target_product_line": probe.target.product_line,
        "mailbox": target.test_mailbox,
        "password_host": target.servers[0],
        "targets": list(probe.targets),
        "expect": [str(outcome) for outcome in probe.expect],
        "redirect_url": probe.redirect_url,
        "may_break": probe.may_break,
    }
