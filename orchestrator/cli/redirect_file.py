"""The file of looks at redirect addresses: dated evidence that several machines add to."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from orchestrator.diagnostic import Diagnostic, Place
from orchestrator.discovery.redirects import RedirectCheck
from orchestrator.errors import InvalidInput, OrchestratorError
from orchestrator.model.topology import PoolId

_VERSION = 1

Checks = dict[PoolId, Sequence[RedirectCheck]]


def read_checks(path: Path) -> Checks:
    """Looks by pool; none if there is no such file yet.

    Raises
    ------
    InvalidInput
        CAS-E806 for a file that is something else.
    """
    if not path.exists():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["version"] != _VERSION:
            raise InvalidInput([_unusable(path, f"it is of version {content['version']}")])
        return {
            PoolId(*name.rsplit("/", 1)): [RedirectCheck.of(check) for check in checks]
            for name, checks in content["pools"].items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidInput([_unusable(path, str(error) or type(error).__name__)]) from None


def write_checks(path: Path, checks: Mapping[PoolId, Sequence[RedirectCheck]]) -> None:
    """Replace the file in one step."""
    content = {
        "version": _VERSION,
        "pools": {str(p): [check.content() for check in checks[p]] for p in sorted(checks)},
    }
    passing = path.with_name(f".{path.name}.new")
    try:
        passing.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        passing.replace(path)
    except OSError as error:
        raise OrchestratorError(f"{path} cannot be written: {error.strerror}") from None


def _unusable(path: Path, why: str) -> Diagnostic:
    return Diagnostic(
        "CAS-E806",
        "redirect evidence",
        f"cannot be used: {why}",
        Place(str(path)),
        "name a file that `reconcile --redirects --evidence` wrote, or a new one",
    )
