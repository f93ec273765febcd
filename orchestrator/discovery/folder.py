"""The files of a discovered inventory, as text; written by cli, compared by a second run."""

from __future__ import annotations

import difflib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from orchestrator.discovery.draft import Draft, DraftServer
from orchestrator.discovery.from_facts import covered
from orchestrator.inventory.raw_list import RawGroup, RawList, Sealed
from orchestrator.model.topology import Protocol

HOSTS, ORGANIZATION, RECORD = "hosts.yml", "organization.yml", "discovered.json"
NOT_READ, LEFT_OUT = "exchange_not_read", "exchange_left_out"
DISCOVERED = (
    "exchange_build",
    "ad_site",
    "exchange_roles",
    "exchange_dag",
    "exchange_owa_internal_url",
    "exchange_owa_external_url",
)
"""Variables of a host that come from the host alone; what a list says of them is dropped."""

_HOSTS_HEAD = """\
# Written by `orchestrator discover`: connection variables from the list of hosts it was given,
# everything else from the hosts themselves. A second run shows what has changed since.
"""
_ORGANIZATION_HEAD = """\
# Written by `orchestrator discover`: sites and pools from the hosts, everything else from todo.yml.
# Say more in todo.yml and run `orchestrator discover -o FOLDER --force`.
"""


@dataclass(frozen=True)
class Found:
    """Everything an inventory is written from.

    Parameters
    ----------
    draft : Draft
    list : RawList
    not_read : collection of str
        Hosts that gave no answer: they stay in the group ``exchange`` without facts, so that no
        plan is made that leaves them out unknowingly.
    not_exchange : collection of str
        Hosts that answered and are no Exchange servers.
    organization : mapping
        The content of organization.yml.
    minutes : mapping of str to int
        By product line and server.
    """

    draft: Draft
    list: RawList
    not_read: Collection[str] = ()
    not_exchange: Collection[str] = ()
    organization: Mapping[str, Any] = field(default_factory=dict)
    minutes: Mapping[str, int] = field(default_factory=dict)


def files(found: Found, record: Mapping[str, Any]) -> dict[str, str]:
    """Texts by file name; the same input gives the same bytes."""
    return {
        HOSTS: _HOSTS_HEAD + _yaml({"all": _hosts(found)}),
        ORGANIZATION: _ORGANIZATION_HEAD + _yaml(found.organization),
        RECORD: json.dumps(record, indent=1, sort_keys=True, ensure_ascii=False) + "\n",
    }


