"""From a checked document to the model: names, builds, rules, and nothing given twice."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from orchestrator.diagnostic import Place
from orchestrator.errors import InvalidInput
from orchestrator.inventory.balanced import balanced_names, default_minimum, faults
from orchestrator.inventory.findings import Findings, did_you_mean
from orchestrator.inventory.windows import WindowsFile, calendar_of, time_policy
from orchestrator.inventory.yaml_text import Keys
from orchestrator.model.build import PRODUCT_LINES, Build, Catalogue, UnknownBuild
from orchestrator.model.state import State
from orchestrator.model.topology import PoolId, Topology
from orchestrator.planfile.convert import read_policy, read_rules, read_topology
from orchestrator.planfile.faults import MOST_FAULTS, Placed
from orchestrator.planfile.organization import Organization, OrganizationDoc, PoolEntry
from orchestrator.rules.in_force import RulesInForce
from orchestrator.rules.rule import Rule


class Reader:
    """Reads one document; what is wrong goes to the findings."""

    def __init__(
        self,
        document: OrganizationDoc,
        text: Placed,
        catalogue: Catalogue,
        load_pack: Callable[[str], tuple[Rule, ...]],
        findings: Findings,
    ) -> None:
        self._doc = document
        self._text = text
        self._catalogue = catalogue
        self._load_pack = load_pack
        self._findings = findings
        self._count = 0
        self._known: dict[str, Build] = {}
        self._fits: dict[tuple[str, str], bool] = {}

    def read(self) -> Organization | None:
        """The organisation, or None with findings."""
        doc = self._doc
        self._once("site", ((s.name, ("sites", n)) for n, s in enumerate(doc.sites)))
        self._once("pool", ((_name(p), ("pools", n)) for n, p in enumerate(doc.pools)))
        self._once(
            "host",
            (
                (server.name, ("pools", n, "servers", m))
                for n, pool in enumerate(doc.pools)
                for m, server in enumerate(pool.servers)
            ),
            "a server belongs to one pool",
        )
        sites = {site.name for site in doc.sites}
        for n, pool in enumerate(doc.pools):
            if pool.site not in sites:
                self._unknown_site(f"pool {_name(pool)}", pool.site, ("pools", n, "site"))
            members = [server.name for server in pool.servers]
            for m, message, remedy in faults(members, pool.balanced):
                at: Keys = ("pools", n, "balanced", m)
                self._error("CAS-E709", f"pool {_name(pool)}", message, at, remedy)
        self._paths(sites)
        self._builds()
        goals = self._goals()
        rules = self._rules()
        windows = self._windows()
        if self._findings.errors:
            return None
        topology, state = self._arranged()
        policy = read_policy(doc.policy)
        return Organization(topology, state, goals, policy, rules, windows)

    def _windows(self) -> WindowsFile | None:
        document = self._doc.windows
        if document is None:
            return None
        sites = [site.name for site in self._doc.sites]
        calendar = calendar_of(document, _Inside(self._text, "windows"), sites, self._findings)
        policy = time_policy(document, self._doc.replication_minutes)
        return WindowsFile(calendar, policy, self._findings.warnings, document)

    def _paths(self, sites: Iterable[str]) -> None:
        pools = {_name(pool) for pool in self._doc.pools}
        keyed = []
        for n, path in enumerate(self._doc.paths):
            subject = f"path {path.source} -> {path.target} ({path.protocol})"
            keyed.append((subject.removeprefix("path "), ("paths", n)))
            strangers = [
                (end, name)
                for end, name in (("source", path.source), ("target", path.target))
                if name not in pools
            ]
            for end, name in strangers:
                site = name.rpartition("/")[0]
                if site not in sites:
                    self._unknown_site(subject, site or name, ("paths", n, end))
                else:
                    self._error(
                        "CAS-E705",
                        subject,
                        f"{end} {name} is not a pool",
                        ("paths", n, end),
                        did_you_mean(name, pools),
                    )
            if strangers:
                continue
            if path.source == path.target:
                message = "begins and ends in the same pool, which serves its mailboxes itself"
                self._error("CAS-E708", subject, message, ("paths", n), "leave it out")
            elif _age(path.source) < _age(path.target):
                message = f"{path.source} would have to proxy up, which Exchange never does"
                self._error("CAS-E708", subject, message, ("paths", n), "leave it out")
        self._once("path", keyed, "add the users up in one entry")

    def _builds(self) -> None:
        """Find the build of every text once, and complain wherever one does not fit."""
        for n, pool in enumerate(self._doc.pools):
            for m, server in enumerate(pool.servers):
                fits = self._fits.get((server.build, pool.product_line))
                if not fits:
                    where: Keys = ("pools", n, "servers", m, "build")
                    subject = f"host {server.name}"
                    self._build(server.build, subject, where, pool.product_line)
                for k, text in enumerate(server.version_folders):
                    inside: Keys = ("pools", n, "servers", m, "version_folders", k)
                    self._build(text, f"host {server.name}", inside)
        packages = []
        for n, package in enumerate(self._doc.packages):
            where = ("packages", n, "build")
            build = self._build(package.build, f"package {package.build}", where)
            for bound in ("at_least", "below") if package.onto else ():
                text = getattr(package.onto, bound)
                if text is not None:
                    at: Keys = ("packages", n, "onto", bound)
                    self._build(text, f"package {package.build}", at)
            packages.append((str(build), ("packages", n)))
        self._once("package", packages)

    def _arranged(self) -> tuple[Topology, State]:
        """The topology with defaults filled in and everything in a stable order."""
        found, state = read_topology(self._doc, self._known.__getitem__)
        minimum, balanced = {}, {}
        for row in self._doc.pools:
            pool_id = PoolId(row.site, row.product_line)
            balanced[pool_id] = balanced_names(row.balanced)
            least = row.minimum_in_service
            names = [server.name for server in row.servers]
            minimum[pool_id] = default_minimum(names, balanced[pool_id]) if least is None else least
        pools = {
            name: dataclasses.replace(
                pool,
                servers=tuple(sorted(pool.servers)),
                minimum_in_service=minimum[name],
                balanced=balanced[name],
            )
            for name, pool in sorted(found.pools.items())
        }
        topology = dataclasses.replace(
            found,
            sites=dict(sorted(found.sites.items())),
            servers=dict(sorted(found.servers.items())),
            pools=pools,
            paths=tuple(sorted(found.paths)),
            packages=dict(sorted(found.packages.items())),
        )
        return topology, state

    def _goals(self) -> Mapping[str, Build]:
        goals: dict[str, Build] = {}
        for line, text in sorted(self._doc.goals.items()):
            build = self._build(text, f"goal {line}", ("goals", line), line)
            if build is not None:
                goals[line] = build
        return goals

    def _rules(self) -> RulesInForce:
        entries = self._doc.rules
        origin: dict[str, str] = {}
        for n, name in enumerate(entries.packs):
            try:
                loaded = self._load_pack(name)
            except InvalidInput as error:
                for fault in error.diagnostics:
                    at: Keys = ("rules", "packs", n)
                    self._error(fault.code, fault.subject, fault.message, at, fault.remedy)
                continue
            for rule in loaded:
                self._taken(origin, rule.id, f"pack {name}", ("rules", "packs", n))
        for n, entry in enumerate(entries.own):
            self._taken(origin, entry.id, "rules.own", ("rules", "own", n))
            if not all(reference.strip() for reference in entry.references):
                message = "has an empty source"
                where: Keys = ("rules", "own", n, "references")
                self._error("CAS-E707", f"rule {entry.id}", message, where)
        return RulesInForce() if self._findings.errors else read_rules(entries)

    def _taken(self, origin: dict[str, str], name: str, where: str, keys: Keys) -> None:
        if name in origin:
            message = f"is in {where} and in {origin[name]}"
            self._error("CAS-E707", f"rule {name}", message, keys, "rename your own, or drop it")
        origin.setdefault(name, where)

    def _build(self, text: str, subject: str, keys: Keys, line: str = "") -> Build | None:
        try:
            build = self._known.get(text) or self._catalogue.read(text)
        except UnknownBuild as error:
            message, _, remedy = str(error).partition("; ")
            self._error("CAS-E706", subject, f"build {message}", keys, remedy)
            return None
        self._known[text] = build
        if line and self._catalogue.product_line(build) != line:
            message = f"{self._catalogue.name(build)} ({build}) is not a build of Exchange {line}"
            self._error("CAS-E706", subject, message, keys)
            return None
        self._fits[text, line] = True
        return build

    def _unknown_site(self, subject: str, site: str, keys: Keys) -> None:
        known = [entry.name for entry in self._doc.sites]
        remedy = did_you_mean(site, known)
        self._error("CAS-E705", subject, f'unknown site "{site}"', keys, remedy)

    def _once(self, kind: str, keyed: Iterable[tuple[str, Keys]], remedy: str = "") -> None:
        first: dict[str, Keys] = {}
        for name, keys in keyed:
            if name not in first:
                first[name] = keys
                continue
            earlier = self._text.place(*first[name])
            seen = f", first in line {earlier.line}" if earlier.line else ""
            self._error("CAS-E704", f"{kind} {name}", f"is given twice{seen}", keys, remedy)

    def _error(self, code: str, subject: str, message: str, keys: Keys, remedy: str = "") -> None:
        self._count += 1
        if self._count <= MOST_FAULTS:
            self._findings.error(code, subject, message, self._text.place(*keys), remedy)


@dataclass(frozen=True)
class _Inside:
    """The part of a document under one key, with places in the whole."""

    text: Placed
    key: str

    def place(self, *keys: str | int) -> Place:
        return self.text.place(self.key, *keys)


def _name(pool: PoolEntry) -> str:
    return f"{pool.site}/{pool.product_line}"


def _age(pool: str) -> int:
    return PRODUCT_LINES.index(pool.rpartition("/")[2])
