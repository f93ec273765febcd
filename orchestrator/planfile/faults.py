"""What pydantic says of a document, said to a person with subject, place and remedy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from pydantic import BaseModel, ValidationError

from orchestrator.diagnostic import Place
from orchestrator.inventory.faults import fields_at, quoted
from orchestrator.inventory.findings import Findings, did_you_mean
from orchestrator.inventory.yaml_text import Keys

MOST_FAULTS = 50
"""Shown of one document; a million servers with one slip each are one slip."""

_SHOULD = {
    "model_type": "should be a mapping of fields",
    "dict_type": "should be a mapping",
    "list_type": "should be a list",
    "string_type": "should be text",
    "bool_type": "should be true or false",
    "int_type": "should be a whole number",
}


class Placed(Protocol):
    """A document that knows where its values stand."""

    file: str
    value: object

    def place(self, *keys: str | int) -> Place:
        """Where a value stands."""
        ...


def report_faults(
    error: ValidationError,
    model: type[BaseModel],
    text: Placed,
    subject: Callable[[Keys], str],
    findings: Findings,
) -> None:
    """Note every fault, up to `MOST_FAULTS`.

    Parameters
    ----------
    subject : callable
        What a fault at these keys is about, in a person's words.
    """
    faults = error.errors(include_url=False, include_context=False)
    for fault in faults[:MOST_FAULTS]:
        keys: Keys = tuple(key for key in fault["loc"] if key != "[key]")
        place = text.place(*keys)
        missing_or_extra = fault["type"] in {"missing", "extra_forbidden"}
        where = subject(keys[:-1] if missing_or_extra else keys)
        message, remedy = _words(dict(fault), keys, model)
        code = "CAS-E707" if where.startswith("rule ") else "CAS-E702"
        findings.error(code, where, message, place, remedy)
    if len(faults) > MOST_FAULTS:
        message = f"{len(faults) - MOST_FAULTS} more faults of this kind are not shown"
        findings.error("CAS-E702", text.file, message, Place(text.file))


def _words(fault: dict[str, Any], keys: Keys, model: type[BaseModel]) -> tuple[str, str]:
    name = str(keys[-1]) if keys else ""
    kind = fault["type"]
    given = fault["input"]
    if kind == "missing" and name == "references":
        return "has no source", "a rule needs references: a list of texts that say where it is from"
    if kind == "missing":
        return f"has no {name}", f"add {name}"
    if kind == "extra_forbidden":
        return f"has an unknown field {name}", did_you_mean(name, fields_at(model, keys[:-1]))
    if kind == "too_short" and name == "references":
        return "has no source", "say in references where the rule is from"
    if name == "build" and isinstance(given, int | float):
        remedy = "put it in quotes, all four parts: YAML makes the number 14.1 of 14.10"
        return f"build was read as the number {given}", remedy
    field = f"{name} " if keys and isinstance(keys[-1], str) else ""
    should = _SHOULD.get(kind) or fault["msg"].removeprefix("Value error, ").lower().removeprefix(
        "input "
    )
    return f"{field}{should}, found {quoted(given)}", ""
