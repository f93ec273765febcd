"""From a draft to a topology that can be judged; what is missing is named, never filled in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from orchestrator.diagnostic import Diagnostic, Severity
from orchestrator.discovery.draft import Draft, DraftServer
from orchestrator.model.build import PRODUCT_LINES, Build, BuildRange, Catalogue
from orchestrator.model.routing import route
from orchestrator.model.state import State
from orchestrator.model.topology import Pool, PoolId, Protocol, ProxyPath, Server, Site, Topology
from orchestrator.rules.engine import Judgement, PairJudgement, PathJudgement, RuleBook
from orchestrator.rules.rule import Confidence, Rule, Verdict

BUILD_NOT_EXACT = Rule(
    "build-not-exact",
    "AdminDisplayVersion hides rollups, and they make a difference here",
    frozenset(),
    BuildRange(),
    BuildRange(),
    Verdict.UNKNOWN,
    Confidence.OPEN,
    ("built in",),
)
_MINUTES = 30
"""Nothing is planned from it, but a server needs an estimate."""


def farm_of(draft: Draft) -> tuple[Topology, State, tuple[Diagnostic, ...]]:
    """The Client Access servers of a draft as topology and state.

    Paths are derived: from every site whose newest pool has an OWA ExternalUrl, for that is where
    people arrive [infer], to every other pool of no newer line. Where mailboxes were counted, only
    pools that have some.

    Returns
    -------
    tuple of Topology, State and tuple of Diagnostic
        Warnings name servers that were left out because site or build is not known (CAS-W844).
    """
    whole = [s for s in draft.client_access if s.site and s.product_line and s.build]
    members: dict[PoolId, list[DraftServer]] = defaultdict(list)
    for server in whole:
        members[PoolId(server.site, server.product_line)].append(server)
    facing = _internet_facing(members)
    topology = Topology(
        organization=draft.organization or "exported",
        sites={
            name: Site(name, internet_facing=name in facing) for name in sorted({*_sites(members)})
        },
        servers={s.name: _server(s) for s in whole},
        pools={pool: _pool(pool, servers, draft) for pool, servers in sorted(members.items())},
        paths=tuple(_paths(members, facing, draft.mailboxes)),
    )
    urls = {
        (server.name, protocol): directory.external_url
        for server in whole
        for protocol, directory in server.directories.items()
    }
    state = State({s.name: s.build for s in whole if s.build}, urls)
    return topology, state, left_out(draft)


def left_out(draft: Draft) -> tuple[Diagnostic, ...]:
    """Client Access servers whose site, line or build no input names (CAS-W844)."""
    return tuple(
        _left_out(server)
        for server in draft.client_access
        if not (server.site and server.product_line and server.build)
    )


def judge_exported(
    draft: Draft, topology: Topology, state: State, book: RuleBook, catalogue: Catalogue
) -> list[PathJudgement]:
    """Every path, `unknown` where the verdict hangs on a rollup that no export names."""
    inexact = {server.name for server in draft.client_access if not server.build_is_exact}

    def may_be(name: str) -> tuple[Build, ...]:
        build = state.builds[name]
        return (catalogue.updates_of(build) or (build,)) if name in inexact else (build,)

    found = []
    for path in topology.paths:
        target = topology.pools[path.target]
        decision = route(path.source, path.target, path.protocol, state.mode(target, path.protocol))
        pairs = []
        for one in topology.pools[path.source].servers:
            for other in target.servers:
                possible = [
                    book.judge_route(decision, path.protocol, s, t)
                    for s in may_be(one)
                    for t in may_be(other)
                ]
                pairs.append(PairJudgement(one, other, _agreed(possible)))
        worst = max(pairs, key=lambda p: (p.judgement.blocks, p.judgement.verdict.severity))
        found.append(PathJudgement(path, decision, worst.judgement, tuple(pairs)))
    return sorted(found, key=lambda f: (-f.worst.verdict.severity, -f.path.users, f.path))


def _agreed(possible: list[Judgement]) -> Judgement:
    if len({judgement.verdict for judgement in possible}) == 1:
        return possible[0]
    return Judgement(BUILD_NOT_EXACT.verdict, BUILD_NOT_EXACT)


def _sites(members: Mapping[PoolId, list[DraftServer]]) -> list[str]:
    return [pool.site for pool in members]


def _age(pool: PoolId) -> int:
    return PRODUCT_LINES.index(pool.product_line)


def _internet_facing(members: Mapping[PoolId, list[DraftServer]]) -> dict[str, PoolId]:
    """The newest pool of each site, where it has an ExternalUrl for OWA."""
    newest: dict[str, PoolId] = {}
    for pool in sorted(members, key=_age):
        newest[pool.site] = pool
    return {
        site: pool
        for site, pool in newest.items()
        if any(_owa_url(server) for server in members[pool])
    }


def _owa_url(server: DraftServer) -> str:
    directory = server.directories.get(Protocol.OWA)
    return directory.external_url if directory else ""


def _paths(
    members: Mapping[PoolId, list[DraftServer]],
    facing: Mapping[str, PoolId],
    mailboxes: Mapping[PoolId, int],
) -> list[ProxyPath]:
    return sorted(
        ProxyPath(source, target, Protocol.OWA, mailboxes.get(target, 0))
        for source in facing.values()
        for target in members
        if target != source
        and _age(target) <= _age(source)
        and (mailboxes.get(target, 0) or not mailboxes)
    )


def _server(server: DraftServer) -> Server:
    directory = server.directories.get(Protocol.OWA)
    return Server(
        server.name,
        PoolId(server.site, server.product_line),
        _MINUTES,
        directory.internal_url if directory else "",
    )


def _pool(pool: PoolId, servers: list[DraftServer], draft: Draft) -> Pool:
    return Pool(
        pool,
        tuple(server.name for server in servers),
        minimum_in_service=len(servers) - 1,
        mailboxes=draft.mailboxes.get(pool, 0),
    )


def _left_out(server: DraftServer) -> Diagnostic:
    missing = [
        word
        for word, there in (
            ("its site", server.site),
            ("its build", server.build),
            ("its product line", server.product_line),
        )
        if not there
    ]
    return Diagnostic(
        "CAS-W844",
        f"host {server.name}",
        f"left out of the verdicts: {' and '.join(missing)} is not known",
        server.place,
        "export Get-ExchangeServer with Site and AdminDisplayVersion",
        Severity.WARNING,
    )
