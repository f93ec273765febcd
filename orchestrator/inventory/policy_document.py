"""policy.yml as a model: what makes a gate of a run close; its JSON Schema is made from here."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from orchestrator.model.thresholds import Thresholds

_DEFAULT = Thresholds()
Answer = Literal["stop", "report"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class PathGates(_Strict):
    """What is asked of the paths."""

    baseline: bool = Field(
        default=_DEFAULT.baseline, description="look at every path before the first change"
    )
    lost: Answer = Field(
        default="stop",
        description="a path that worked before the run and does not any more",
    )
    unknown: Answer = Field(
        default="report",
        description="a path of which nobody can say which server answered, or nobody could look at",
    )


class ProbeLimits(_Strict):
    """How much the probes ask of servers that are at work."""

    at_once: int = Field(
        default=_DEFAULT.probes_at_once, ge=1, le=200, description="log-ons at the same time"
    )
    per_source: int = Field(
        default=_DEFAULT.probes_per_source,
        ge=1,
        le=50,
        description="log-ons at the same time through one source server",
    )


class EventGates(_Strict):
    """What is made of events; that one is absent proves nothing."""

    cookie_error: Answer = Field(
        default="stop",
        description="event 4999 since the step began, of a source all of whose paths worked before",
    )


class EstimateRules(_Strict):
    """When what was learned counts for more than what was estimated."""

    least_runs: int = Field(
        default=_DEFAULT.least_runs, ge=1, le=1000, description="finished steps of the same kind"
    )
    percentile: int = Field(
        default=_DEFAULT.percentile,
        ge=50,
        le=100,
        description="how many percent of them ended within the minutes reckoned with",
    )


class PolicyFile(_Strict):
    """Thresholds of the gates between steps."""

    version: Literal[1]
    paths: PathGates = Field(default_factory=PathGates)
    probes: ProbeLimits = Field(default_factory=ProbeLimits)
    events: EventGates = Field(default_factory=EventGates)
    estimates: EstimateRules = Field(default_factory=EstimateRules)


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of policy.yml."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **PolicyFile.model_json_schema(),
    }
