"""Plans on disk: a versioned document, a folder of files, a digest over them."""

from orchestrator.planfile.convert import SavedPlan, from_document, to_document
from orchestrator.planfile.folder import (
    digest,
    digest_of,
    plan_schema,
    read_plan,
    render,
    write_folder,
)

__all__ = [
    "SavedPlan",
    "digest",
    "digest_of",
    "from_document",
    "plan_schema",
    "read_plan",
    "render",
    "to_document",
    "write_folder",
]
