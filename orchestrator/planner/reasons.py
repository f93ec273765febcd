"""Why a step stands where it stands, in a sentence a change board understands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from orchestrator.planner.constraints import Arc, PathFacts
from orchestrator.planner.way import Change


def change_reason(change: Change, facts: Iterable[PathFacts], arcs: Sequence[Arc]) -> str:
    """Why servers change before or after others."""
    sentences = []
    for fact in facts:
        for first, then in fact.repairers:
            if first == change:
                rules = ", ".join(_broken_by(fact, change))
                sentences.append(f"Repairs {fact.path}, which is broken today ({rules})")
            elif then == change:
                sentences.append(f"After {first}, which repairs {fact.path}")
    sentences += [
        f"Before {arc.then}: otherwise {_otherwise(arc)}" for arc in arcs if arc.first == change
    ]
    sentences += [
        f"After {arc.first}: otherwise {_otherwise(arc)}" for arc in arcs if arc.then == change
    ]
    return "; ".join(dict.fromkeys(sentences)) or "No rule asks for an order here"


def rules_of(change: Change, facts: Iterable[PathFacts], arcs: Iterable[Arc]) -> tuple[str, ...]:
    """Ids of the rules behind `change_reason`."""
    ids = {arc.judgement.rule.id for arc in arcs if change in (arc.first, arc.then)}
    for fact in facts:
        ids |= set(_broken_by(fact, change))
    return tuple(sorted(ids))


def _otherwise(arc: Arc) -> str:
    return f"{arc.path} is {arc.judgement.verdict} ({arc.judgement.rule.id})"


def _broken_by(fact: PathFacts, repairer: Change) -> list[str]:
    return sorted(
        {
            pair.grid.at((0, 0)).rule.id
            for pair in fact.pairs
            if fact.proxied_before and pair.mended_by == repairer
        }
    )
