"""Between a plan as values and plan.json."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from orchestrator.checker import CheckReport
from orchestrator.model.build import Build, BuildRange
from orchestrator.model.plan import Outage, Plan, Probe, Step, after_all
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
from orchestrator.planfile.document import (
    FORMAT_VERSION,
    BalancedDoc,
    EvidenceDoc,
    OutageDoc,
    PackageDoc,
    PathDoc,
    PlanDoc,
    PolicyDoc,
    PoolDoc,
    ProbeDoc,
    RangeDoc,
    RuleDoc,
    RulesInForceDoc,
    ServerDoc,
    SiteDoc,
    StepDoc,
    TopologyDoc,
)
from orchestrator.planfile.times import read_schedule, schedule_document
from orchestrator.rules.engine import RuleBook
from orchestrator.rules.in_force import OWN, RulesInForce, rules_in_force
from orchestrator.rules.pack import entry_of, rules_of
from orchestrator.rules.rule import Policy


@dataclass(frozen=True)
class SavedPlan:
    """A plan with everything needed to check it again.

    Parameters
    ----------
    purpose : str
        ``change`` or ``rollback``.
    goals : mapping of product line to Build
    rules : RulesInForce
        As read; what is written follows from the rule book.
    """

    topology: Topology
    plan: Plan
    policy: Policy
    goals: Mapping[str, Build]
    purpose: str = "change"
    rules: RulesInForce = field(default_factory=RulesInForce)


def to_document(saved: SavedPlan, book: RuleBook, report: CheckReport) -> PlanDoc:
    """The document of a plan the checker has passed."""
    plan = saved.plan
    used = sorted({rule for step in plan.steps for rule in step.rules} | {*plan.leans_on})
    broken = [str(path) for path in book.broken_paths(saved.topology, plan.start)]
    return PlanDoc(
        format_version=FORMAT_VERSION,
        purpose="rollback" if saved.purpose == "rollback" else "change",
        goals={line: str(build) for line, build in sorted(saved.goals.items())},
        topology=topology_document(saved.topology, plan.start),
        policy=policy_document(saved.policy),
        rules_in_force=rules_document(rules_in_force(book)),
        rules=[_rule(book, rule_id) for rule_id in used],
        evidence=EvidenceDoc(
            paths=report.paths,
            states=report.states,
            violations=len(report.violations),
            broken_at_start=broken,
            leans_on=list(plan.leans_on),
        ),
        remarks=list(plan.remarks),
        steps=[_step(saved.topology, step) for step in plan.steps],
        schedule=schedule_document(plan.schedule) if plan.schedule else None,
    )


def from_document(doc: PlanDoc) -> SavedPlan:
    """The plan of a document; its end state follows from its steps."""
    topology, start = read_topology(doc.topology)
    steps = tuple(_read_step(topology, step) for step in doc.steps)
    end = after_all(start, steps)
    times = read_schedule(doc.schedule, topology.replication_minutes) if doc.schedule else None
    plan = Plan(steps, start, end, tuple(doc.evidence.leans_on), tuple(doc.remarks), times)
    goals = {line: Build.parse(text) for line, text in doc.goals.items()}
    policy = read_policy(doc.policy)
    return SavedPlan(topology, plan, policy, goals, doc.purpose, read_rules(doc.rules_in_force))


def policy_document(policy: Policy) -> PolicyDoc:
    """Decisions, those about rules sorted."""
    return PolicyDoc(
        accepted=dict(sorted(policy.accepted.items())),
        strict=dict(sorted(policy.strict.items())),
        switch_user_hours=policy.switch_user_hours,
    )


def read_policy(doc: PolicyDoc) -> Policy:
    """The decisions of a document."""
    return Policy(doc.accepted, doc.strict, doc.switch_user_hours)


def rules_document(rules: RulesInForce) -> RulesInForceDoc:
    """The rules in force."""
    return RulesInForceDoc(packs=list(rules.packs), own=[entry_of(rule) for rule in rules.own])


def read_rules(doc: RulesInForceDoc) -> RulesInForce:
    """The rules of a document.

    Raises
    ------
    ValueError
        If two rules share an id.
    """
    return RulesInForce(tuple(doc.packs), rules_of(doc.own, None, OWN))


def topology_document(topology: Topology, start: State) -> TopologyDoc:
    """What exists, with the state it is in."""
    folders: dict[str, list[Build]] = {}
    for name, build in start.version_folders:
        folders.setdefault(name, []).append(build)
    return TopologyDoc(
        organization=topology.organization,
        replication_minutes=topology.replication_minutes,
        sites=[
            SiteDoc(
                name=s.name,
                internet_facing=s.internet_facing,
                domain_controller=s.domain_controller,
            )
            for _, s in sorted(topology.sites.items())
        ],
        pools=[_pool(topology, start, pool, folders) for _, pool in sorted(topology.pools.items())],
        paths=[
            PathDoc(source=str(p.source), target=str(p.target), protocol=p.protocol, users=p.users)
            for p in topology.paths
        ],
        packages=[_package(package) for _, package in sorted(topology.packages.items())],
    )


def _package(package: Package) -> PackageDoc:
    onto = package.onto
    return PackageDoc(
        build=str(package.build),
        path=package.path,
        sha256=package.sha256,
        patch_code=package.patch_code,
        kb=package.kb,
        onto=RangeDoc(
            at_least=str(onto.at_least) if onto.at_least else None,
            below=str(onto.below) if onto.below else None,
        )
        if onto
        else None,
        minutes=package.minutes,
    )


def _read_package(doc: PackageDoc, build_of: Callable[[str], Build]) -> Package:
    onto = doc.onto
    return Package(
        build=build_of(doc.build),
        path=doc.path,
        sha256=doc.sha256,
        patch_code=doc.patch_code,
        kb=doc.kb,
        onto=BuildRange(
            build_of(onto.at_least) if onto.at_least else None,
            build_of(onto.below) if onto.below else None,
        )
        if onto
        else None,
        minutes=doc.minutes,
    )


def _pool(
    topology: Topology, start: State, pool: Pool, folders: Mapping[str, Sequence[Build]]
) -> PoolDoc:
    servers = [
        ServerDoc(
            name=name,
            estimated_minutes=topology.servers[name].minutes,
            internal_url=topology.servers[name].internal_url,
            management_host=topology.servers[name].management_host,
            build=str(start.builds[name]),
            external_urls={
                p: start.external_urls[name, p]
                for p in Protocol
                if (name, p) in start.external_urls
            },
            version_folders=[str(build) for build in sorted(folders.get(name, ()))],
        )
        for name in pool.servers
    ]
    return PoolDoc(
        site=pool.id.site,
        product_line=pool.id.product_line,
        servers=servers,
        minimum_in_service=pool.minimum_in_service,
        redirect_url=pool.redirect_url,
        redirect_evidence=pool.redirect_evidence,
        outage_consent=pool.outage_consent,
        hold=pool.hold,
        test_mailbox=pool.test_mailbox,
        mailboxes=pool.mailboxes,
        balanced=[
            BalancedDoc(name=name, servers=list(names), minimum_in_service=least)
            for name, names, least in pool.balanced
        ],
    )


def _rule(book: RuleBook, rule_id: str) -> RuleDoc:
    rule = book.by_id[rule_id]
    return RuleDoc(
        id=rule.id,
        title=rule.title,
        verdict=rule.verdict,
        confidence=rule.confidence,
        references=list(rule.references),
    )


def _step(topology: Topology, step: Step) -> StepDoc:
    return StepDoc(
        id=step.id,
        kind=step.kind,
        site=step.pool.site,
        product_line=step.pool.product_line,
        protocols=list(step.protocols),
        servers=list(step.servers),
        from_build=str(step.from_build) if step.from_build else None,
        to_build=str(step.to_build) if step.to_build else None,
        passes=[str(build) for build in step.passes],
        after=list(step.after),
        estimated_minutes=step.estimated_minutes,
        reversible=step.reversible,
        irreversible_because=step.irreversible_because,
        rules=list(step.rules),
        reason=step.reason,
        pilot=step.pilot,
        outage=OutageDoc(minutes=step.outage.minutes, users=step.outage.users)
        if step.outage
        else None,
        prior_urls=dict(step.prior_urls),
        new_urls=dict(step.new_urls),
        folder=str(step.folder) if step.folder else None,
        origins=list(step.origins),
        probes=[_probe(topology, step, probe) for probe in step.probes],
    )


def _probe(topology: Topology, step: Step, probe: Probe) -> ProbeDoc:
    """Servers are named only where they are neither all of a pool nor those of the step."""
    source = topology.servers[probe.sources[0]].pool
    through: Literal["all", "step"] | list[str] = list(probe.sources)
    if probe.sources == topology.pools[source].servers:
        through = "all"
    elif probe.sources == step.servers:
        through = "step"
    everybody = probe.targets == topology.pools[probe.target].servers
    return ProbeDoc(
        source=str(source),
        target=str(probe.target),
        protocol=probe.protocol,
        expect=list(probe.expect),
        through=through,
        answering="all" if everybody else list(probe.targets),
        redirect_url=probe.redirect_url,
        may_break=probe.may_break,
    )


def _pool_id(text: str) -> PoolId:
    site, _, line = text.rpartition("/")
    return PoolId(site, line)


def read_topology(
    doc: TopologyDoc, build_of: Callable[[str], Build] = Build.parse
) -> tuple[Topology, State]:
    """What exists, and the state it is in, in the order of the document.

    Parameters
    ----------
    build_of : callable
        From the text of a build to the build.
    """
    pools: dict[PoolId, Pool] = {}
    servers: dict[str, Server] = {}
    builds: dict[str, Build] = {}
    urls: dict[tuple[str, Protocol], str] = {}
    folders: set[tuple[str, Build]] = set()
    for row in doc.pools:
        pool_id = PoolId(row.site, row.product_line)
        pools[pool_id] = Pool(
            id=pool_id,
            servers=tuple(server.name for server in row.servers),
            minimum_in_service=row.minimum_in_service,
            redirect_url=row.redirect_url,
            redirect_evidence=row.redirect_evidence,
            outage_consent=row.outage_consent,
            hold=row.hold,
            test_mailbox=row.test_mailbox,
            mailboxes=row.mailboxes,
            balanced=tuple(
                Balanced(one.name, tuple(one.servers), one.minimum_in_service)
                for one in row.balanced
            ),
        )
        for server in row.servers:
            servers[server.name] = Server(
                name=server.name,
                pool=pool_id,
                minutes=server.estimated_minutes,
                internal_url=server.internal_url,
                management_host=server.management_host,
            )
            builds[server.name] = build_of(server.build)
            urls |= {(server.name, p): url for p, url in server.external_urls.items()}
            folders |= {(server.name, build_of(text)) for text in server.version_folders}
    topology = Topology(
        organization=doc.organization,
        sites={s.name: Site(s.name, s.internet_facing, s.domain_controller) for s in doc.sites},
        servers=servers,
        pools=pools,
        paths=tuple(
            ProxyPath(_pool_id(p.source), _pool_id(p.target), p.protocol, p.users)
            for p in doc.paths
        ),
        packages={build_of(p.build): _read_package(p, build_of) for p in doc.packages},
        replication_minutes=doc.replication_minutes,
    )
    return topology, State(builds, urls, frozenset(folders))


def _read_step(topology: Topology, doc: StepDoc) -> Step:
    return Step(
        id=doc.id,
        kind=doc.kind,
        pool=PoolId(doc.site, doc.product_line),
        servers=tuple(doc.servers),
        protocols=tuple(doc.protocols),
        after=tuple(doc.after),
        estimated_minutes=doc.estimated_minutes,
        reason=doc.reason,
        rules=tuple(doc.rules),
        from_build=Build.parse(doc.from_build) if doc.from_build else None,
        to_build=Build.parse(doc.to_build) if doc.to_build else None,
        passes=tuple(map(Build.parse, doc.passes)),
        prior_urls=doc.prior_urls,
        new_urls=doc.new_urls,
        folder=Build.parse(doc.folder) if doc.folder else None,
        origins=tuple(doc.origins),
        irreversible_because=doc.irreversible_because,
        outage=Outage(doc.outage.minutes, doc.outage.users) if doc.outage else None,
        pilot=doc.pilot,
        probes=tuple(_read_probe(topology, doc, probe) for probe in doc.probes),
    )


def _read_probe(topology: Topology, step: StepDoc, doc: ProbeDoc) -> Probe:
    target = topology.pools[_pool_id(doc.target)]
    if doc.through == "all":
        sources = topology.pools[_pool_id(doc.source)].servers
    else:
        sources = tuple(step.servers if doc.through == "step" else doc.through)
    return Probe(
        sources=sources,
        target=target.id,
        protocol=doc.protocol,
        expect=tuple(doc.expect),
        targets=target.servers if doc.answering == "all" else tuple(doc.answering),
        redirect_url=doc.redirect_url,
        may_break=doc.may_break,
    )
