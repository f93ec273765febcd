"""Documents for programs: one spelling for all commands."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

from orchestrator.diagnostic import Diagnostic

SCHEMA_VERSION: Literal[1] = 1
"""Raised when a field goes or changes its meaning; new fields do not raise it."""


def diagnostic_document(one: Diagnostic) -> dict[str, Any]:
    """A finding as JSON values."""
    place = {"file": one.place.file, "line": one.place.line} if one.place else None
    return {
        "code": one.code,
        "subject": one.subject,
        "message": one.message,
        "place": place,
        "remedy": one.remedy,
    }


def json_text(document: Mapping[str, Any]) -> str:
    """A document with the version of its schema, indented, with a final newline."""
    whole = {"schema_version": SCHEMA_VERSION, **document}
    return json.dumps(whole, indent=1) + "\n"
