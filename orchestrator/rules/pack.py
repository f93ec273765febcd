"""A rule pack as written in YAML, checked and turned into rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
)

from orchestrator.model.build import Build, BuildRange
from orchestrator.model.topology import Protocol
from orchestrator.rules.rule import Confidence, Relation, Remedy, Rule, Symptom, Verdict


def _build(value: object) -> Build | None:
    if value is None or isinstance(value, Build):
        return value
    if not isinstance(value, str):
        raise ValueError(f"{value!r} was read as a number; put the build in quotes, all four parts")
    return Build.parse(value)


def _text(build: Build | None) -> str | None:
    return None if build is None else str(build)


_Bound = Annotated[
    Build | None,
    BeforeValidator(_build),
    PlainSerializer(_text),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "null"}]}),
]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


def _absent(value: object) -> bool:
    return value is None


class RangeEntry(_Strict):
    """Builds from ``at_least`` up to but without ``below``; absent is open."""

    at_least: _Bound = None
    below: _Bound = None


class SymptomEntry(_Strict):
    """What people and logs show when the rule strikes."""

    user: str = ""
    event_id: int | None = None
    event_source: str = ""


class RuleEntry(_Strict):
    """One rule as written; a rule without a reference is refused."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    title: str = Field(min_length=1)
    protocols: list[Protocol] = Field(min_length=1)
    source: RangeEntry
    target: RangeEntry
    relation: Relation = Relation.ANY
    verdict: Verdict
    confidence: Confidence
    symptom: SymptomEntry = Field(default_factory=SymptomEntry)
    remedy: Remedy | None = Field(
        None,
        exclude_if=_absent,
        description="what lifts the verdict: version-folder, the folder owa\\<build of the target> "
        "on the source",
    )
    references: list[str] = Field(min_length=1)


class _Pack(_Strict):
    pack: str
    references: dict[str, str]
    rules: list[RuleEntry]


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
    return rules_of(pack.rules, pack.references, pack.pack)


def rules_of(
    entries: Iterable[RuleEntry], references: Mapping[str, str] | None, place: str
) -> tuple[Rule, ...]:
    """Rules of checked entries.

    Parameters
    ----------
    references : mapping of name to text, or None
        None if the entries give the texts themselves.
    place : str
        Where the entries stand.

    Raises
    ------
    ValueError
        If two rules share an id or a reference is not listed.
    """
    seen: set[str] = set()
    rules = []
    for rule in entries:
        if rule.id in seen:
            raise ValueError(f"pack {place}: two rules are called {rule.id}")
        seen.add(rule.id)
        missing = [n for n in rule.references if references is not None and n not in references]
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
                references=tuple(references[n] if references else n for n in rule.references),
                place=place,
                remedy=rule.remedy,
            )
        )
    return tuple(rules)


def entry_of(rule: Rule) -> RuleEntry:
    """A rule as an entry that gives its references as texts; the opposite of `rules_of`."""
    return RuleEntry(
        id=rule.id,
        title=rule.title,
        protocols=sorted(rule.protocols),
        source=RangeEntry(at_least=rule.source.at_least, below=rule.source.below),
        target=RangeEntry(at_least=rule.target.at_least, below=rule.target.below),
        relation=rule.relation,
        verdict=rule.verdict,
        confidence=rule.confidence,
        symptom=SymptomEntry(
            user=rule.symptom.user,
            event_id=rule.symptom.event_id,
            event_source=rule.symptom.event_source,
        ),
        remedy=rule.remedy,
        references=list(rule.references),
    )
