"""Version folders that a change of build must not take away from the server it changes.

Whether an update keeps the folders of other builds nobody has documented. So every such step puts
back what is gone: from who has it then, from the others of the pool, or from nobody if nobody
needs it any more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestrator.model.build import Build
from orchestrator.model.plan import Plan
from orchestrator.model.topology import PoolId, Topology


def kept_folders(topology: Topology, plan: Plan) -> Mapping[str, list[dict[str, Any]]]:
    """For each step that changes builds, by id, the folders its servers have by then.

    Returns
    -------
    mapping of str to list of dict
        Items of ``owa_resources`` as in playbooks/README.md; only steps with any.
    """
    having: dict[tuple[PoolId, Build], set[str]] = {}
    for name, build in plan.start.version_folders:
        having.setdefault((topology.servers[name].pool, build), set()).add(name)
    found: dict[str, list[dict[str, Any]]] = {}
    sources = _Origins(topology, plan)
    for step in plan.steps:
        for name, build in step.folders:
            having.setdefault((step.pool, build), set()).add(name)
        if not step.kind.changes_build:
            continue
        rows = [
            {
                "build": str(build),
                "origins": sources.of(pool, build),
                "servers": sorted(names),
                "if_nobody_has_it": "leave",
            }
            for (pool, build), names in sorted(having.items())
            if pool == step.pool and not names.isdisjoint(step.servers)
        ]
        if rows:
            found[step.id] = rows
    return found


class _Origins:
    """The servers a pool proxies to that are on a build at the start, or come to it."""

    def __init__(self, topology: Topology, plan: Plan) -> None:
        self._topology = topology
        self._seen: dict[Build, set[str]] = {}
        for name, build in plan.start.builds.items():
            self._seen.setdefault(build, set()).add(name)
        for step in plan.steps:
            if step.kind.changes_build and step.to_build is not None:
                self._seen.setdefault(step.to_build, set()).update(step.servers)

    def of(self, pool: PoolId, build: Build) -> list[str]:
        """By name."""
        paths = self._topology.paths_at[pool]
        targets = {path.target for path in paths if path.source == pool}
        return [
            name
            for name in sorted(self._seen.get(build, ()))
            if self._topology.servers[name].pool in targets
        ]
