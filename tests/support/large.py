"""A plan folder of any size, for what must be quick; only plan.json, as `serve` reads no more."""

from __future__ import annotations

from pathlib import Path

from orchestrator.cli.planning import checked_plan
from orchestrator.model.build import Build
from orchestrator.model.state import State
from orchestrator.model.topology import (
    Package,
    Pool,
    PoolId,
    Protocol,
    ProxyPath,
    Server,
    Site,
    Topology,
)
from orchestrator.planfile import SavedPlan, render, to_document
from orchestrator.rules.engine import RuleBook
from orchestrator.shipped import rule_pack

OLD, NEW = Build(14, 2, 247, 5), Build(14, 2, 283, 3)
LINE = "2010"


def write_large(folder: Path, *, sites: int, servers: int) -> SavedPlan:
    """One hub that proxies to every other site; every server is to be upgraded."""
    pools = [PoolId(f"site-{number:03}", LINE) for number in range(sites)]
    named = {pool: tuple(f"{pool.site}-cas-{n:02}" for n in range(servers)) for pool in pools}
    topology = Topology(
        organization="large",
        sites={p.site: Site(p.site, internet_facing=p is pools[0]) for p in pools},
        servers={
            name: Server(name, pool, 20, f"https://{name}.large.example/owa")
            for pool, names in named.items()
            for name in names
        },
        pools={
            pool: Pool(pool, names, 1, test_mailbox=f"probe-{pool.site}@large.example")
            for pool, names in named.items()
        },
        paths=tuple(
            ProxyPath(pools[0], pool, Protocol.OWA, 10 * number)
            for number, pool in enumerate(pools[1:], 1)
        ),
        packages={NEW: Package(NEW, r"\\files\ru1.msp", "0" * 64, patch_code="{1}")},
    )
    start = State({name: OLD for names in named.values() for name in names}, {})
    end = State(dict.fromkeys(start.builds, NEW), {})
    book = RuleBook(rule_pack())
    plan, report = checked_plan(topology, start, end, book)
    saved = SavedPlan(topology, plan, book.policy, {LINE: NEW})
    folder.mkdir(parents=True)
    (folder / "plan.json").write_text(render(to_document(saved, book, report)), encoding="utf-8")
    return saved
