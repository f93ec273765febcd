"""The one file of what no server can say: made for a person to fill in, read with places."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from orchestrator.diagnostic import Diagnostic, Severity
from orchestrator.discovery.draft import Draft
from orchestrator.discovery.from_facts import covered
from orchestrator.inventory.document import Document, validate
from orchestrator.inventory.findings import did_you_mean
from orchestrator.inventory.hosts import ASSUMED_MINUTES, MOST_MINUTES
from orchestrator.inventory.organization import PoolEntry, SiteEntry
from orchestrator.inventory.yaml_text import Keys, YamlText
from orchestrator.model.topology import PoolId, Protocol

if TYPE_CHECKING:
    from orchestrator.inventory.findings import Findings

NAME = "todo.yml"
OPEN = "TODO"

_SITE_FIELDS = ("internet_facing", "domain_controller")
_POOL_FIELDS = tuple(f for f in PoolEntry.model_fields if f not in {"site", "product_line"})
_TOP = ("replication_minutes", "paths", "packages", "policy")

# What becomes of a field that is still TODO; docs/discovery.md says the same.
_ELSE: Mapping[str, str] = {
    "organization": "the domain's name is used",
    "replication_minutes": "195 are assumed, the default interval of site links and a margin",
    "minutes": f"{ASSUMED_MINUTES} are assumed, and windows are planned with it",
    "internet_facing": "taken as not facing the Internet; no path is derived from it",
    "domain_controller": "any domain controller is written to, and the probe alone waits",
    "minimum_in_service": "all but one are kept in service",
    "balanced": "one minimum holds for the whole pool, whatever names its servers are behind",
    "redirect_url": "the pool counts as one that cannot be redirected",
    "redirect_evidence": "a redirect_url counts as declared only, which is unknown",
    "outage_consent": "nobody consents; a plan that empties the pool is refused",
    "hold": "the pool may change",
    "test_mailbox": "paths into the pool cannot be verified from outside",
    "mailboxes": "no path is derived for it",
    "paths": "derived from internet_facing and mailboxes; without those no plan is made",
    "packages": "nothing can be installed or removed",
    "policy": "no rule is accepted or made strict",
}
_FORMS: Mapping[str, str] = {
    "redirect_url": "https://NAME/owa",
    "redirect_evidence": "{date: 2012-04-18, text: what was tested by whom}",
    "outage_consent": "true or false",
    "internet_facing": "true or false",
    "hold": "why it must stay at its build",
    "test_mailbox": "the address of a mailbox in this pool",
    "paths": "a list of {source, target, product_line, protocol, users}",
    "packages": "BUILD: {path, sha256, patch_code}",
    "minutes": "how many it takes to change the build of one server, by product line",
    "replication_minutes": "how many minutes a changed ExternalUrl may take to reach every site",
    "minimum_in_service": "how many servers keep serving while others change",
    "balanced": "a list of {name, servers, minimum_in_service}, if a balancer has several names",
    "mailboxes": "how many mailboxes the pool has",
    "policy": "{accept: [{rule, reason}], strict: [{rule, reason}]}",
    "domain_controller": "the full name of the one its addresses are written to",
}


@dataclass(frozen=True)
class Answers:
    """What a person said, merged with what was discovered.

    Parameters
    ----------
    organization : mapping
        The content of organization.yml.
    minutes : mapping of str to int
        By product line and by server.
    open : tuple of Diagnostic
        CAS-W805: fields nobody has filled in, each with what is assumed instead.
    """

    organization: Mapping[str, Any]
    minutes: Mapping[str, int] = field(default_factory=dict)
    open: tuple[Diagnostic, ...] = ()


def template(draft: Draft) -> str:
    """The text of a new todo.yml for a draft."""
    pools = _pools(draft)
    lines = [
        "# What no server can say of itself. Replace every TODO, or remove its line.",
        "# `orchestrator discover -o FOLDER --force` takes it over; it never writes over it.",
        "#",
        *_legend(),
        "version: 1",
        f"organization: {OPEN}    # else {draft.organization or 'unnamed'}",
        f"replication_minutes: {OPEN}",
        "minutes:    # a server's own name may stand here, too",
    ]
    lines += [f"  {line}: {OPEN}" for line in sorted({pool.product_line for pool in pools})]
    lines.append("sites:")
    for site in sorted({pool.site for pool in pools}):
        lines += [f"  {site}:", f"    internet_facing: {OPEN}    # {_addresses(draft, site)}"]
        lines.append(f"    domain_controller: {OPEN}")
    lines.append("pools:")
    for pool, servers in sorted(pools.items()):
        lines.append(f"  {pool}:    # {', '.join(servers)}")
        counted = {"mailboxes": draft.mailboxes[pool]} if pool in draft.mailboxes else {}
        lines += [f"    {name}: {counted.get(name, OPEN)}" for name in _POOL_FIELDS]
    lines += [f"{name}: {OPEN}" for name in _TOP if name != "replication_minutes"]
    return "\n".join(lines) + "\n"


def _legend() -> list[str]:
    lines = []
    for name, otherwise in _ELSE.items():
        form = _FORMS.get(name, "")
        lines.append(f"#   {name}: {form}" if form else f"#   {name}")
        lines.append(f"#     {OPEN}: {otherwise}")
    return lines


def read(text: YamlText, draft: Draft, findings: Findings) -> Answers | None:
    """Merge what a person filled in; None with findings if it cannot be used.

    Parameters
    ----------
    text : YamlText
        Of todo.yml.
    findings : Findings
        Gets CAS-E805 and those of organization.yml, placed in todo.yml.
    """
    return _Reader(text, draft, findings).read()


class _Reader:
    def __init__(self, text: YamlText, draft: Draft, findings: Findings) -> None:
        self._text = text
        self._given: Mapping[str, Any] = text.value if isinstance(text.value, dict) else {}
        self._draft = draft
        self._findings = findings
        self._open: list[Diagnostic] = []
        self._lines: dict[Keys, int] = {(): 1}

    def read(self) -> Answers | None:
        before = len(self._findings.errors)
        self._check_top()
        content: dict[str, Any] = {"version": 1, "organization": self._organization()}
        pools = _pools(self._draft)
        content["sites"] = {
            site: self._fields(("sites", site), _SITE_FIELDS, SiteEntry) or None
            for site in sorted({pool.site for pool in pools})
        }
        content["pools"] = [
            {"site": p.site, "product_line": p.product_line, **self._pool(p, index)}
            for index, p in enumerate(sorted(pools))
        ]
        for name in _TOP:
            if self._said((name,), f"todo {name}"):
                content[name] = self._given[name]
                self._take_lines((name,), (name,))
        minutes = self._minutes(pools)
        if len(self._findings.errors) > before:
            return None
        if pools and self._document(content) is None:
            return None
        return Answers(content, minutes, tuple(self._open))

    def _document(self, content: Mapping[str, Any]) -> Document | None:
        return validate(YamlText(self._text.file, content, self._lines), self._findings)

    def _organization(self) -> str:
        if self._said(("organization",), "organization"):
            self._take_lines(("organization",), ("organization",))
            return self._given["organization"]  # type: ignore[no-any-return]
        return self._draft.organization or "unnamed"

    def _pool(self, pool: PoolId, index: int) -> dict[str, Any]:
        keys = ("pools", str(pool))
        found = self._fields(keys, _POOL_FIELDS, PoolEntry)
        for name in found:
            self._take_lines((*keys, name), ("pools", index, name))
        return found

    def _fields(self, keys: Keys, names: tuple[str, ...], model: Any) -> dict[str, Any]:
        entry = _at(self._given, keys)
        subject = f"{str(keys[0])[:-1]} {keys[1]}"
        if entry is None or entry == OPEN:
            if self._given:
                self._note(
                    subject, f"nothing is said of it in {self._text.file}", keys, str(keys[1])
                )
            return {}
        if not isinstance(entry, dict):
            self._error(subject, "should be a mapping of fields", keys)
            return {}
        found = {}
        for name in entry:
            if name not in names:
                remedy = did_you_mean(name, names)
                self._error(subject, f"has an unknown field {name}", (*keys, name), remedy)
            elif self._said((*keys, name), subject):
                found[name] = entry[name]
        self._take_lines(keys, keys)
        return found

    def _minutes(self, pools: Mapping[PoolId, tuple[str, ...]]) -> dict[str, int]:
        given = self._given.get("minutes")
        lines = {pool.product_line for pool in pools}
        known = {*lines, *(name for members in pools.values() for name in members)}
        if given is None or given == OPEN or not isinstance(given, dict):
            if given is not None and given != OPEN:
                self._error(
                    "minutes", "should be a mapping of product line to minutes", ("minutes",)
                )
            else:
                self._note("minutes", _ELSE["minutes"], ("minutes",), "minutes")
            return {}
        found = {}
        for name, value in given.items():
            keys = ("minutes", name)
            if name not in known:
                remedy = did_you_mean(name, known)
                self._error(f"minutes {name}", "is no product line or server found", keys, remedy)
            elif self._said(keys, f"minutes {name}"):
                if (
                    isinstance(value, int)
                    and not isinstance(value, bool)
                    and 1 <= value <= MOST_MINUTES
                ):
                    found[str(name)] = value
                else:
                    message = f"should be a whole number from 1 to {MOST_MINUTES}, found {value!r}"
                    self._error(f"minutes {name}", message, keys)
        return found

    def _said(self, keys: Keys, subject: str) -> bool:
        """Whether a field holds an answer; one that is still TODO is noted."""
        value = _at(self._given, keys)
        if isinstance(value, str) and value.strip().upper() == OPEN:
            name = "minutes" if keys[0] == "minutes" else str(keys[-1])
            self._note(subject, f"{name} is still {OPEN}: {_ELSE.get(name, '')}", keys, name)
            return False
        for deeper in _open_within(value):
            self._error(
                subject,
                f"{keys[-1]} is filled in by half: {'.'.join(map(str, deeper))} is still {OPEN}",
                (*keys, *deeper),
                "fill in the whole entry, or write TODO for all of it",
            )
            return False
        return value is not None

    def _check_top(self) -> None:
        top = {"version", "organization", "minutes", "sites", "pools", *_TOP}
        for name in self._given:
            if name not in top:
                self._error(
                    "todo", f"has an unknown field {name}", (name,), did_you_mean(name, top)
                )
        if self._given and self._given.get("version") != 1:
            self._error("todo", "has no `version: 1`", ("version",), "add version: 1")
        pools = _pools(self._draft)
        for kind, known in (
            ("sites", {pool.site for pool in pools}),
            ("pools", set(map(str, pools))),
        ):
            entries = self._given.get(kind)
            for name in entries if isinstance(entries, dict) else ():
                if name not in known:
                    message = "no server of it was read"
                    remedy = did_you_mean(name, known) if known else ""
                    self._error(f"{kind[:-1]} {name}", message, (kind, name), remedy)

    def _take_lines(self, start: Keys, to: Keys) -> None:
        """Lines of a part of todo.yml, under the keys it has in organization.yml."""
        for keys, line in self._text.lines.items():
            if keys[: len(start)] == start:
                self._lines[(*to, *keys[len(start) :])] = line

    def _note(self, subject: str, message: str, keys: Keys, name: str) -> None:
        form = _FORMS.get(name, "")
        remedy = f"say {form}" if form else ""
        place = self._text.place(*keys)
        self._open.append(Diagnostic("CAS-W805", subject, message, place, remedy, Severity.WARNING))

    def _error(self, subject: str, message: str, keys: Keys, remedy: str = "") -> None:
        self._findings.error("CAS-E805", subject, message, self._text.place(*keys), remedy)


def _pools(draft: Draft) -> dict[PoolId, tuple[str, ...]]:
    found: dict[PoolId, list[str]] = {}
    for server in draft.servers:
        if covered(server):
            found.setdefault(PoolId(server.site, server.product_line), []).append(server.name)
    return {pool: tuple(sorted(names)) for pool, names in found.items()}


def _at(value: Any, keys: Keys) -> Any:
    for key in keys:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def _open_within(value: Any, keys: Keys = ()) -> Iterator[Keys]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _open_within(item, (*keys, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _open_within(item, (*keys, index))
    elif keys and isinstance(value, str) and value.strip().upper() == OPEN:
        yield keys


def _addresses(draft: Draft, site: str) -> str:
    """What was found that may tell whether clients from outside arrive at a site."""
    urls = {
        directory.external_url
        for server in draft.servers
        if server.site == site
        for protocol, directory in server.directories.items()
        if protocol is Protocol.OWA and directory.external_url
    }
    return f"ExternalUrl found: {', '.join(sorted(urls))}" if urls else "no ExternalUrl found"
