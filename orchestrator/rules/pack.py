"""A rule pack as written in YAML, checked and turned into rules."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from orchestrator.model.build import Build
from orchestrator.model.topology import Protocol
from orchestrator.rules.rule import BuildRange, Confidence, Relation, Rule, Symptom, Verdict


def _build(value: object) -> Build | None:
    if value is None or isinstance(value, Build):
        return value
    if not isinstance(value, str):
        raise ValueError(f"{value!r} was read as a number; put the build in quotes, all four parts")
    return Build.parse(value)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)


class _Range(_Strict):
    at_least: Annotated[Build | None, BeforeValidator(_build)] = None
    below: Annotated[Build | None, BeforeValidator(_build)] = None


class _Symptom(_Strict):
    user: str = ""
    event_id: int | None = None
    event_source: str = ""


class _Rule(_Strict):
    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    title: str = Field(min_length=1)
    protocols: list[Protocol] = Field(min_length=1)
    source: _Range
    target: _Range
    relation: Relation = Relation.ANY
    verdict: Verdict
    confidence: Confidence
    symptom: _Symptom = Field(default_factory=_Symptom)
    references: list[str] = Field(min_length=1)


class _Pack(_Strict):
    pack: str
    references: dict[str, str]
    rules: list[_Rule]


def parse_pack(document: Any) -> tuple[Rule, ...]:
    """Turn a loaded pack into rules.

    Parameters
    ----------
    document : object
        What a YAML loader made of the file.

    Raises
    ------
    pydantic.ValidationError
        With the path of every field that does not fit; a rule without a reference is refused.
    ValueError
        If two rules share an id or a reference is not listed.
    """
    pack = _Pack.model_validate(document)
    seen: set[str] = set()
    rules = []
    for rule in pack.rules:
        if rule.id in seen:
            raise ValueError(f"pack {pack.pack}: two rules are called {rule.id}")
        seen.add(rule.id)
        missing = [name for name in rule.references if name not in pack.references]
        if missing:
            raise ValueError(f"rule {rule.id}: reference {missing[0]} is not listed in the pack")
        rules.append(
            Rule(
                id=rule.id,
                title=rule.title,
                protocols=frozenset(rule.protocols),
                source=BuildRange(rule.source.at_least, rule.source.below),
                target=BuildRange(rule.target.at_least, rule.target.below),
                relation=rule.relation,
                verdict=rule.verdict,
                confidence=rule.confidence,
                symptom=Symptom(**rule.symptom.model_dump()),
                references=tuple(pack.references[name] for name in rule.references),
                place=pack.pack,
            )
        )
    return tuple(rules)
