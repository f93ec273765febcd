"""Plans on disk: a versioned document, a folder of files, a digest over them."""

from orchestrator.planfile.convert import SavedPlan, from_document, to_document
from orchestrator.planfile.folder import digest, plan_schema, read_plan, render, write_folder

__all__ = [
    "SavedPlan",
    "digest",
    "from_document",
    "plan_schema",
    "read_plan",
    "render",
    "to_document",
    "write_folder",
]