def difference(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Lines of a unified diff of the files people read; empty if nothing differs."""
    lines: list[str] = []
    for name in sorted({*before, *after} - {RECORD}):
        old, new = before.get(name, ""), after.get(name, "")
        lines += difflib.unified_diff(
            old.splitlines(), new.splitlines(), f"{name} as it is", f"{name} as read", lineterm=""
        )
    return lines


def _hosts(found: Found) -> dict[str, Any]:
    """The content of ``all``: groups of the list first, then those that discovery makes."""
    made = _made_groups(found)
    listed = {group.name: group for group in found.list.groups}
    everything = listed.get("all", RawGroup("all"))
    children: dict[str, Any] = {}
    for name, group in listed.items():
        if name != "all" and name not in made:
            content = {"hosts": group.hosts, "children": group.children}
            children[name] = _group(content, group.variables)
    for name, content in sorted(made.items()):
        whole = _group(content, listed[name].variables if name in listed else {})
        if whole:
            children[name] = whole
    result = _group({"hosts": _ungrouped(found, children)}, everything.variables)
    result["children"] = children
    # What every host has stands once, in the group that discovery makes first.
    return _with_host_variables(result, found)


def _made_groups(found: Found) -> dict[str, dict[str, Any]]:
    lines: dict[str, list[str]] = {}
    left = list(found.not_exchange)
    for server in found.draft.servers:
        if covered(server):
            lines.setdefault(server.product_line, []).append(server.name)
        else:
            left.append(server.name)
    groups: dict[str, dict[str, Any]] = {
        "exchange": {"children": [f"exchange_{line}" for line in sorted(lines)]}
    }
    for line, names in sorted(lines.items()):
        groups[f"exchange_{line}"] = {"hosts": names, "vars": {"exchange_product_line": line}}
        if line in found.minutes:
            groups[f"exchange_{line}"]["vars"]["exchange_estimated_minutes"] = found.minutes[line]
    if found.not_read:
        groups["exchange"]["children"].append(NOT_READ)
        groups[NOT_READ] = {"hosts": sorted(found.not_read)}
    if left:
        groups[LEFT_OUT] = {"hosts": sorted(left)}
    # A list that was discovered before has these; they must not keep yesterday's hosts.
    for name in ("exchange_2007", "exchange_2010", NOT_READ, LEFT_OUT):
        if name not in groups and any(group.name == name for group in found.list.groups):
            groups[name] = {}
    return groups


def _group(content: Mapping[str, Any], variables: Mapping[str, Any]) -> dict[str, Any]:
    group: dict[str, Any] = {}
    if content.get("children"):
        group["children"] = dict.fromkeys(content["children"])
    if content.get("hosts"):
        group["hosts"] = dict.fromkeys(content["hosts"])
    merged = {**_without_discovered(variables), **content.get("vars", {})}
    if merged:
        group["vars"] = merged
    return group


def _ungrouped(found: Found, children: Mapping[str, Any]) -> list[str]:
    placed = {name for group in children.values() for name in group.get("hosts", ())}
    return [name for name in found.list.own_variables if name not in placed]


def _with_host_variables(everything: dict[str, Any], found: Found) -> dict[str, Any]:
    """Put the variables of every host where it is named first."""
    facts = {server.name: _variables(server, found) for server in found.draft.servers}
    waiting = {}
    for name, own in found.list.own_variables.items():
        said = facts.get(name, {})
        kept = {key: own[key] for key in _without_discovered(own) if key not in said}
        waiting[name] = {**kept, **said}
    order = sorted(
        everything["children"].items(), key=lambda item: not item[0].startswith("exchange")
    )
    for _, group in (*order, ("all", everything)):
        for name in group.get("hosts", ()):
            group["hosts"][name] = waiting.pop(name, None) or None
    return everything


def _variables(server: DraftServer, found: Found) -> dict[str, Any]:
    owa = server.directories.get(Protocol.OWA)
    values: dict[str, Any] = {
        "ad_site": server.site,
        "exchange_build": str(server.build),
        "exchange_roles": list(server.roles),
    }
    if server.build is None or not server.build_is_exact:
        del values["exchange_build"]  # a plan must not rest on a rollup nobody has read
    if server.dag:
        values["exchange_dag"] = server.dag
    if owa is not None and owa.internal_url:
        values["exchange_owa_internal_url"] = owa.internal_url
    if owa is not None and owa.external_url:
        values["exchange_owa_external_url"] = owa.external_url
    if server.name in found.minutes:
        values["exchange_estimated_minutes"] = found.minutes[server.name]
    manager = _manager(server.name, found)
    if manager:
        values["exchange_management_host"] = manager
    return values


def _manager(name: str, found: Found) -> str:
    """The management host it was read through, where no group of the list names one."""
    own = found.list.own_variables.get(name, {}).get("exchange_management_host")
    if own:
        return str(own)
    hosts = {host.name: host for host in found.list.hosts}
    if name in hosts and "exchange_management_host" in hosts[name].variables:
        return ""
    return next(iter(found.list.members("management")), "")


def _without_discovered(variables: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in variables.items() if name not in DISCOVERED}


class _Dumper(yaml.SafeDumper):
    """Plain YAML that Ansible reads back, with its vault."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _sealed(dumper: yaml.SafeDumper, value: Sealed) -> yaml.Node:
    return dumper.represent_scalar("!vault", value.ciphertext, style="|")


def _nothing(dumper: yaml.SafeDumper, _: None) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:null", "")


_Dumper.add_representer(Sealed, _sealed)
_Dumper.add_representer(type(None), _nothing)


def _yaml(content: Any) -> str:
    return yaml.dump(
        content,
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=160,
        default_flow_style=False,
    )
