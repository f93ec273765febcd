"""The organisation document, version 2: everything the planner needs in one file, without hosts.

It is the topology part of plan.json with defaults for what people leave out, and beside it the
goal, the policy and the rules. Its JSON Schema is shipped as
``orchestrator/schemas/organization-document.schema.json``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from orchestrator.inventory.organization import (
    KNOWLEDGE_BASE,
    MAILBOX,
    MOST_USERS,
    PATCH_CODE,
    REDIRECT_URL,
    SHA256,
    WINDOWS_PATH,
    ProductLine,
    Reason,
    SiteName,
)
from orchestrator.inventory.windows import WindowsFile
from orchestrator.inventory.windows_document import Windows
from orchestrator.model.build import Build
from orchestrator.model.schedule import DEFAULT_SWITCH_USER_HOURS, MOST_SWITCH_USER_HOURS
from orchestrator.model.state import State
from orchestrator.model.topology import Protocol, Topology
from orchestrator.planfile.convert import policy_document, rules_document, topology_document
from orchestrator.planfile.document import (
    BalancedDoc,
    PackageDoc,
    PathDoc,
    PolicyDoc,
    PoolDoc,
    RulesInForceDoc,
    ServerDoc,
    SiteDoc,
    TopologyDoc,
)
from orchestrator.rules.engine import RuleBook
from orchestrator.rules.in_force import RulesInForce, rules_in_force
from orchestrator.rules.rule import Policy

DEFAULT_MINUTES = 30
"""To change a server's build where nobody said how long it takes; our estimate."""
HOST = r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$"
WEB_ADDRESS = r"^[hH][tT][tT][pP][sS]?://\S+$"


class SiteEntry(SiteDoc):
    """A site."""

    name: SiteName
    internet_facing: bool = Field(default=False, strict=True)
    domain_controller: str = ""


class ServerEntry(ServerDoc):
    """A server as it is now; ``build`` as ExSetup.exe shows it, or a name like 2010 SP2 RU1."""

    name: str = Field(pattern=HOST)
    estimated_minutes: int = Field(DEFAULT_MINUTES, ge=0, le=7 * 24 * 60, strict=True)
    internal_url: str = Field("", pattern=f"^$|{WEB_ADDRESS}")
    management_host: str = ""
    external_urls: dict[Protocol, Annotated[str, Field(pattern=f"^$|{WEB_ADDRESS}")]] = Field(
        default_factory=dict, description="ExternalUrls set today, by protocol; absent: none"
    )


class BalancedEntry(BalancedDoc):
    """Servers of a pool behind one load-balanced name."""

    name: str = Field(min_length=1)
    servers: list[str] = Field(min_length=2)
    minimum_in_service: int | None = Field(  # type: ignore[assignment]  # None is filled in
        None, ge=1, strict=True, description="of them; default: all but one"
    )


class PoolEntry(PoolDoc):
    """The servers of one product line in one site."""

    site: SiteName
    product_line: ProductLine
    servers: list[ServerEntry] = Field(min_length=1)  # type: ignore[assignment]  # read only
    minimum_in_service: int | None = Field(  # type: ignore[assignment]  # None is filled in
        None,
        ge=0,
        strict=True,
        description="default: all but one, with balanced names what these leave",
    )
    balanced: list[BalancedEntry] = Field(default_factory=list)  # type: ignore[assignment]  # read only
    redirect_url: str = Field(
        "",
        pattern=f"^$|{REDIRECT_URL}",
        description="where OWA can be redirected to; empty: it cannot",
    )
    redirect_evidence: str = ""
    outage_consent: bool = Field(default=False, strict=True)
    hold: str = Field("", description="why the pool stays at its build; empty: it may change")
    test_mailbox: str = Field("", pattern=f"^$|{MAILBOX}")
    mailboxes: int = Field(0, ge=0, le=MOST_USERS, strict=True)


class PathEntry(PathDoc):
    """Traffic a source forwards for mailboxes of a target; pools as ``site/product line``."""

    protocol: Protocol = Protocol.OWA
    users: int = Field(ge=0, le=MOST_USERS, strict=True)


class PackageEntry(PackageDoc):
    """An update package as the servers reach it; without a patch code it cannot be removed."""

    path: str = Field("", pattern=f"^$|{WINDOWS_PATH}")
    sha256: str = Field("", pattern=f"^$|{SHA256}")
    patch_code: str = Field("", pattern=f"^$|{PATCH_CODE}")
    kb: str = Field("", pattern=f"^$|{KNOWLEDGE_BASE}")
    minutes: int = Field(0, ge=0, le=7 * 24 * 60, strict=True)


class PolicyEntry(PolicyDoc):
    """What was decided about rules, id to reason, and what a switch counts as."""

    accepted: dict[str, Reason] = Field(default_factory=dict)
    strict: dict[str, Reason] = Field(default_factory=dict)
    switch_user_hours: int = Field(
        default=DEFAULT_SWITCH_USER_HOURS,
        ge=0,
        le=MOST_SWITCH_USER_HOURS,
        strict=True,
        description="hours times users of redirection that one switch of it counts as",
    )


class OrganizationDoc(TopologyDoc):
    """The organisation document."""

    version: Literal[2]
    organization: str = Field(min_length=1, max_length=100)
    replication_minutes: int = Field(195, ge=0, le=7 * 24 * 60, strict=True)
    sites: list[SiteEntry] = Field(min_length=1)  # type: ignore[assignment]  # read only
    pools: list[PoolEntry] = Field(min_length=1)  # type: ignore[assignment]  # read only
    paths: list[PathEntry] = Field(default_factory=list)  # type: ignore[assignment]  # read only
    packages: list[PackageEntry] = Field(default_factory=list)  # type: ignore[assignment]  # read only
    goals: dict[ProductLine, str] = Field(
        default_factory=dict, description="goal build by product line; --to goes before it"
    )
    policy: PolicyEntry = Field(default_factory=PolicyEntry)
    rules: RulesInForceDoc = RulesInForceDoc()
    windows: Windows | None = Field(
        None, description="what a windows file holds; --windows goes before it"
    )


@dataclass(frozen=True)
class Organization:
    """What a document says.

    Parameters
    ----------
    topology : Topology
    state : State
        Builds and ExternalURLs as the document gives them.
    goals : mapping of product line to Build
    policy : Policy
    rules : RulesInForce
    windows : WindowsFile or None
    """

    topology: Topology
    state: State
    goals: Mapping[str, Build]
    policy: Policy
    rules: RulesInForce
    windows: WindowsFile | None = None


def organization_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of the document."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **OrganizationDoc.model_json_schema(),
    }


def organization_document(
    topology: Topology,
    state: State,
    goals: Mapping[str, Build],
    book: RuleBook,
    windows: WindowsFile | None = None,
) -> OrganizationDoc:
    """The document from which the same plan results."""
    return OrganizationDoc.model_validate(
        {
            "version": 2,
            **topology_document(topology, state).model_dump(mode="json"),
            "goals": {line: str(build) for line, build in sorted(goals.items())},
            "policy": policy_document(book.policy).model_dump(mode="json"),
            "rules": rules_document(rules_in_force(book)).model_dump(mode="json"),
            "windows": windows.document.model_dump(mode="json", by_alias=True) if windows else None,
        }
    )
