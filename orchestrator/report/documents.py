"""The documents of ``--json``, one per command; docs/json.md explains them.

Fields are added without notice; one that goes or changes its meaning raises
`orchestrator.report.json_text.SCHEMA_VERSION`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import models_json_schema

from orchestrator.planfile.document import PlanDoc
from orchestrator.report.json_text import SCHEMA_VERSION


class Part(BaseModel):
    """Nothing is in a document that its schema does not name."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PlaceDoc(Part):
    """A file as the user named it; line 0 is the whole file."""

    file: str
    line: int


class DiagnosticDoc(Part):
    """A finding; codes are in docs/diagnostics.md."""

    code: str
    subject: str
    message: str
    place: PlaceDoc | None
    remedy: str


class ErrorDoc(Part):
    """Why a command could not go on."""

    kind: str = Field(description="name of the error class, e.g. NoSafePlan")
    message: str
    remedy: str
    diagnostics: list[DiagnosticDoc]


class JudgedPathDoc(Part):
    """A proxied path in one state."""

    source: str
    target: str
    protocol: str
    users: int
    route: str
    verdict: Literal["ok", "advisory", "unknown", "broken"]
    blocks: bool = Field(description="broken, or unknown and not accepted")
    accepted: str
    rule: str
    confidence: Literal["doc", "field", "infer", "open"]
    sources: list[str]


class Head(Part):
    """What every document holds."""

    schema_version: Literal[1] = SCHEMA_VERSION
    command: str
    exit_code: int
    warnings: list[DiagnosticDoc]
    messages: list[str] = Field(description="for a person; not stable")


class Failed(Head):
    """The document of a command that could not do its work; fields found before may be there."""

    model_config = ConfigDict(extra="allow", frozen=True)

    error: ErrorDoc


class DiagnosisDoc(Part):
    """Every path with its verdict."""

    basis: str
    blocked: int
    paths: list[JudgedPathDoc]
    sources_first: list[JudgedPathDoc]


VerdictWord = Literal["ok", "advisory", "unknown", "broken"]


class SightingDoc(Part):
    """How often, since when, until when, and in which file first."""

    server: str
    count: int
    first: str | None
    last: str | None
    place: str


class RuleNameDoc(Part):
    """A rule by its name."""

    rule: str
    confidence: str


class AffectedDoc(SightingDoc):
    """A source whose event log shows the error."""

    builds: list[str]
    targets: list[str]
    rules: list[RuleNameDoc]
    people: int | None
    users: int | None


class ObservedPathDoc(SightingDoc):
    """A proxied path the logs show."""

    source: str
    target: str
    verdict: VerdictWord
    rule: str
    confidence: str
    source_build: str | None
    target_build: str | None
    users: int | None
    how: list[str]
    log_ons_by_hour: dict[str, int]


class ObservedEventDoc(SightingDoc):
    """Other events of proxying."""

    event_id: int
    meaning: str
    targets: list[str]
    confidence: str


class PeopleDoc(SightingDoc):
    """Who signed in at a server."""

    users: int
    exact: bool


class HoursDoc(Part):
    """Log-ons by hour of the week, from Monday midnight."""

    zone: str
    log_ons: list[float]
    hours_seen: list[int]


class ObservedDoc(Part):
    """What event logs and IIS logs show."""

    verdict: VerdictWord
    answer: str
    affected: list[AffectedDoc]
    declared_users: dict[str, int] = Field(description="by path between pools in question")
    paths: list[ObservedPathDoc]
    events: list[ObservedEventDoc]
    people: list[PeopleDoc]
    hours_of_the_week: list[HoursDoc]
    files: list[dict[str, Any]]


class DiagnoseDoc(Head):
    """`diagnose`: of an inventory, of exports, of logs; each only if it was given."""

    basis: str | None = None
    blocked: int | None = None
    paths: list[JudgedPathDoc] | None = None
    sources_first: list[JudgedPathDoc] | None = None
    exported: DiagnosisDoc | None = None
    observed: ObservedDoc | None = None


class PlanResultDoc(Head):
    """`plan`."""

    steps: int
    minutes: int
    outage_user_minutes: int
    folder: str | None
    digest: str | None
    notes: list[str]
    plan: PlanDoc | None = Field(description="as in plan.json; null if there is nothing to do")


class ExplainDoc(Head):
    """`explain`."""

    kind: Literal["step", "pool", "path"]
    subject: str
    lines: list[str]


class CheckedDoc(Part):
    """One plan of a folder."""

    file: str
    states: int
    paths: int
    evidence: list[str]


class CheckDoc(Head):
    """`check`."""

    safe: bool
    faults: list[str]
    digest: str = Field(description="empty if there are faults")
    plans: list[CheckedDoc]


class FailureDoc(Part):
    """What a host said."""

    host: str
    task: str
    message: str
    in_doubt: bool


class RemainsDoc(Part):
    """What is left of a way back that stopped."""

    servers: list[str] = Field(description="how each is, as read, and where the way back leads")
    steps: list[str] = Field(description="what is left to do, in this order")
    by_hand: list[str] = Field(description="a command for each of these steps")


