"""The state a plan shall reach: from goal builds, or from a state to go back to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from orchestrator.diagnostic import Diagnostic
from orchestrator.errors import InvalidInput
from orchestrator.model.build import Build, Catalogue
from orchestrator.model.state import State
from orchestrator.model.topology import ProxyPath, Topology
from orchestrator.planner.stops import hops
from orchestrator.rules.engine import RuleBook

FIRST_OF_CUMULATIVE_UPDATES = 15
"""Major build from which an update is the whole product: set-up has no way back from it [doc]."""


def goal_state(
    topology: Topology, start: State, goals: Mapping[str, Build], catalogue: Catalogue
) -> State:
    """The start with every pool of a goal's product line on the goal's build.

    Parameters
    ----------
    topology : Topology
    start : State
    goals : mapping of product line to Build
        A line without a goal stays; so does a pool that is held.
    catalogue : Catalogue

    Raises
    ------
    InvalidInput
        With every reason why a server cannot reach its goal.
    """
    findings: list[Diagnostic] = []
    wanted: dict[str, Build] = {}
    lines = {pool.product_line for pool in topology.pools}
    for line in sorted(set(goals) - lines):
        findings.append(
            Diagnostic("CAS-E301", f"goal {goals[line]}", f"no server here runs Exchange {line}")
        )
    for pool in topology.pools.values():
        goal = goals.get(pool.id.product_line)
        if goal is None or pool.hold:
            continue
        for name in pool.servers:
            finding = _unreachable(topology, name, start.builds[name], goal, catalogue)
            if finding:
                findings.append(finding)
            wanted[name] = goal
    needed = {goal for name, goal in wanted.items() if start.builds[name] != goal}
    for build in sorted(needed - set(topology.packages)):
        findings.append(
            Diagnostic(
                "CAS-E304",
                f"package {build}",
                f"{catalogue.name(build)} is to be installed and no package of it is listed",
                remedy=f'add packages: {{"{build}": {{path, sha256, patch_code}}}}',
            )
        )
    if findings:
        raise InvalidInput(findings)
    return start.with_builds(wanted)


def last_sound_state(
    topology: Topology,
    states: Iterable[State],
    now: State,
    book: RuleBook,
    accepted_paths: frozenset[str],
) -> State:
    """The earliest of the given states that breaks nothing which works now: where a rollback goes.

    What is broken now does not hold it up: going back takes nothing away there. If every state
    breaks something it stays as it is now.

    Parameters
    ----------
    states : iterable of State
        From before the plan to its end; asked for one by one.
    now : State
        As read.
    accepted_paths : frozenset of str
        Paths, as written by `ProxyPath`, that may be broken again because somebody said so.
    """
    for state in states:
        broken = [p for p in book.broken_paths(topology, state) if str(p) not in accepted_paths]
        if all(_works_nowhere_more(topology, path, state, now, book) for path in broken):
            return state
    return now


def _works_nowhere_more(
    topology: Topology, path: ProxyPath, state: State, now: State, book: RuleBook
) -> bool:
    """Whether every server pair of a path that is broken in a state is broken now."""
    pairs = (book.judge_path(topology, each, path).pairs for each in (state, now))
    return all(
        there.judgement.blocks or not here.judgement.blocks
        for here, there in zip(*pairs, strict=True)
    )


def _unreachable(
    topology: Topology, name: str, build: Build, goal: Build, catalogue: Catalogue
) -> Diagnostic | None:
    if build > goal:
        return Diagnostic(
            "CAS-E302",
            f"host {name}",
            f"is on {catalogue.name(build)} ({build}), newer than the goal "
            f"{catalogue.name(goal)} ({goal})",
            remedy="choose a newer goal, or hold the pool",
        )
    if build == goal or hops(topology, build, goal, catalogue):
        return None
    package = topology.packages.get(goal)
    if package and package.onto:
        message = f"no packages lead from there to {catalogue.name(goal)}: `onto` allows none"
        remedy = "list a package in between, or mend `onto` of those listed"
    elif build.service_pack_level == goal.service_pack_level or catalogue.is_service_pack(goal):
        return None  # only its own package is missing, which is said once for all servers
    else:
        message = (
            f"{catalogue.name(goal)} is a rollup of another service pack and needs that service "
            "pack first; no package is listed that brings it there"
        )
        remedy = (
            "list the package of the service pack under packages (there is no way back from it), "
            "or hold the pool"
        )
    where = f"is on {catalogue.name(build)} ({build}); {message}"
    return Diagnostic("CAS-E303", f"host {name}", where, remedy=remedy)


def irreversible_because(topology: Topology, old: Build, new: Build, catalogue: Catalogue) -> str:
    """Why a change from old to new could not be taken back; empty if it can.

    A rollup is removed by its patch code; what is left is read again, and if it is not the old
    build, the old build's package is installed.
    """
    package = topology.packages.get(max(old, new))
    if old.service_pack_level != new.service_pack_level:
        return "a service pack cannot be removed"
    if max(old, new).major >= FIRST_OF_CUMULATIVE_UPDATES and old[:3] != new[:3]:
        return "a cumulative update cannot be removed"
    if package is None or not package.patch_code:
        return f"no patch code is listed for {catalogue.name(max(old, new))}: it cannot be removed"
    lower = min(old, new)
    release = catalogue.release(lower)
    if (release is None or release.rollup) and lower not in topology.packages:
        return (
            f"no package is listed for {catalogue.name(lower)}: if the removal leaves an older "
            "build, it cannot be installed again"
        )
    return ""
