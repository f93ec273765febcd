"""Documents for programs: one spelling for all commands."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

SCHEMA_VERSION = 1
"""Raised when a field goes or changes its meaning; new fields do not raise it."""


def json_text(document: Mapping[str, Any]) -> str:
    """A document with the version of its schema, indented, with a final newline."""
    whole = {"schema_version": SCHEMA_VERSION, **document}
    return json.dumps(whole, indent=1) + "\n"
