"""Writes the JSON Schema of organization.yml: ``python -m orchestrator.inventory.schema``."""

from __future__ import annotations

import json
from pathlib import Path

from orchestrator.inventory.organization import json_schema

SHIPPED = Path(__file__).parent.parent / "schemas" / "organization.schema.json"


def text() -> str:
    """The schema as it is shipped."""
    return json.dumps(json_schema(), indent=2) + "\n"


if __name__ == "__main__":
    SHIPPED.write_text(text(), encoding="utf-8")
