"""The document organization.yml as a model; its JSON Schema is made from here."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from orchestrator.model.build import PRODUCT_LINES
from orchestrator.model.schedule import DEFAULT_SWITCH_USER_HOURS, MOST_SWITCH_USER_HOURS
from orchestrator.model.topology import Protocol

MOST_USERS = 100_000_000
SITE_NAME = r"^[A-Za-z0-9_-]{1,63}$"
MAILBOX = r"^[^@\s]+@[^@\s]+$"
REDIRECT_URL = r"^https://[^/\s@?#]+/[oO][wW][aA]$"
SHA256 = r"^[0-9A-Fa-f]{64}$"
PATCH_CODE = r"^\{[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}$"
WINDOWS_PATH = r"^(\\\\[^\\/\s]+\\[^\\/]+|[A-Za-z]:)\\.+$"
KNOWLEDGE_BASE = r"^(KB)?[0-9]{6,8}$"


def _as_text(value: object) -> object:
    """2010 without quotes is a number in YAML; here it is a name."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


_LINES: list[str | int] = [*PRODUCT_LINES, *(int(n) for n in PRODUCT_LINES if n.isdigit())]
ProductLine = Annotated[
    Literal["2007", "2010", "2013", "2016", "2019", "SE"],
    BeforeValidator(_as_text),
    WithJsonSchema({"enum": _LINES, "description": "Exchange product line"}),
]
SiteName = Annotated[str, Field(pattern=SITE_NAME)]
Reason = Annotated[str, Field(min_length=3)]
RuleId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class SiteEntry(_Strict):
    """An Active Directory site."""

    internet_facing: bool = Field(default=False, description="clients from outside arrive here")
    domain_controller: str = Field(
        "", description="where its changed URLs are written and read back; empty: any"
    )


class Evidence(_Strict):
    """A dated test of the external name from inside and outside."""

    date: str = Field(pattern=r"^\d{4}-\d{2}-\d{2}$", description="day of the test, 2012-04-23")
    text: str = Field(min_length=3, description="what was tested by whom")


class BalancedEntry(_Strict):
    """Servers of a pool behind one load-balanced name."""

    name: str = Field(min_length=1, description="as clients and other servers call it")
    servers: list[str] = Field(min_length=2, description="as the inventory names them")
    minimum_in_service: int | None = Field(
        None, ge=1, le=1000, description="of them; default: all but one"
    )


class PoolEntry(_Strict):
    """The Client Access servers of one product line in one site."""

    site: SiteName
    product_line: ProductLine
    minimum_in_service: int | None = Field(
        None,
        ge=0,
        le=1000,
        description="servers that keep serving while others change; default: all but one, with "
        "balanced names what these leave",
    )
    balanced: list[BalancedEntry] = Field(
        default_factory=list,
        description="load-balanced names inside the pool; each keeps a minimum of its own",
    )
    redirect_url: str = Field(
        "",
        pattern=f"^$|{REDIRECT_URL}",
        description="ExternalUrl for a temporary OWA redirection; absent: it cannot be published",
    )
    redirect_evidence: Evidence | None = Field(
        None, description="that clients resolve, reach and trust the name of redirect_url"
    )
    outage_consent: bool = Field(
        default=False,
        description="the owner agrees that the pool falls to zero while it is updated",
    )
    hold: str = Field("", description="why the pool stays at its build; absent: it may change")
    test_mailbox: str = Field(
        "", pattern=f"^$|{MAILBOX}", description="address of a mailbox in this pool for probes"
    )
    mailboxes: int = Field(
        0, ge=0, le=MOST_USERS, description="weight of the paths derived for this pool"
    )


class PathEntry(_Strict):
    """Traffic that a source pool forwards for mailboxes of a target pool."""

    source: SiteName
    target: SiteName
    product_line: ProductLine
    source_product_line: ProductLine | None = Field(
        None, description="default: the newest line at the source"
    )
    protocol: Protocol = Field(Protocol.OWA, strict=False)
    users: int = Field(ge=0, le=MOST_USERS)


class OntoEntry(_Strict):
    """Builds from `at_least` up to but without `below`, each a build or a name."""

    at_least: str | None = Field(None, description="absent: from the first")
    below: str | None = Field(None, description="absent: to the last")


class PackageEntry(_Strict):
    """An update package as the servers reach it."""

    path: str = Field(pattern=WINDOWS_PATH, description="as the target server sees it")
    sha256: str = Field(pattern=SHA256)
    kb: Annotated[str, BeforeValidator(_as_text)] = Field("", pattern=f"^$|{KNOWLEDGE_BASE}")
    patch_code: str = Field("", pattern=f"^$|{PATCH_CODE}", description="what removal needs")
    onto: OntoEntry | None = Field(
        None,
        description="builds it may be installed onto; absent: a rollup onto its own service pack, "
        "a service pack onto every earlier build",
    )
    minutes: int = Field(
        0,
        ge=0,
        le=7 * 24 * 60,
        description="what it takes on a server; absent: as any change of that server",
    )


class RuleDecision(_Strict):
    """A decision about one rule, with the reason a change board will ask for."""

    rule: RuleId
    reason: Reason


class PolicyEntry(_Strict):
    """What was decided about rules."""

    accept: list[RuleDecision] = Field(
        default_factory=list, description="`unknown` rules whose risk is taken"
    )
    strict: list[RuleDecision] = Field(
        default_factory=list, description="rules to be treated as `broken`"
    )
    switch_user_hours: int = Field(
        default=DEFAULT_SWITCH_USER_HOURS,
        ge=0,
        le=MOST_SWITCH_USER_HOURS,
        description="hours times users of redirection that one switch of it counts as",
    )


class RulesEntry(_Strict):
    """Which rules are in force."""

    packs: list[str] = Field(description="shipped rule packs, by name")


class Organization(_Strict):
    """organization.yml: what the hosts cannot say of themselves."""

    version: Literal[1]
    organization: str = Field(min_length=1, max_length=100)
    sites: dict[SiteName, SiteEntry | None] = Field(min_length=1)
    pools: list[PoolEntry] = Field(default_factory=list)
    paths: list[PathEntry] | None = Field(
        None, description="absent: derived from internet_facing sites and mailboxes"
    )
    packages: dict[str, PackageEntry] = Field(default_factory=dict)
    replication_minutes: int = Field(
        195,
        ge=0,
        le=7 * 24 * 60,
        description="how long a changed ExternalUrl may take to reach every site: the site-link "
        "interval plus a margin",
    )
    policy: PolicyEntry = Field(default_factory=PolicyEntry)
    rules: RulesEntry | None = Field(None, description="absent: the pack exchange-2007-2010")


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of organization.yml."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Organization.model_json_schema(),
    }