class StopDoc(Part):
    """Why a run stopped, and how the farm is."""

    reason: str
    others: list[str] = Field(description="what came of steps beside it")
    step: str | None
    status: str | None
    paused: bool
    interrupted: bool
    failures: list[FailureDoc]
    remaining: list[str]
    farm_read: bool
    changed: list[str]
    unexpected: list[str]
    redirections_on: list[str]
    redirections_possible: list[str]
    next_steps: list[str]
    way_back: RemainsDoc | None = Field(description="null unless it is a way back that stopped")


class RunDoc(Head):
    """`apply`, `resume`: the last run of the command.

    Where `apply --on-failure rollback` went back, that is the way back's, and the fields of
    `rollback` are there, too.
    """

    done: list[str]
    seconds: float
    stop: StopDoc | None = Field(description="null if every step succeeded")
    folder: str | None = None
    digest: str | None = None
    steps: int | None = None
    minutes: int | None = None


class RollbackDoc(Head):
    """`rollback`: the way back that was planned; with --apply what came of it, too."""

    folder: str | None = Field(description="null if there is nothing to undo")
    digest: str | None
    steps: int
    minutes: int
    done: list[str] | None = None
    seconds: float | None = None
    stop: StopDoc | None = None


class StepStatusDoc(Part):
    """Where a step stands."""

    id: str
    status: str
    attempt: int
    reason: str
    reading: str


class WayBackStatusDoc(Part):
    """Where the way back stands that was begun last."""

    folder: str
    started: str | None
    ended: str | None
    finished: bool
    running: bool | None
    reason: str


class StatusDoc(Head):
    """`status`."""

    digest: str
    approved_by: str
    started: str | None
    ended: str | None
    finished: bool
    running: bool | None
    reason: str
    pause_by: str
    rollback: str
    way_back: WayBackStatusDoc | None
    drift: list[str]
    redirections: list[str] = Field(description="once a way back was begun: as that one knows")
    steps: list[StepStatusDoc]


class BoxDoc(Part):
    """A pool, or several that share a box."""

    name: str
    pools: list[str]
    internet_facing: bool
    servers: list[dict[str, str]]
    releases: list[dict[str, str | int]]
    access_modes: dict[str, int]
    external_urls: list[str]


class LinkDoc(Part):
    """The paths from one box to another; the verdict is the worst of them."""

    source: str
    target: str
    verdict: str
    redirected: bool
    users: int
    paths: list[JudgedPathDoc]


class GraphDoc(Head):
    """`graph --json`, the same as `--format json`."""

    title: str
    organization: str
    protocol: str
    left_out: int
    boxes: list[BoxDoc]
    links: list[LinkDoc]


class ReportDoc(Head):
    """`report`."""

    file: str


class DiscoverDoc(Head):
    """`discover`."""

    folder: str
    read_at: str
    complete: bool
    written: bool
    servers: list[dict[str, Any]]
    not_read: list[str]
    problems: list[DiagnosticDoc]
    open: list[DiagnosticDoc] = Field(description="what is still to be said")
    plan_refuses: list[DiagnosticDoc]
    events: list[dict[str, Any]] = Field(description="what their event logs say of proxying")
    difference: list[str]


class ReconciledRow(Part):
    """One thing, by everybody who says something of it."""

    kind: str
    subject: str
    declared: str
    read: str
    logged: str
    standing: Literal["agrees", "differs", "unknown"]
    note: str


class ReconcileDoc(Head):
    """`reconcile`."""

    rows: list[ReconciledRow]
    problems: list[DiagnosticDoc]


class PauseDoc(Head):
    """`pause`."""

    folder: str
    asked_by: str


class VerifiedDoc(Head):
    """`journal --verify`."""

    entries: int
    last: str | None


class EntryDoc(Part):
    """One line of `journal --json`, as it was written: nothing is added to it."""

    seq: int
    time: str
    kind: str
    step: str | None
    attempt: int
    data: dict[str, Any]
    link: str


DOCUMENTS: dict[str, type[BaseModel]] = {
    "diagnose": DiagnoseDoc,
    "plan": PlanResultDoc,
    "show": PlanResultDoc,
    "explain": ExplainDoc,
    "check": CheckDoc,
    "apply": RunDoc,
    "resume": RunDoc,
    "rollback": RollbackDoc,
    "status": StatusDoc,
    "graph": GraphDoc,
    "report": ReportDoc,
    "discover": DiscoverDoc,
    "reconcile": ReconcileDoc,
    "pause": PauseDoc,
    "journal --verify": VerifiedDoc,
    "journal": EntryDoc,
    "any, failed": Failed,
    "any other": Head,
}
"""Documents by command."""


def commands_schema() -> dict[str, Any]:
    """One JSON Schema with a definition per document, and which command writes which."""
    _, schema = models_json_schema(
        [(model, "serialization") for model in dict.fromkeys(DOCUMENTS.values())],
        title="Documents of --json",
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "x-commands": {name: f"#/$defs/{model.__name__}" for name, model in DOCUMENTS.items()},
    }


def schema_of(command: str) -> dict[str, Any]:
    """The schema of one command's document."""
    whole = commands_schema()
    return {"$defs": whole["$defs"], "$ref": whole["x-commands"][command]}


SHIPPED = Path(__file__).parent.parent / "schemas" / "commands.schema.json"
