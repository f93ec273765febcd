"""Why no plan exists, in words that name every arc, rule and missing capability."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Sequence

from orchestrator.errors import NoPlanFound, NoSafePlan
from orchestrator.model.topology import Label, Protocol, Topology
from orchestrator.model.words import counted
from orchestrator.planner.capable import why_not
from orchestrator.planner.constraints import Arc, PathFacts
from orchestrator.planner.cycles import Sequences, cheapest_cut, find_cycle
from orchestrator.rules.engine import Judgement


def no_order(
    topology: Topology,
    arcs: Sequence[Arc],
    free: Collection[Label],
    sequence: Sequences = (),
    not_all: Collection[str] = (),
) -> NoSafePlan:
    """The shortest cycle among demands that no redirection can lift.

    Parameters
    ----------
    not_all : collection of str
        In how far the search for other orders was not whole, for people; empty if it was.
    """
    fixed = [arc for arc in arcs if arc.label not in free]
    cycle = find_cycle(fixed, sequence) or []
    start = "No safe plan found: by the fewest stops" if not_all else "No safe plan:"
    lines = [f"{start} these demands form a cycle, and no pool on it can be redirected."]
    found = []
    for ends in cycle:
        first, then = ends
        arc = next((a for a in fixed if (a.first, a.then) == ends), None)
        if arc is None:
            lines.append(f"  {first.pool} goes on to {then.new} from {first.new} only")
            continue
        found.append(arc)
        if first == then:
            lines.append(
                f"  on its way to {first.new} {first.pool} may show another build for minutes, or "
                f"stops on it, and then {arc.path} is {arc.judgement.verdict} by rule "
                f"{arc.judgement.rule.id} [{arc.judgement.rule.confidence}], whatever the order"
            )
            lines.append(
                f"    {arc.label} cannot be redirected meanwhile: {why_not(topology, arc.label)}"
            )
            continue
        lines.append(
            f"  {first} must change before {then}: otherwise {arc.path} is "
            f"{arc.judgement.verdict} by rule {arc.judgement.rule.id} "
            f"[{arc.judgement.rule.confidence}]"
        )
        lines.append(
            f"    {arc.label} cannot be redirected meanwhile: {why_not(topology, arc.label)}"
        )
    if not_all:
        lines.append(
            "Whether there is another order is not known, because the search ended by its limits: "
            f"{'; '.join(not_all)}."
        )
    remedy = "change both ends in one outage, hold one of the pools, or choose another goal build"
    if not_all:
        remedy += ", e.g. one in between, and plan on from there"
    cure = _cheapest_cure(topology, arcs, free, sequence)
    if cure:
        names = " and ".join(map(str, cure))
        users = sum(map(topology.users_of, cure))
        remedy = (
            f"publish {names} and set redirect_url there (the cheapest cure, "
            f"{counted(users, 'user')} would be redirected meanwhile); or {remedy}"
        )
    kind = NoPlanFound if not_all else NoSafePlan
    return kind("\n".join(lines), remedy, _diagram(topology, found))


def _not_redirected(topology: Topology, label: Label) -> str:
    return f"    {label} cannot be redirected meanwhile: {why_not(topology, label)}"


def _diagram(topology: Topology, cycle: Sequence[Arc]) -> str:
    """The cycle as Mermaid text: an arrow runs from what must change first."""
    ends = dict.fromkeys(change for arc in cycle for change in (arc.first, arc.then))
    nodes = {change: f"n{n}" for n, change in enumerate(ends)}
    lines = ["graph LR"]
    lines += [f'  {name}["{change.pool}<br/>{change.new}"]' for change, name in nodes.items()]
    lines += [
        f'  {nodes[one]} -->|"the same servers"| {nodes[other]}'
        for one, other in itertools.permutations(nodes, 2)
        if one.pool == other.pool and one.way and one.way == other.way and one.new == other.old
    ]
    for arc in cycle:
        rule = arc.judgement.rule
        text = f"{arc.path}<br/>{arc.judgement.verdict} by {rule.id} ({rule.confidence})"
        users = f"<br/>{topology.users_of(arc.label)} users come in by {arc.label}"
        lines.append(f'  {nodes[arc.first]} -->|"{text}{users}"| {nodes[arc.then]}')
    return "\n".join(lines) + "\n"


def _cheapest_cure(
    topology: Topology, arcs: Sequence[Arc], free: Collection[Label], sequence: Sequences
) -> list[Label]:
    """The labels to publish for a plan to exist, with the fewest users; empty if none would do."""
    owa = {
        arc.label
        for arc in arcs
        if arc.label.protocol is Protocol.OWA and not topology.pools[arc.label.pool].redirect_url
    }
    cut = cheapest_cut(
        arcs,
        owa | {*free},
        lambda label: 0 if label in free else topology.users_of(label),
        sequence,
    )
    return [label for label in cut.labels if label not in free] if cut else []


def bad_end(broken: Iterable[tuple[PathFacts, Judgement]], topology: Topology) -> NoSafePlan:
    """Paths the goal itself would leave broken, with both cures."""
    lines = ["No safe plan: the goal itself leaves paths that do not work."]
    for fact, judgement in broken:
        path = fact.path
        lines.append(
            f"  {path}, {counted(path.users, 'user')}: {judgement.verdict} by rule "
            f"{judgement.rule.id} [{judgement.rule.confidence}]: {judgement.rule.title}"
        )
        held = [str(p) for p in path[:2] if topology.pools[p].hold]
        why = f"; {', '.join(held)} is held" if held else ""
        lines.append(
            f"    either hold {path.source}, or redirect {path.label} for good "
            f"({topology.users_of(path.label)} users){why}"
        )
    return NoSafePlan(
        "\n".join(lines),
        "choose one of the two per path; an unknown verdict can be accepted by name "
        "(--accept RULE), it then has to be proved by a pilot",
    )
