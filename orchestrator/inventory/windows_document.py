"""The windows file as a model; its JSON Schema is made from here."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from orchestrator.inventory.organization import SITE_NAME
from orchestrator.model.schedule import DEFAULT_PARALLEL, DEFAULT_VERIFICATION

DAY = r"^\d{4}-\d{2}-\d{2}$"
MOMENT = r"^(\d{4}-\d{2}-\d{2}[ T])?\d{1,2}:\d{2}$"
DURATION = r"^(\d{1,3}h ?(\d{1,2}m)?|\d{1,4}m|\d{1,2}:\d{2})$"
LONGEST_DAYS = 5 * 366

SiteName = Annotated[str, Field(pattern=SITE_NAME)]
Day = Annotated[str, Field(pattern=DAY)]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Entry(_Strict):
    """One window or many by a rule: `days` or `rrule` with times of day, or a day and time."""

    name: str = Field("", description="for people")
    sites: list[SiteName] | None = Field(None, min_length=1, description="absent: every site")
    zone: str | None = Field(None, description="absent: the zone of each site")
    days: list[Weekday] | None = Field(None, min_length=1, description="every week")
    rrule: str | None = Field(
        None, description="terms of RFC 5545 that choose days: FREQ=MONTHLY;BYDAY=2SA"
    )
    since: Day | None = Field(None, description="day the rule counts from; absent: `from`")
    start: str | None = Field(
        None, pattern=MOMENT, description='local: "22:00", or "2026-11-07 22:00" for a single one'
    )
    end: str | None = Field(
        None, pattern=MOMENT, description="local; of a rule, the first such time after the start"
    )
    duration: str | None = Field(
        None, pattern=DURATION, description="elapsed time instead of `end`: 4h, 4h 30m, 90m"
    )
    ics: str | None = Field(
        None,
        min_length=1,
        description="iCalendar file, relative to this one: each event of it is a window",
    )
    containing: str = Field("", description="of `ics` only events whose summary contains this")


class Blackout(Entry):
    """A time without windows: as a window, or whole days."""

    first_day: Day | None = None
    last_day: Day | None = Field(None, description="included")


class WindowPolicy(_Strict):
    """What is set aside around the estimates."""

    max_parallel: int = Field(
        default=DEFAULT_PARALLEL, ge=1, le=10_000, description="steps at once"
    )
    reserve_minutes: int | None = Field(
        default=None,
        ge=0,
        le=7 * 24 * 60,
        description="kept free in the window after each step; absent: what taking it back needs",
    )
    verification_minutes: int = Field(default=DEFAULT_VERIFICATION, ge=0, le=24 * 60)


class Windows(_Strict):
    """Maintenance windows of an organisation."""

    version: Literal[1]
    zone: str = Field(description="IANA name, e.g. Europe/Paris")
    site_zones: dict[SiteName, str] = Field(default_factory=dict)
    from_: Day = Field(alias="from", description="first day to plan for; the planner has no clock")
    until: Day | None = Field(None, description="last day, included; absent: a year later")
    windows: list[Entry] = Field(min_length=1)
    blackouts: list[Blackout] = Field(default_factory=list)
    policy: WindowPolicy = Field(default_factory=WindowPolicy)


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a windows file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Windows.model_json_schema(),
    }
