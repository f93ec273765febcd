"""YAML with the line of every value, read without running anything in it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from orchestrator.diagnostic import Place

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.inventory.findings import Findings

Keys = tuple[str | int, ...]
"""Way from the top of a document to a value: mapping keys as text, list positions as numbers."""

# A handful of lines of aliases to aliases can stand for billions of values.
MOST_REPEATED_VALUES = 50_000

UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
"""Characters that steer a terminal, or are half of one: they mean nothing in any text of ours."""

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG = "tag:yaml.org,2002:"
_TRUE = {"yes", "true", "on"}


@dataclass(frozen=True)
class YamlText:
    """A document as plain values, and where each of them stands.

    Parameters
    ----------
    file : str
        As the user named it.
    value : object
        Mappings have text keys always, so that a site called ``no`` or a build is not
        turned into something else; dates stay text.
    lines : mapping of Keys to int
        Line of the key or list item, from 1.
    """

    file: str
    value: object
    lines: Mapping[Keys, int]

    def place(self, *keys: str | int) -> Place:
        """Where a value stands; of one that is missing, the place it is missing from."""
        for length in range(len(keys), -1, -1):
            line = self.lines.get(keys[:length])
            if line:
                return Place(self.file, line)
        return Place(self.file)


def read_text(path: Path, shown: str, findings: Findings) -> str | None:
    """The text of a file, or None with a finding (CAS-E005)."""
    remedy = "it must be a readable text file in UTF-8"
    try:
        data = path.read_bytes()
    except OSError as error:
        findings.error("CAS-E005", shown, f"cannot be read: {error.strerror}", Place(shown), remedy)
        return None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        findings.error("CAS-E005", shown, "is not UTF-8 text", Place(shown, line), remedy)
        return None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        findings.error("CAS-E005", shown, "contains a NUL byte", Place(shown, line), remedy)
        return None
    return text


def parse(text: str, shown: str, findings: Findings, *, foreign: bool = False) -> YamlText | None:
    """Read one document, or return None with a finding (CAS-E006, CAS-E007).

    Parameters
    ----------
    text : str
    shown : str
        The file as the user named it.
    findings : Findings
    foreign : bool
        The file is Ansible's: tags such as ``!vault`` and merge keys are its own business,
        and a repeated key is a warning as it is there.
    """
    try:
        node = yaml.compose(text, Loader=_LOADER)
    except yaml.YAMLError as error:
        _report(error, text, shown, findings)
        return None
    except RecursionError:
        findings.error("CAS-E006", shown, "is nested too deeply", Place(shown), "flatten it")
        return None
    walk = _Walk(shown, findings, foreign=foreign)
    try:
        value = walk.value(node, ()) if node is not None else None
    except _Unusable:
        return None
    except RecursionError:
        findings.error("CAS-E006", shown, "is nested too deeply", Place(shown), "flatten it")
        return None
    return YamlText(shown, value, walk.lines)


class _Unusable(Exception):
    """The walk was given up; the finding says why."""


class _Walk:
    def __init__(self, shown: str, findings: Findings, *, foreign: bool) -> None:
        self.lines: dict[Keys, int] = {}
        self._shown = shown
        self._findings = findings
        self._foreign = foreign
        self._seen: set[int] = set()
        self._open: set[int] = set()
        self._repeated = 0

    def value(self, node: yaml.Node, keys: Keys) -> object:
        self.lines.setdefault(keys, node.start_mark.line + 1)
        self._count(node)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        self._open.add(id(node))
        result: object
        if isinstance(node, yaml.MappingNode):
            result = self._mapping(node, keys)
        else:
            result = [self.value(item, (*keys, i)) for i, item in enumerate(node.value)]
        self._open.discard(id(node))
        return result

    def _mapping(self, node: yaml.MappingNode, keys: Keys) -> dict[str, object]:
        result: dict[str, object] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._give_up("a key must be a plain word", key_node, "write lists as `- item`")
            key = self._printable(key_node)
            line = key_node.start_mark.line + 1
            if key in result:
                self._duplicate(key, line, self.lines[(*keys, key)])
            self.lines[(*keys, key)] = line
            result[key] = self.value(value_node, (*keys, key))
        return result

    def _scalar(self, node: yaml.ScalarNode) -> object:
        text = self._printable(node)
        kind = node.tag.removeprefix(_TAG)
        if kind == "int" and ":" not in text:
            return _number(text, int)
        if kind == "float" and ":" not in text:
            return _number(text, float)
        if kind == "bool":
            return text.lower() in _TRUE
        if kind == "null":
            return None
        # 22:00 is the number 1320 and a date is a date in YAML 1.1; to people both are text
        if kind in {"str", "int", "float", "timestamp", "value"} or self._foreign:
            return text
        return self._give_up(f"the tag or key {node.tag} means nothing here", node, "leave it out")

    def _printable(self, node: yaml.ScalarNode) -> str:
        text: str = node.value
        found = None if self._foreign else UNPRINTABLE.search(text)
        if found is not None:
            message = f"unprintable character: {found[0]!a}"
            self._give_up(message, node, "leave it out")
        return text

    def _count(self, node: yaml.Node) -> None:
        if id(node) in self._open:
            self._give_up("an alias refers to what it stands in", node, "write the values out")
        if id(node) in self._seen:
            self._repeated += 1
            if self._repeated > MOST_REPEATED_VALUES:
                self._give_up("aliases stand for too many values", node, "write the values out")
        self._seen.add(id(node))

    def _duplicate(self, key: str, line: int, first: int) -> None:
        note = self._findings.warn if self._foreign else self._findings.error
        code = "CAS-W007" if self._foreign else "CAS-E007"
        place = Place(self._shown, line)
        message = f"stands twice, first in line {first}; YAML would keep only the later one"
        note(code, f"key {key}", message, place, "merge the two or remove one")

    def _give_up(self, message: str, node: yaml.Node, remedy: str) -> object:
        place = Place(self._shown, node.start_mark.line + 1)
        self._findings.error("CAS-E006", self._shown, message, place, remedy)
        raise _Unusable


def _number(text: str, kind: type[int] | type[float]) -> object:
    plain = text.replace("_", "")
    try:
        return int(plain, 0) if kind is int else float(plain)
    except ValueError:  # 0755, .inf and the like are no number anybody means here
        return text


def _report(error: yaml.YAMLError, text: str, shown: str, findings: Findings) -> None:
    line = 0
    message = "no valid YAML"
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 0
        message = ", ".join(part for part in (error.problem, error.context) if part)
        begun = error.context_mark.line + 1 if error.context_mark else line
        message += f" begun in line {begun}" if begun != line else ""
    elif isinstance(error, yaml.reader.ReaderError):
        position = error.position if isinstance(error.position, int) else 0
        line = text.count("\n", 0, position) + 1
        message = f"unprintable character: {error.reason}"
    remedy = "check indentation, quotes and colons there and in the line before"
    findings.error("CAS-E006", shown, f"YAML error: {message}", Place(shown, line), remedy)
