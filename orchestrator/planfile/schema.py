"""Writes the shipped JSON Schemas: ``python -m orchestrator.planfile.schema``."""

from __future__ import annotations

import json
from pathlib import Path

from orchestrator.planfile.folder import plan_schema
from orchestrator.planfile.organization import organization_schema

_FOLDER = Path(__file__).parent.parent / "schemas"
SHIPPED = {
    _FOLDER / "plan.schema.json": plan_schema,
    _FOLDER / "organization-document.schema.json": organization_schema,
}


def write() -> None:
    """Write every schema as the code has it."""
    for path, schema in SHIPPED.items():
        path.write_text(json.dumps(schema(), indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write()
