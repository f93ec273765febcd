"""A plan directory: plan.json, playbooks/, rollback/ and the digest over them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from orchestrator.diagnostic import Diagnostic, Place
from orchestrator.errors import InvalidInput, OrchestratorError
from orchestrator.planfile.convert import SavedPlan, from_document
from orchestrator.planfile.document import FORMAT_VERSION, PlanDoc

PLAN = "plan.json"
PLAYBOOKS = "playbooks"
ROLLBACK = "rollback"
RUNS = "runs"
MAKE_AGAIN = (
    "make the plan again; a run of it that was begun is finished or taken back with the version "
    "that wrote it, or left, and planned anew with --live from where it stands"
)
_DIGESTED = (PLAN, PLAYBOOKS, ROLLBACK)


def plan_schema() -> dict[str, Any]:
    """The JSON Schema of plan.json."""
    return PlanDoc.model_json_schema()


def render(document: PlanDoc) -> str:
    """The text of plan.json; the same document gives the same bytes."""
    no_times = document.schedule is None
    text = document.model_dump_json(indent=2, exclude={"schedule"} if no_times else set())
    text += "\n"  # in place: a large plan is not copied for it
    return text


def write_folder(folder: Path, files: Mapping[str, str]) -> None:
    """Write a new plan directory.

    Parameters
    ----------
    folder : Path
        Must not exist, or be empty: a plan is never written over another.
    files : mapping of relative path to text

    Raises
    ------
    OrchestratorError
        If something is there already, or cannot be written.
    """
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise OrchestratorError(
                f"{folder} exists and is not an empty folder; a plan is never written over another",
                "choose another folder with -o, or remove this one if nobody approved it",
            )
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise OrchestratorError(f"{folder} cannot be written: {error.strerror}") from None


def read_plan(folder: Path) -> SavedPlan:
    """The plan of a plan directory.

    Raises
    ------
    InvalidInput
        If plan.json is missing, not JSON, of another version or does not fit its schema.
    """
    path = folder / PLAN
    text = ""
    try:
        text = path.read_text(encoding="utf-8")
        return from_document(PlanDoc.model_validate_json(text))
    except FileNotFoundError:
        message, remedy = "there is no such file", "name a folder that `orchestrator plan` wrote"
    except (OSError, UnicodeDecodeError) as error:
        message, remedy = f"cannot be read: {error}", ""
    except ValidationError as error:
        message, remedy = _why_not(text, error)
    except (ValueError, KeyError) as error:
        message, remedy = f"is not a plan: {error}", "make the plan again"
    raise InvalidInput([Diagnostic("CAS-E401", "plan", message, Place(str(path)), remedy)])


def _why_not(text: str, error: ValidationError) -> tuple[str, str]:
    """Why a file does not fit the schema, and what to do."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        data = None
    version = data.get("format_version") if isinstance(data, dict) else None
    if type(version) is int and version != FORMAT_VERSION:
        message = (
            f"is a plan of format_version {version}, written by another version of this program; "
            f"this one reads {FORMAT_VERSION}"
        )
        return message, MAKE_AGAIN
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return (
        f"is not a plan: {where}: {first['msg']}" if where else f"is not a plan: {first['msg']}",
        "make the plan again; a plan file is never edited by hand",
    )


def digest(folder: Path) -> str:
    """SHA-256 over names and contents of plan.json, playbooks/ and rollback/, in hex.

    What is approved is this text; a changed byte in any of the files changes it.
    """
    files = [folder / PLAN]
    for name in _DIGESTED[1:]:
        files += [path for path in (folder / name).rglob("*") if path.is_file()]
    return _digest({path.relative_to(folder).as_posix(): path.read_bytes() for path in files})


def digest_of(files: Mapping[str, str]) -> str:
    """The digest a folder will have once these files are written to it."""
    return _digest(
        {
            name: text.encode()
            for name, text in files.items()
            if name == PLAN or name.partition("/")[0] in _DIGESTED[1:]
        }
    )


def _digest(contents: Mapping[str, bytes]) -> str:
    total = hashlib.sha256()
    for name in sorted(contents):
        content = hashlib.sha256(contents[name]).hexdigest()
        total.update(f"{name}\0{content}\n".encode())
    return total.hexdigest()
