"""Writes the JSON Schemas of organization.yml, policy.yml and of windows files.

``python -m orchestrator.inventory.schema``
"""

from __future__ import annotations

import json
from pathlib import Path

from orchestrator.inventory import organization, policy_document, windows_document

_FOLDER = Path(__file__).parent.parent / "schemas"
SHIPPED = _FOLDER / "organization.schema.json"
SHIPPED_WINDOWS = _FOLDER / "windows.schema.json"
SHIPPED_POLICY = _FOLDER / "policy.schema.json"


def text() -> str:
    """The schema of organization.yml as it is shipped."""
    return json.dumps(organization.json_schema(), indent=2) + "\n"


def windows_text() -> str:
    """The schema of a windows file as it is shipped."""
    return json.dumps(windows_document.json_schema(), indent=2) + "\n"


def policy_text() -> str:
    """The schema of policy.yml as it is shipped."""
    return json.dumps(policy_document.json_schema(), indent=2) + "\n"


if __name__ == "__main__":
    SHIPPED.write_text(text(), encoding="utf-8")
    SHIPPED_WINDOWS.write_text(windows_text(), encoding="utf-8")
    SHIPPED_POLICY.write_text(policy_text(), encoding="utf-8")
