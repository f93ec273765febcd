"""Reading organization.yml: from text to the model, with a place for every fault."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from orchestrator.inventory.faults import fields_at, quoted, read_mapping
from orchestrator.inventory.findings import did_you_mean
from orchestrator.inventory.organization import Organization

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from orchestrator.inventory.findings import Findings
    from orchestrator.inventory.yaml_text import Keys, YamlText

# What a field must look like, where "does not match the pattern" would help nobody.
_FIELDS: Mapping[str, tuple[str, str, str]] = {
    "redirect_url": (
        "CAS-E206",
        "is not an https address that ends in /owa",
        "write it like https://mail-berlin.example.com/owa",
    ),
    "sha256": (
        "CAS-E215",
        "is not a SHA-256 sum",
        "give the 64 hexadecimal digits that Get-FileHash or sha256sum print",
    ),
    "path": (
        "CAS-E215",
        "is not a path as a Windows server sees it",
        r"write it like \\files.example.com\exchange\update.msp",
    ),
    "patch_code": (
        "CAS-E215",
        "is not a patch code",
        "give the GUID in braces that the installer's Patches registry key shows",
    ),
    "kb": ("CAS-E215", "is not a knowledge-base number", "give the digits of the KB article"),
    "product_line": (
        "CAS-E218",
        "is not an Exchange product line",
        "use 2007, 2010, 2013, 2016, 2019 or SE",
    ),
    "test_mailbox": ("CAS-E201", "is not a mail address", "write it like probe@example.com"),
    "date": ("CAS-E201", "is not a day", "write it like 2012-04-23"),
}
_FIELDS = {**_FIELDS, "source_product_line": _FIELDS["product_line"]}

_SHOULD = {
    "model_type": "should be a mapping of fields",
    "dict_type": "should be a mapping",
    "list_type": "should be a list",
    "string_type": "should be text",
    "bool_type": "should be true or false",
    "int_type": "should be a whole number",
}
_QUOTE = "put it in quotes"
_SITE_REMEDY = "use the site's name in Active Directory: letters, digits, - and _"


@dataclass(frozen=True)
class Document:
    """The checked document with its text's places."""

    model: Organization
    text: YamlText


def read(path: Path, findings: Findings) -> Document | None:
    """Read organization.yml, or return None with findings."""
    text = read_mapping(path, findings, "CAS-E201", "`version: 1` and `organization: NAME`")
    return validate(text, findings) if text is not None else None


def validate(text: YamlText, findings: Findings) -> Document | None:
    """Check a document that was read already, or return None with findings."""
    try:
        return Document(Organization.model_validate(text.value), text)
    except ValidationError as error:
        for fault in error.errors(include_url=False, include_context=True):
            _report(dict(fault), text, findings)
        return None


def subject(text: YamlText, keys: Keys) -> str:
    """What a fault is about, in a person's words: ``pool berlin/2010``, ``policy``."""
    entry = text.value
    for key in keys[:2]:
        try:
            entry = entry[key]  # type: ignore[index]
        except (KeyError, IndexError, TypeError):
            entry = None
            break
    given = entry if isinstance(entry, dict) else {}
    match keys:
        case ("pools", int() as index, *_):
            return f"pool {given.get('site', index + 1)}/{given.get('product_line', '?')}"
        case ("paths", int() as index, *_):
            ends = f"{given.get('source', '?')} -> {given.get('target', '?')}"
            return f"path {ends}/{given.get('product_line', '?')}" if given else f"path {index + 1}"
        case ("packages" | "sites" as kind, str() as name, *_):
            return f"{kind[:-1]} {name}"
        case (str() as name, *_):
            return name
    return "organization.yml"


def _report(fault: dict[str, Any], text: YamlText, findings: Findings) -> None:
    keys: Keys = tuple(key for key in fault["loc"] if key != "[key]")
    name = str(keys[-1]) if keys else ""
    kind = fault["type"]
    where = subject(text, keys[:-1] if kind in {"extra_forbidden", "missing"} else keys)
    place = text.place(*keys)
    given = fault["input"]
    if kind == "missing":
        findings.error("CAS-E201", where, f"has no {name}", place, f"add {name}")
    elif kind == "extra_forbidden":
        remedy = did_you_mean(name, fields_at(Organization, keys[:-1]))
        findings.error("CAS-E201", where, f"has an unknown field {name}", place, remedy)
    elif "[key]" in fault["loc"] or name in {"source", "target", "site"}:
        message = f"{quoted(given)} cannot be a site's name"
        findings.error("CAS-E201", where, message, place, _SITE_REMEDY)
    elif name in _FIELDS:
        code, message, remedy = _FIELDS[name]
        findings.error(code, where, f"{name} {quoted(given)} {message}", place, remedy)
    else:
        should = _SHOULD.get(kind) or fault["msg"].lower().removeprefix("input ")
        field = "" if where == name else f"{name} " if isinstance(keys[-1], str) else ""
        message = f"{field}{should}, found {quoted(given)}"
        remedy = _QUOTE if kind == "string_type" else "docs/organization.md describes every field"
        findings.error("CAS-E201", where, message, place, remedy)
