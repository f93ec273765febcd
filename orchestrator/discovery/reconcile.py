"""Declared, read and logged side by side: what agrees, what differs, and what nobody knows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from orchestrator.discovery.draft import Draft, DraftServer
from orchestrator.discovery.evidence import Evidence, Meaning, PathEvidence, host_name
from orchestrator.discovery.from_facts import covered
from orchestrator.discovery.redirects import RedirectCheck, capability
from orchestrator.model.state import AccessMode, State
from orchestrator.model.topology import PoolId, Protocol, Topology
from orchestrator.model.words import counted

NONE = "none"


class Standing(StrEnum):
    """How what was declared stands to what was found."""

    AGREES = "agrees"
    DIFFERS = "differs"
    UNKNOWN = "unknown"
    """Nothing was found that could say; never the same as agreeing."""


@dataclass(frozen=True)
class Row:
    """One thing, by everybody who says something of it.

    Parameters
    ----------
    kind : str
        Stable: ``server``, ``build``, ``site``, ``external-url``, ``internal-url``, ``pool``,
        ``partly-redirected``, ``path``, ``redirect``.
    subject : str
        ``par-cas-01``, ``pool berlin/2010``, ``paris/2010 -> berlin/2010``.
    declared, read, logged : str
        Empty where nobody said anything.
    standing : Standing
    note : str
        What it means or what to do, for a person.
    """

    kind: str
    subject: str
    declared: str
    read: str
    logged: str
    standing: Standing
    note: str = ""


@dataclass(frozen=True)
class Findings:
    """What was found besides what is declared; None for what was not looked at.

    Parameters
    ----------
    draft : Draft or None
        Read from the hosts.
    not_read : sequence of str
        Hosts that were asked and did not answer.
    evidence : Evidence or None
        Of logs.
    redirects : mapping of PoolId to checks, or None
        Made just now.
    """

    draft: Draft | None = None
    not_read: Sequence[str] = ()
    evidence: Evidence | None = None
    redirects: Mapping[PoolId, Sequence[RedirectCheck]] | None = None


def reconcile(topology: Topology, declared: State, found: Findings) -> list[Row]:
    """Hold an inventory against what was found.

    Parameters
    ----------
    topology : Topology
        As declared.
    declared : State
    found : Findings

    Returns
    -------
    list of Row
        Servers, pools, paths, redirect capability; each sorted by name.
    """
    rows: list[Row] = []
    if found.draft is not None:
        rows += _servers(topology, declared, found)
        rows += _pools(found.draft)
    if found.evidence is not None:
        rows += _paths(topology, declared, found.draft, found.evidence)
    rows += _redirects(topology, found)
    return rows


def _servers(topology: Topology, declared: State, found: Findings) -> Iterable[Row]:
    assert found.draft is not None  # noqa: S101 - said of the caller
    read = {server.name: server for server in found.draft.servers}
    logged = _logged_builds(found.evidence)
    for name in sorted({*topology.servers, *read}):
        server = read.get(name)
        if name not in topology.servers:
            assert server is not None  # noqa: S101 - it is in one of the two
            if covered(server):
                yield _row("server", name, NONE, _where(server), note="nobody declared it")
        elif server is None:
            note = "was asked and did not answer" if name in found.not_read else "was not asked"
            pool = str(topology.servers[name].pool)
            yield Row("server", name, pool, "", "", Standing.UNKNOWN, f"{note}: nothing is known")
        else:
            yield from _server(topology, declared, server, logged.get(name, ""))


def _server(
    topology: Topology, declared: State, server: DraftServer, logged_build: str
) -> Iterable[Row]:
    name = server.name
    site = topology.servers[name].pool.site
    yield _row("site", name, site, server.site, note="the pool it belongs to is another one")
    build = _row("build", name, str(declared.builds[name]), str(server.build), logged_build)
    if logged_build and logged_build != str(server.build):
        build = Row(**{**build.__dict__, "note": "its log shows an earlier build"})
    yield build
    owa = server.directories.get(Protocol.OWA)
    if owa is None:
        yield _row("internal-url", name, "OWA", NONE, note="it has no OWA virtual directory")
        return
    external = declared.external_urls.get((name, Protocol.OWA), "")
    yield _row(
        "external-url",
        name,
        external or NONE,
        owa.external_url or NONE,
        note="whether its pool is proxied to or redirected to hangs on it",
    )
    internal = topology.servers[name].internal_url
    yield _row("internal-url", name, internal or NONE, owa.internal_url or NONE)


def _pools(draft: Draft) -> Iterable[Row]:
    """Servers of one pool that are not alike."""
    pools: dict[PoolId, list[DraftServer]] = {}
    for server in draft.client_access:
        pools.setdefault(PoolId(server.site, server.product_line), []).append(server)
    for pool, servers in sorted(pools.items()):
        subject = f"pool {pool}"
        builds = {s.name: str(s.build) for s in servers}
        if len(set(builds.values())) > 1:
            note = "some requests go to the one and some to the other"
            yield Row("pool", subject, "", _by_value("build", builds), "", Standing.DIFFERS, note)
        yield from _directories(subject, servers)


def _directories(subject: str, servers: Sequence[DraftServer]) -> Iterable[Row]:
    for protocol in Protocol:
        found = {s.name: s.directories[protocol] for s in servers if protocol in s.directories}
        urls = {name: directory.external_url for name, directory in found.items()}
        if any(urls.values()) and not all(urls.values()):
            have = ", ".join(sorted(name for name, url in urls.items() if url))
            lack = ", ".join(sorted(name for name, url in urls.items() if not url))
            yield Row(
                "partly-redirected",
                subject,
                "",
                f"{protocol} ExternalUrl on {have}, not on {lack}",
                "",
                Standing.DIFFERS,
                "undefined: a source redirects or proxies, whichever server it looks at; set it on "
                "every server of the pool or on none",
            )
        elif len(set(urls.values())) > 1:
            yield _unlike(subject, f"{protocol} ExternalUrl", urls)
        ways = {name: "+".join(d.authentication) or NONE for name, d in found.items()}
        if len(set(ways.values())) > 1:
            yield _unlike(subject, f"{protocol} authentication", ways)
        types = {name: d.cross_site_redirect_type or NONE for name, d in found.items()}
        if len(set(types.values())) > 1:
            yield _unlike(subject, f"{protocol} CrossSiteRedirectType", types)


def _unlike(subject: str, what: str, values: Mapping[str, str]) -> Row:
    note = "servers of one pool should be alike: any of them may be asked"
    return Row("pool", subject, "", _by_value(what, values), "", Standing.DIFFERS, note)


def _by_value(what: str, values: Mapping[str, str]) -> str:
    names: dict[str, list[str]] = {}
    for name, value in sorted(values.items()):
        names.setdefault(value, []).append(name)
    return f"{what} " + "; ".join(f"{value}: {', '.join(n)}" for value, n in names.items())


def _paths(
    topology: Topology, state: State, draft: Draft | None, evidence: Evidence
) -> Iterable[Row]:
    pools = _pools_of_hosts(topology, draft)
    seen: dict[tuple[str, str], list[PathEvidence]] = {}
    for path in evidence.paths:
        source, target = (
            str(pools.get(host_name(name), f"unknown server {name}"))
            for name in (path.source, path.target)
        )
        seen.setdefault((source, target), []).append(path)
    heard = {str(pools[n]) for n in _logging_servers(evidence) if n in pools}
    cookies = _cookie_events(evidence, pools)
    for declared in topology.paths:
        key = (str(declared.source), str(declared.target))
        found = seen.pop(key, [])
        logged = "; ".join(filter(None, (_sightings(found), cookies.get(key[0], ""))))
        mode = state.mode(topology.pools[declared.target], declared.protocol)
        standing, note = _declared_path(mode, found=bool(found), heard=key[1] in heard)
        subject = f"{key[0]} -> {key[1]}"
        yield Row("path", subject, counted(declared.users, "user"), "", logged, standing, note)
    for (source, target), found in sorted(seen.items()):
        note = "nobody declared it: plans do not keep it working; add it to paths"
        if source.startswith("unknown server"):
            note = "its source is no server that is known; an address of a balancer hides it (SNAT)"
        subject = f"{source} -> {target}"
        yield Row("path", subject, NONE, "", _sightings(found), Standing.DIFFERS, note)


def _declared_path(mode: AccessMode, *, found: bool, heard: bool) -> tuple[Standing, str]:
    """What the logs make of a declared path."""
    if mode is AccessMode.REDIRECT:
        if found:
            note = "proxied in the log, although its target is declared as redirected to"
            return Standing.DIFFERS, note
        return Standing.UNKNOWN, "redirected as declared: logs of proxying cannot show it"
    if found:
        return Standing.AGREES, ""
    if heard:
        note = "never seen in the logs of its target: unused, redirected, or hidden by SNAT"
        return Standing.DIFFERS, note
    return Standing.UNKNOWN, "no log of a server of the target was read, so nothing can be said"


def _pools_of_hosts(topology: Topology, draft: Draft | None) -> dict[str, PoolId]:
    """Pools by host name; what was read goes before what was declared."""
    found = {host_name(name): server.pool for name, server in topology.servers.items()}
    for server in draft.servers if draft is not None else ():
        found[host_name(server.name)] = PoolId(server.site, server.product_line)
    return found


def _logging_servers(evidence: Evidence) -> set[str]:
    """Servers whose IIS logs were read."""
    return {
        *(host_name(path.target) for path in evidence.paths),
        *(host_name(people.server) for people in evidence.users),
    }


def _sightings(found: Sequence[PathEvidence]) -> str:
    if not found:
        return ""
    total = found[0].sighting
    for path in found[1:]:
        total += path.sighting
    since = (
        f", {total.first:%Y-%m-%d} to {total.last:%Y-%m-%d}" if total.first and total.last else ""
    )
    return f"{total.count} proxied log-ons{since}"


def _cookie_events(evidence: Evidence, pools: Mapping[str, PoolId]) -> dict[str, str]:
    """Event 4999 by source pool: at least one path of it is broken."""
    found: dict[str, list[str]] = {}
    for event in evidence.events:
        name = host_name(event.server)
        if event.meaning is Meaning.COOKIE and name in pools:
            said = f"event {event.event_id} at {name} ({event.sighting.count} at least)"
            found.setdefault(str(pools[name]), []).append(said)
    return {pool: ", ".join(sorted(said)) for pool, said in found.items()}


def _logged_builds(evidence: Evidence | None) -> dict[str, str]:
    newest: dict[str, tuple[float, str]] = {}
    for seen in evidence.builds if evidence is not None else ():
        when = seen.sighting.last.timestamp() if seen.sighting.last else 0.0
        name = host_name(seen.server)
        newest[name] = max(newest.get(name, (-1.0, "")), (when, str(seen.build)))
    return {name: build for name, (_, build) in newest.items()}


def _redirects(topology: Topology, found: Findings) -> Iterable[Row]:
    for pool_id, pool in sorted(topology.pools.items()):
        if not pool.redirect_url:
            continue
        checks = (found.redirects or {}).get(pool_id, ())
        said = f"{pool.redirect_url}, " + (pool.redirect_evidence or "without evidence")
        result = capability(checks)
        standing = {True: Standing.AGREES, False: Standing.DIFFERS, None: Standing.UNKNOWN}
        text = "\n".join(map(str, checks))
        subject = f"pool {pool_id}"
        yield Row("redirect", subject, said, text, "", standing[result.shown], result.why)


def _row(
    kind: str, subject: str, declared: str, read: str, logged: str = "", note: str = ""
) -> Row:
    same = declared == read
    standing = Standing.AGREES if same else Standing.DIFFERS
    return Row(kind, subject, declared, read, logged, standing, "" if same else note)


def _where(server: DraftServer) -> str:
    return f"{server.site}/{server.product_line}, {server.build}"
