"""Small organisations written as YAML: a new case needs no Python."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from orchestrator.inventory.balanced import default_minimum
from orchestrator.inventory.findings import Findings
from orchestrator.inventory.windows import calendar_of, time_policy
from orchestrator.inventory.windows_document import Windows
from orchestrator.inventory.yaml_text import YamlText
from orchestrator.model.build import Build, BuildRange
from orchestrator.model.schedule import Timing
from orchestrator.model.state import State
from orchestrator.model.topology import (
    Balanced,
    Package,
    Pool,
    PoolId,
    Protocol,
    ProxyPath,
    Server,
    Site,
    Topology,
)
from orchestrator.planfile.organization_file import read_organization
from orchestrator.planner import goal_state
from orchestrator.rules.engine import RuleBook
from orchestrator.rules.in_force import DEFAULT_PACK, OWN, RulesInForce
from orchestrator.rules.pack import RuleEntry, rules_of
from orchestrator.rules.rule import Policy
from orchestrator.shipped import catalogue, rule_pack

PATCH_CODE = "{00000000-0000-0000-0000-000000000000}"
FOLDER = Path(__file__).parent.parent / "cases"


@dataclass(frozen=True)
class Case:
    """A case file, ready to be planned."""

    title: str
    topology: Topology
    start: State
    goals: dict[str, Build]
    book: RuleBook
    expect: dict[str, Any]
    given_end: State | None = field(default=None)
    timing: Timing | None = None

    @property
    def end(self) -> State:
        """The goal state, or the state the case names."""
        if self.given_end is not None:
            return self.given_end
        return goal_state(self.topology, self.start, self.goals, catalogue())


def pool_id(text: str) -> PoolId:
    """``rome/2010`` as a pool."""
    site, line = text.split("/")
    return PoolId(site, line)


def case_files() -> list[Path]:
    """Every case."""
    return sorted(FOLDER.glob("*.yml"))


def load_case(path: Path) -> Case:
    """Read a case file; its form is described in tests/cases/README.md."""
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    if "document" in data:
        return _of_document(data, path)
    read = catalogue().read
    servers: dict[str, Server] = {}
    pools: dict[PoolId, Pool] = {}
    builds: dict[str, Build] = {}
    urls: dict[tuple[str, Protocol], str] = {}
    folders: set[tuple[str, Build]] = set()
    for name, row in data["pools"].items():
        pool = pool_id(name)
        names = tuple(
            f"{pool.site}-{pool.product_line}-{n}" for n, _ in enumerate(row["builds"], 1)
        )
        for server, build in zip(names, row["builds"], strict=True):
            servers[server] = Server(server, pool, row.get("minutes", 30))
            builds[server] = read(build)
        for server in names[: row.get("redirected", 0)]:
            urls[server, Protocol.OWA] = f"https://{pool.site}.example/owa"
        balanced = tuple(
            Balanced(called, tuple(names[n - 1] for n in behind), row.get("least", len(behind) - 1))
            for called, behind in row.get("balanced", {}).items()
        )
        folders |= {(name, read(build)) for name in names for build in row.get("folders", [])}
        pools[pool] = Pool(
            id=pool,
            servers=names,
            minimum_in_service=row.get("minimum", default_minimum(names, balanced)),
            balanced=balanced,
            redirect_url="https://publish.example/owa" if row.get("capable") else "",
            outage_consent=row.get("consent", True),
            hold=row.get("hold", ""),
            test_mailbox=f"probe@{pool.site}.example",
        )
    paths = tuple(
        sorted(
            ProxyPath(
                pool_id(row["from"]),
                pool_id(row["to"]),
                Protocol(row.get("protocol", "owa")),
                row.get("users", 10),
            )
            for row in data["paths"]
        )
    )
    goals = {line: read(build) for line, build in data.get("goals", {}).items()}
    own = rules_of(map(RuleEntry.model_validate, data.get("rules", [])), None, OWN)
    start = State(builds, urls, frozenset(folders))
    end = _end(data["end"], pools, start) if "end" in data else None
    packages = _packages(data, {*builds.values(), *goals.values(), *_builds(end)})
    sites = {pool.site: Site(pool.site) for pool in pools}
    policy = Policy(
        accepted=dict.fromkeys(data.get("accept", []), "case"),
        strict=dict.fromkeys(data.get("strict", []), "case"),
    )
    topology = Topology(data["title"], sites, servers, dict(sorted(pools.items())), paths, packages)
    return Case(
        title=data["title"],
        topology=topology,
        start=start,
        goals=goals,
        book=RulesInForce(tuple(data.get("packs", [DEFAULT_PACK])), own).book(rule_pack, policy),
        expect=data["expect"],
        given_end=end,
        timing=_timing(data["windows"], sites, path) if "windows" in data else None,
    )


def _timing(rows: dict[str, Any], sites: Collection[str], path: Path) -> Timing:
    findings = Findings()
    document = Windows.model_validate({"version": 1, **rows, "from": str(rows["from"])})
    calendar = calendar_of(document, YamlText(str(path), {}, {}), sites, findings)
    assert findings.errors == ()
    return Timing(calendar, time_policy(document, replication_minutes=0))


def _builds(state: State | None) -> set[Build]:
    return {*state.builds.values()} if state else set()


def _packages(data: dict[str, Any], builds: set[Build]) -> dict[Build, Package]:
    """Of every build the case names, and of those it lists, of which it can say more."""
    read = catalogue().read
    rows = {read(name): row or {} for name, row in data.get("packages", {}).items()}
    found = {}
    for build in sorted(builds | rows.keys() if not data.get("only_packages") else rows.keys()):
        row = rows.get(build, {})
        onto = row.get("onto")
        bounds = (
            [read(onto[key]) if key in onto else None for key in ("at_least", "below")]
            if onto
            else []
        )
        code = "" if catalogue().is_service_pack(build) else PATCH_CODE
        found[build] = Package(
            build,
            rf"C:\{build}.msp",
            "0" * 64,
            code,
            onto=BuildRange(*bounds) if onto else None,
            minutes=row.get("minutes", 0),
        )
    return found


def _end(rows: dict[str, Any], pools: dict[PoolId, Pool], start: State) -> State:
    """The start with what the case says of some pools at the end."""
    state = start
    for name, row in rows.items():
        pool = pools[pool_id(name)]
        read = map(catalogue().read, row["builds"])
        state = state.with_builds(dict(zip(pool.servers, read, strict=True)))
        if "redirected" in row:
            urls = {(server, Protocol.OWA): "" for server in pool.servers[row["redirected"] :]}
            state = state.with_urls(urls)
    return state


def _of_document(data: dict[str, Any], path: Path) -> Case:
    found = read_organization(path.parent / data["document"], catalogue(), rule_pack)
    book = found.rules.book(rule_pack, found.policy)
    goals = dict(found.goals)
    return Case(data["title"], found.topology, found.state, goals, book, data["expect"])
