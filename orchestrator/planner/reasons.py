"""Why a step stands where it stands, in a sentence a change board understands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from orchestrator.model.topology import PoolId
from orchestrator.planner.constraints import Arc, Moment, PathFacts


def change_reason(pool: PoolId, facts: Iterable[PathFacts], arcs: Sequence[Arc]) -> str:
    """Why a pool changes before or after others."""
    sentences = [
        f"Repairs {fact.path}, which is broken today ({', '.join(_broken_by(fact))})"
        for fact in facts
        if fact.repairer == pool
    ]
    sentences += [
        f"After {fact.repairer}, which repairs {fact.path}"
        for fact in facts
        if fact.repairer not in (None, pool) and pool in fact.path[:2]
    ]
    sentences += [
        f"Before {arc.then}: otherwise {arc.path} is {arc.judgement.verdict} "
        f"({arc.judgement.rule.id})"
        for arc in arcs
        if arc.first == pool
    ]
    sentences += [
        f"After {arc.first}: otherwise {arc.path} is {arc.judgement.verdict} "
        f"({arc.judgement.rule.id})"
        for arc in arcs
        if arc.then == pool
    ]
    return "; ".join(sentences) or "No rule asks for an order here"


def rules_of(pool: PoolId, facts: Iterable[PathFacts], arcs: Iterable[Arc]) -> tuple[str, ...]:
    """Ids of the rules behind `change_reason`."""
    ids = {arc.judgement.rule.id for arc in arcs if pool in (arc.first, arc.then)}
    for fact in facts:
        if fact.repairer == pool:
            ids |= set(_broken_by(fact))
    return tuple(sorted(ids))


def _broken_by(fact: PathFacts) -> list[str]:
    return sorted(
        {
            pair.judgements[Moment.BEFORE].rule.id
            for pair in fact.pairs
            if pair.blocks(Moment.BEFORE)
        }
    )
