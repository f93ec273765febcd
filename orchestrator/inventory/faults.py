"""What several documents need to speak of a fault: a value in words, the fields that fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.inventory import yaml_text

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.inventory.findings import Findings
    from orchestrator.inventory.yaml_text import Keys, YamlText


def read_mapping(path: Path, findings: Findings, code: str, begins: str) -> YamlText | None:
    """A YAML file that is a mapping, or None with findings.

    Parameters
    ----------
    code : str
        For a file that is empty or no mapping.
    begins : str
        How such a file begins, for the remedy.
    """
    shown = str(path)
    content = yaml_text.read_text(path, shown, findings)
    text = yaml_text.parse(content, shown, findings) if content is not None else None
    if text is None:
        return None
    if not isinstance(text.value, dict):
        what = "is empty" if text.value is None else "is not a mapping of settings"
        findings.error(code, shown, what, text.place(), f"it begins with {begins}")
        return None
    return text


def fields_at(model: Any, keys: Keys) -> list[str]:
    """The fields of a pydantic model that may stand where an unknown one was found."""
    for key in keys:
        if isinstance(key, str) and hasattr(model, "model_fields") and key in model.model_fields:
            model = _model_in(model.model_fields[key].annotation)
    return list(model.model_fields) if hasattr(model, "model_fields") else []


def quoted(value: object) -> str:
    """A value as a person wrote it, cut where it is long."""
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    if value is None or isinstance(value, bool):
        return {None: "nothing", True: "true", False: "false"}[value]
    text = f'"{value}"' if isinstance(value, str) else repr(value)
    return text if len(text) <= 80 else f"{text[:76]} ..."


def _model_in(annotation: Any) -> Any:
    if hasattr(annotation, "model_fields"):
        return annotation
    inner = (_model_in(part) for part in getattr(annotation, "__args__", ()))
    return next((found for found in inner if found is not None), None)
