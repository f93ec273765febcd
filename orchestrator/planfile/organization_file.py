"""Reading an organisation document: every fault with its place, and nothing that only half fits."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Collection, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from orchestrator.diagnostic import Place
from orchestrator.errors import InvalidInput, OrchestratorError
from orchestrator.inventory import yaml_text
from orchestrator.inventory.findings import Findings
from orchestrator.inventory.yaml_text import UNPRINTABLE, Keys, YamlText
from orchestrator.model.build import Catalogue
from orchestrator.planfile.faults import report_faults
from orchestrator.planfile.organization import Organization, OrganizationDoc
from orchestrator.planfile.organization_values import Reader
from orchestrator.rules.rule import Rule

MOST_SERVERS = 200_000
"""Planning is measured up to 100,000; a document far beyond is a mistake, or needs another tool."""
MOST_JSON_BYTES = 200 * 2**20
MOST_YAML_BYTES = 16 * 2**20
_MOST_PLACED_BYTES = 8 * 2**20
_JSON = ".json"
_BEGINS = "it begins with version: 2 and organization: NAME; the schema is shipped"


class Text:
    """A document as plain values, and where each of them stands, as far as that is known."""

    def __init__(self, shown: str, value: object, text: str, known: YamlText | None) -> None:
        self.file = shown
        self.value = value
        self._text = text
        self._known = known

    def place(self, *keys: str | int) -> Place:
        """Where a value stands; only the file where lines are not known."""
        return self._lines.place(*keys) if self._lines else Place(self.file)

    @cached_property
    def _lines(self) -> YamlText | None:
        """JSON is nearly always YAML, too: its lines are looked for once something is wrong."""
        if self._known is not None or len(self._text) > _MOST_PLACED_BYTES:
            return self._known
        return yaml_text.parse(self._text.replace("\t", " "), self.file, Findings())


def read_organization(
    path: Path, catalogue: Catalogue, load_pack: Callable[[str], tuple[Rule, ...]]
) -> Organization:
    """The organisation of a file, JSON if it is named so and YAML otherwise.

    Parameters
    ----------
    load_pack : callable
        Gives the rules of a pack by its name, or raises `InvalidInput`.

    Raises
    ------
    InvalidInput
        With every fault found, by line.
    """
    findings = Findings()
    text = _load(path, findings)
    if text is None:
        raise InvalidInput(findings.errors)
    document = _validate(text, findings)
    if document is None:
        raise InvalidInput(findings.errors)
    organization = Reader(document, text, catalogue, load_pack, findings).read()
    if findings.errors or organization is None:
        raise InvalidInput(findings.errors)
    return organization


def render_organization(document: OrganizationDoc, path: Path) -> str:
    """The text of a document for a file: JSON if it is named so and YAML otherwise."""
    nothing = set() if document.windows else {"windows"}
    fields = document.model_dump(mode="json", by_alias=True, exclude=nothing)
    data = {"version": document.version, **fields}
    if path.suffix == _JSON:
        return json.dumps(data, indent=2, ensure_ascii=False) + "\n"
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=100)


def write_organization(document: OrganizationDoc, path: Path) -> None:
    """Write a document.

    Raises
    ------
    OrchestratorError
        If the file exists, or cannot be written.
    """
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(render_organization(document, path))
    except FileExistsError:
        raise OrchestratorError(
            f"{path} exists; it is not overwritten", "choose another name, or remove it"
        ) from None
    except OSError as error:
        raise OrchestratorError(f"{path} cannot be written: {error.strerror}") from None


def _load(path: Path, findings: Findings) -> Text | None:
    shown = str(path)
    is_json = path.suffix == _JSON
    most = MOST_JSON_BYTES if is_json else MOST_YAML_BYTES
    try:
        size = path.stat().st_size
    except OSError:
        size = 0  # said when it is read
    if size > most:
        remedy = "" if is_json else "write it as JSON (FILE.json): that is read far faster"
        message = f"has {size // 2**20} MB; more than {most // 2**20} MB is not read"
        findings.error("CAS-E703", shown, message, Place(shown), remedy)
        return None
    content = yaml_text.read_text(path, shown, findings)
    if content is None:
        return None
    if is_json:
        return _load_json(content, shown, findings)
    known = yaml_text.parse(content, shown, findings)
    if known is None or findings.errors:
        return None
    return Text(shown, known.value, content, known)


def _load_json(content: str, shown: str, findings: Findings) -> Text | None:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            findings.error("CAS-E007", f"key {twice}", "stands twice in one object", Place(shown))
        return found

    try:
        value = json.loads(content, object_pairs_hook=once)
    except json.JSONDecodeError as error:
        place = Place(shown, error.lineno)
        findings.error("CAS-E701", shown, f"is not JSON: {error.msg}", place, "check that line")
        return None
    except RecursionError:
        findings.error("CAS-E701", shown, "is nested too deeply", Place(shown), "flatten it")
        return None
    except ValueError as error:
        findings.error("CAS-E701", shown, f"cannot be read: {error}", Place(shown))
        return None
    # Most stand there as escapes; a document without any of this is not walked through once more.
    if "\\u" in content or "\x7f" in content or not content.isascii():
        _refuse_unprintable(value, (), shown, findings)
    return None if findings.errors else Text(shown, value, content, None)


def _refuse_unprintable(value: object, keys: Keys, shown: str, findings: Findings) -> None:
    inside: list[tuple[str | int, object]] = []
    if isinstance(value, dict):
        inside = [*value.items(), *((key, key) for key in value)]
    elif isinstance(value, list):
        inside = [*enumerate(value)]
    elif isinstance(value, str) and (found := UNPRINTABLE.search(value)):
        where = UNPRINTABLE.sub("?", ".".join(map(str, keys)))
        message = f"unprintable character in {where}: {found[0]!a}"
        findings.error("CAS-E701", shown, message, Place(shown), "leave it out")
    for key, one in inside:
        _refuse_unprintable(one, (*keys, key), shown, findings)


def _validate(text: Text, findings: Findings) -> OrganizationDoc | None:
    if not isinstance(text.value, dict):
        what = "is empty" if text.value is None else "is not a mapping of settings"
        findings.error("CAS-E702", text.file, what, text.place(), _BEGINS)
        return None
    if text.value.get("version") == 1:
        findings.error(
            "CAS-E702",
            text.file,
            "is an organization.yml of an inventory (version 1), which has no servers in it",
            text.place("version"),
            "plan with -i FOLDER; --write-organization FILE makes a document of it",
        )
        return None
    servers = _count(text.value)
    if servers > MOST_SERVERS:
        message = f"describes {servers} servers; at most {MOST_SERVERS} are planned for"
        remedy = "plan parts that do not proxy to each other by themselves"
        findings.error("CAS-E703", text.file, message, text.place("pools"), remedy)
        return None
    try:
        return OrganizationDoc.model_validate(text.value)
    except ValidationError as error:
        report_faults(error, OrganizationDoc, text, functools.partial(_subject, text), findings)
        return None


def _count(value: Mapping[str, Any]) -> int:
    pools = value.get("pools")
    rows = (
        [p["servers"] for p in pools if isinstance(p, dict) and "servers" in p]
        if isinstance(pools, list)
        else []
    )
    return sum(len(row) for row in rows if isinstance(row, Collection))


def _subject(text: Text, keys: Keys) -> str:
    """What a fault is about, in a person's words."""
    entry: Any = text.value
    chain: list[dict[str, Any]] = []
    for key in keys:
        try:
            entry = entry[key]
        except (KeyError, IndexError, TypeError):
            break
        if isinstance(entry, dict):
            chain.append(entry)
    first = keys[0] if keys else ""
    match first:
        case "pools" if chain:
            pool = f"pool {chain[0].get('site', '?')}/{chain[0].get('product_line', '?')}"
            named = "servers" in keys[:3] and len(chain) > 1 and "name" in chain[1]
            return f"host {chain[1]['name']}" if named else pool
        case "paths" if chain:
            return f"path {chain[0].get('source', '?')} -> {chain[0].get('target', '?')}"
        case "packages" if chain:
            return f"package {chain[0].get('build', '?')}"
        case "sites" if chain:
            return f"site {chain[0].get('name', '?')}"
        case "rules" if "own" in keys and len(chain) > 1:
            return f"rule {chain[1].get('id', '?')}"
    return str(first) or text.file
