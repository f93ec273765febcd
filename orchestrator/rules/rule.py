"""Compatibility rules as values: what a pair of builds does to a protocol, and who says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from orchestrator.model.build import Build, BuildRange
from orchestrator.model.schedule import DEFAULT_SWITCH_USER_HOURS
from orchestrator.model.topology import Protocol


class Verdict(StrEnum):
    """What is known of one pair in one state, from good to bad."""

    OK = "ok"
    ADVISORY = "advisory"
    UNKNOWN = "unknown"
    BROKEN = "broken"

    @property
    def severity(self) -> int:
        """0 for ok to 3 for broken."""
        return list(Verdict).index(self)


class Confidence(StrEnum):
    """How sure a statement is, as in the documentation."""

    DOC = "doc"
    """Microsoft text."""
    FIELD = "field"
    """Third-party write-up, or seen on this farm."""
    INFER = "infer"
    """Our inference."""
    OPEN = "open"
    """Looked for, not found."""


class Relation(StrEnum):
    """How the source's build compares with the target's."""

    ANY = "any"
    SAME = "same"
    SOURCE_OLDER = "source-older"
    SOURCE_NEWER = "source-newer"

    def holds(self, source: Build, target: Build) -> bool:
        """Whether the pair stands in this relation."""
        match self:
            case Relation.SAME:
                return source == target
            case Relation.SOURCE_OLDER:
                return source < target
            case Relation.SOURCE_NEWER:
                return source > target
            case Relation.ANY:
                return True


class Remedy(StrEnum):
    """What makes a pair work that a rule finds broken, without another order or redirection."""

    VERSION_FOLDER = "version-folder"
    """The source has a folder ``owa\\<exact build of the target>`` with the target's files."""


@dataclass(frozen=True)
class Symptom:
    """What people and logs show when the rule strikes."""

    user: str = ""
    event_id: int | None = None
    event_source: str = ""


@dataclass(frozen=True)
class Rule:
    """One statement about proxied pairs.

    Parameters
    ----------
    id, title : str
    protocols : frozenset of Protocol
    source, target : BuildRange
    relation : Relation
        A further condition on the two builds.
    verdict : Verdict
    confidence : Confidence
    symptom : Symptom
    references : tuple of str
        Where the statement comes from.
    place : str
        File and line of the rule.
    remedy : Remedy or None
        What lifts the verdict; it stands where that is missing.
    """

    id: str
    title: str
    protocols: frozenset[Protocol]
    source: BuildRange
    target: BuildRange
    verdict: Verdict
    confidence: Confidence
    references: tuple[str, ...]
    relation: Relation = Relation.ANY
    symptom: Symptom = field(default_factory=Symptom)
    place: str = ""
    remedy: Remedy | None = None

    def speaks_of(self, protocol: Protocol, source: Build, target: Build) -> bool:
        """Whether the rule says anything about this pair."""
        return (
            protocol in self.protocols
            and source in self.source
            and target in self.target
            and self.relation.holds(source, target)
        )


@dataclass(frozen=True)
class Policy:
    """What the operator decided: about rules, each by name, and what a switch counts as.

    Parameters
    ----------
    accepted : mapping of rule id to reason
        ``unknown`` rules the operator takes the risk of.
    strict : mapping of rule id to reason
        Rules to be treated as ``broken``, for instance because a pilot failed on this farm.
    switch_user_hours : int
        Hours times users of redirection that one switch of a redirection counts as.
    """

    accepted: Mapping[str, str] = field(default_factory=dict)
    strict: Mapping[str, str] = field(default_factory=dict)
    switch_user_hours: int = DEFAULT_SWITCH_USER_HOURS
