"""Reading policy.yml: from text to thresholds, with a place for every fault."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from orchestrator.errors import InvalidInput
from orchestrator.inventory.faults import fields_at, quoted, read_mapping
from orchestrator.inventory.findings import Findings, did_you_mean
from orchestrator.inventory.policy_document import PolicyFile
from orchestrator.model.thresholds import Response, Thresholds

if TYPE_CHECKING:
    from orchestrator.inventory.yaml_text import YamlText

POLICY = "policy.yml"
"""Name of the file in the organisation's folder."""

_CODE = "CAS-E620"


def read_thresholds(folder: Path) -> Thresholds:
    """The thresholds of an organisation; the defaults if it has no file.

    Parameters
    ----------
    folder : Path
        With hosts.yml.

    Raises
    ------
    InvalidInput
        With every fault of the file.
    """
    path = folder / POLICY
    if not path.exists():
        return Thresholds()
    findings = Findings()
    text = read_mapping(path, findings, _CODE, "`version: 1`")
    if text is not None and not findings.errors:
        try:
            return _thresholds(PolicyFile.model_validate(text.value))
        except ValidationError as error:
            for fault in error.errors(include_url=False):
                _report(dict(fault), text, findings)
    raise InvalidInput(findings.errors)


def _thresholds(document: PolicyFile) -> Thresholds:
    return Thresholds(
        baseline=document.paths.baseline,
        lost_path=Response(document.paths.lost),
        unknown_coverage=Response(document.paths.unknown),
        probes_at_once=document.probes.at_once,
        probes_per_source=document.probes.per_source,
        event_4999=Response(document.events.cookie_error),
        least_runs=document.estimates.least_runs,
        percentile=document.estimates.percentile,
    )


def _report(fault: dict[str, Any], text: YamlText, findings: Findings) -> None:
    keys = tuple(key for key in fault["loc"] if key != "[key]")
    place, field = text.place(*keys), ".".join(map(str, keys))
    if fault["type"] == "extra_forbidden":
        known = fields_at(PolicyFile, keys[:-1])
        message, remedy = f"has an unknown field {field}", did_you_mean(str(keys[-1]), known)
    elif fault["type"] == "missing":
        message, remedy = f"has no {field}", f"add {field}"
    else:
        said = fault["msg"].lower().removeprefix("input ")
        message = f"{field} {quoted(fault['input'])}: {said}"
        remedy = "docs/policy.md describes every field"
    findings.error(_CODE, POLICY, message, place, remedy)
