"""The shape of plan.json, version 2: what is written is what is read, byte for byte.

Its JSON Schema is shipped as ``orchestrator/schemas/plan.schema.json``.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.dataclasses import dataclass

from orchestrator.model.plan import Outcome, StepKind
from orchestrator.model.topology import Protocol
from orchestrator.rules.in_force import DEFAULT_PACK
from orchestrator.rules.pack import RuleEntry

FORMAT_VERSION: Literal[2] = 2
"""Raised with every change after which plans written before are not read any more."""


class Part(BaseModel):
    """Nothing unknown is accepted, nothing read can be changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _empty(value: object) -> bool:
    return not value


class SiteDoc(Part):
    """A site."""

    name: str
    internet_facing: bool
    domain_controller: str


class ServerDoc(Part):
    """A server with its build and ExternalURLs by protocol at the start."""

    name: str
    estimated_minutes: int = Field(ge=0)
    internal_url: str
    management_host: str
    build: str
    external_urls: dict[Protocol, str]
    version_folders: list[str] = Field(
        default_factory=list,
        exclude_if=_empty,
        description="builds whose folder owa\\<build> the server has, as far as a rule asks for it",
    )


class BalancedDoc(Part):
    """Servers of a pool behind one load-balanced name, some of which keep serving."""

    name: str
    servers: list[str]
    minimum_in_service: int = Field(ge=1)


class PoolDoc(Part):
    """A pool and its servers."""

    site: str
    product_line: str
    servers: list[ServerDoc]
    minimum_in_service: int = Field(ge=0)
    redirect_url: str
    redirect_evidence: str
    outage_consent: bool
    hold: str
    test_mailbox: str
    mailboxes: int = Field(ge=0)
    balanced: list[BalancedDoc] = Field(
        default_factory=list,
        description="load-balanced names inside the pool; each keeps a minimum of its own",
    )


class PathDoc(Part):
    """A proxied path; pools are written ``site/product line``."""

    source: str
    target: str
    protocol: Protocol
    users: int = Field(ge=0)


class RangeDoc(Part):
    """Builds from ``at_least`` up to but without ``below``; absent is open."""

    at_least: str | None = None
    below: str | None = None


class PackageDoc(Part):
    """An update package as the servers reach it."""

    build: str
    path: str
    sha256: str
    patch_code: str
    kb: str
    onto: RangeDoc | None = Field(
        None,
        description="builds it may be installed onto; default: a rollup onto its own service pack, "
        "a service pack onto every earlier build",
    )
    minutes: int = Field(
        0, ge=0, description="what it takes on a server; 0: as any change of that server"
    )


class TopologyDoc(Part):
    """What exists, and the state the plan starts from."""

    organization: str
    replication_minutes: int = Field(ge=0)
    sites: list[SiteDoc]
    pools: list[PoolDoc]
    paths: list[PathDoc]
    packages: list[PackageDoc]


class RuleDoc(Part):
    """A rule some state of the plan rests on, or that asked for an order."""

    id: str
    title: str
    verdict: str
    confidence: str
    references: list[str]


class RulesInForceDoc(Part):
    """All rules the plan was made under, so that it can be checked again under the same."""

    packs: list[str] = Field(default=[DEFAULT_PACK], description="shipped rule packs, by name")
    own: list[RuleEntry] = Field(
        default_factory=list, description="rules of the organisation, with their sources"
    )


class PolicyDoc(Part):
    """What the operator decided about rules, id to reason, and what a switch counts as."""

    accepted: dict[str, str]
    strict: dict[str, str]
    switch_user_hours: int = Field(ge=0)


class EvidenceDoc(Part):
    """What the independent checker looked at before this was written."""

    paths: int
    states: int
    violations: int
    broken_at_start: list[str]
    leans_on: list[str]


# No Part: there may be a hundred thousand, and with slots one takes a tenth of the memory.
@dataclass(frozen=True, slots=True, config=ConfigDict(extra="forbid"))
class ProbeDoc:
    """A path, looked at through each of some servers of its source pool."""

    source: Annotated[str, Field(description="pool, site/product line")]
    target: Annotated[str, Field(description="pool, site/product line")]
    protocol: Protocol
    expect: list[Outcome]
    through: Annotated[
        Literal["all", "step"] | list[str],
        Field(description="servers of the source pool: all, those of this step, or these"),
    ]
    answering: Annotated[
        Literal["all"] | list[str],
        Field(description="servers of the target pool that must be seen: all, or these"),
    ]
    redirect_url: str
    may_break: bool


class OutageDoc(Part):
    """Planned unavailability of a whole pool."""

    minutes: int
    users: int


class StepDoc(Part):
    """One step; ``after`` alone decides order."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    kind: StepKind
    site: str
    product_line: str
    protocols: list[Protocol]
    servers: list[str]
    from_build: str | None
    to_build: str | None
    passes: list[str] = Field(
        default_factory=list, description="builds that may answer while the step runs"
    )
    after: list[str]
    estimated_minutes: int = Field(ge=0)
    reversible: bool
    irreversible_because: str
    rules: list[str]
    reason: str
    pilot: bool
    outage: OutageDoc | None
    prior_urls: dict[str, str]
    new_urls: dict[str, str]
    folder: str | None = Field(
        None,
        exclude_if=_empty,
        description="the build whose version folder the servers get (copy-owa-resources)",
    )
    origins: list[str] = Field(
        default_factory=list, exclude_if=_empty, description="servers it is copied from"
    )
    probes: list[ProbeDoc]


Moment = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}Z$")]
"""A whole minute in UTC: ``2026-11-07T21:00Z``."""


class CalendarDoc(Part):
    """Sites with the same windows; each window is ``[start, end)``."""

    sites: list[str]
    zone: str
    windows: list[tuple[Moment, Moment]]


class TimedStepDoc(Part):
    """When a step runs, its verification included; ``window`` is the one it runs in."""

    id: str
    start: Moment
    end: Moment
    reserve_minutes: int = Field(ge=0)
    window: tuple[Moment, Moment]


class ScheduleDoc(Part):
    """When the steps run; `after` still decides order."""

    zone: str
    max_parallel: int = Field(ge=1)
    reserve_minutes: int | None = Field(ge=0)
    verification_minutes: int = Field(ge=0)
    begin: Moment
    bound_end: Moment
    bound_because: str
    user_minutes: int = Field(ge=0)
    user_minutes_bound: int = Field(ge=0)
    calendars: list[CalendarDoc]
    steps: list[TimedStepDoc]


class PlanDoc(Part):
    """plan.json."""

    format_version: Literal[2]
    purpose: Literal["change", "rollback"]
    goals: dict[str, str]
    topology: TopologyDoc
    policy: PolicyDoc
    rules_in_force: RulesInForceDoc
    rules: list[RuleDoc]
    evidence: EvidenceDoc
    remarks: list[str]
    steps: list[StepDoc]
    schedule: ScheduleDoc | None = None
