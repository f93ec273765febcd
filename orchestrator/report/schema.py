"""Writes the shipped JSON Schema of ``--json``: ``python -m orchestrator.report.schema``."""

from __future__ import annotations

import json

from orchestrator.report.documents import SHIPPED, commands_schema

if __name__ == "__main__":
    SHIPPED.write_text(json.dumps(commands_schema(), indent=2) + "\n", encoding="utf-8")
