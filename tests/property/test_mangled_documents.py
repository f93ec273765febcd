"""Organisation documents with a value of any kind at any key: a plan, or findings with a place."""

from __future__ import annotations

import copy
import json
import math
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestrator.cli.planning import checked_plan
from orchestrator.diagnostic import Diagnostic
from orchestrator.errors import InvalidInput, NoSafePlan
from orchestrator.inventory.yaml_text import UNPRINTABLE
from orchestrator.planfile.organization_file import read_organization
from orchestrator.planner import goal_state
from orchestrator.shipped import catalogue, rule_pack

BLOCKS = 2
PER_BLOCK = 300
"""Of some ten thousand; all were tried while this was written."""
DOCUMENT = """\
version: 2
organization: fabrikam
replication_minutes: 30
sites: [{name: paris, internet_facing: true, domain_controller: dc1}, {name: rome}]
pools:
  - site: paris
    product_line: "2010"
    minimum_in_service: 1
    balanced: [{name: mail, servers: [par-1, par-2], minimum_in_service: 1}]
    servers:
      - {name: par-1, build: 2010 SP2 RTM, estimated_minutes: 30, internal_url: "https://par-1/owa"}
      - {name: par-2, build: 14.2.247.5, external_urls: {owa: "https://par/owa"}}
  - site: rome
    product_line: "2007"
    servers: [{name: rom-1, build: 2007 SP3 RU6, management_host: m, version_folders: [8.3.83.6]}]
    redirect_url: https://rome.example/owa
    redirect_evidence: seen
    outage_consent: true
    hold: ""
    test_mailbox: a@rome.example
    mailboxes: 10
paths: [{source: paris/2010, target: rome/2007, protocol: owa, users: 10}]
packages:
  - {build: 2010 SP2 RU2, kb: "2661854", onto: {at_least: 2010 SP2, below: 2010 SP3}, minutes: 40}
  - {build: 2007 SP3 RU7}
goals: {"2010": 2010 SP2 RU2, "2007": 2007 SP3 RU7}
policy: {accepted: {a-rule: because}, strict: {another: because}, switch_user_hours: 10}
rules:
  packs: [exchange-2007-2010, version-folders-2010-2007]
  own:
    - {id: ours, title: t, protocols: [ews], source: {at_least: 14.2.283.3}, target: {},
       relation: source-newer, verdict: unknown, confidence: field, references: [here],
       remedy: version-folder}
windows:
  version: 1
  zone: Europe/Paris
  site_zones: {rome: Europe/Rome}
  from: "2026-10-19"
  until: "2026-12-31"
  windows:
    - {name: n, sites: [paris, rome], days: [sat, sun], start: "22:00", duration: 6h}
    - {rrule: FREQ=MONTHLY;BYDAY=2SA, since: "2026-10-01", start: "02:00", end: "05:00", zone: UTC}
  blackouts: [{first_day: "2026-12-20", last_day: "2026-12-28"}]
  policy: {max_parallel: 2, reserve_minutes: 10, verification_minutes: 5}
"""
VALUES: list[Any] = [
    *(None, True, False, 0, -1, 1, 1320, 14.1, math.nan, math.inf, 10**30, "", " ", "no"),
    *("\0", "\ud800", "\x1b[2J", "a\nb", "../../etc", "{{ 1/0 }}", "\xe9" * 300, "x" * 100_000),
    *("22:00", "24:00", "2026-02-30", "0h", "2010 SP2 RU2", "8.3.264.0", "99999.1.1.1", "1.2.3"),
    *([], {}, [[]], [None], {"a": 1}, {"": None}, ["a", "a"], ["owa", "owa"], {"owa": "x"}),
    *("FREQ=SECONDLY", "FREQ=DAILY;COUNT=999999999", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"),
]
DROP, TWICE, MORE = object(), object(), object()


def keys_of(value: object, keys: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    inside = value.items() if isinstance(value, dict) else ()
    inside = enumerate(value) if isinstance(value, list) else inside
    for key, one in inside:
        yield (*keys, key)
        yield from keys_of(one, (*keys, key))


def mangled(document: dict[str, Any], keys: tuple[str | int, ...], accident: object) -> None:
    at: Any = document
    for key in keys[:-1]:
        at = at[key]
    if accident is DROP:
        del at[keys[-1]]
    elif accident is TWICE and isinstance(at, list):
        at.append(copy.deepcopy(at[keys[-1]]))
    elif accident is MORE and isinstance(at[keys[-1]], dict):
        at[keys[-1]]["nobody"] = 1
    elif accident is not TWICE and accident is not MORE:
        at[keys[-1]] = accident


@pytest.mark.parametrize("block", range(BLOCKS))
def test_any_value_anywhere(block: int, tmp_path: Path) -> None:
    sound = yaml.safe_load(DOCUMENT)
    every = [(k, a) for k in keys_of(sound) for a in (*VALUES, DROP, TWICE, MORE)]
    random.Random(14).shuffle(every)
    file = tmp_path / "o.json"
    refused = 0
    for keys, accident in every[block * PER_BLOCK : (block + 1) * PER_BLOCK]:
        document = copy.deepcopy(sound)
        mangled(document, keys, accident)
        file.write_text(json.dumps(document), encoding="utf-8")
        said: Sequence[Diagnostic] = ()
        try:
            found = read_organization(file, catalogue(), rule_pack)
        except InvalidInput as error:
            said = error.diagnostics
        assert all(one.place and one.place.file == str(file) for one in said), keys
        assert UNPRINTABLE.search("".join(map(str, said))) is None, keys
        if said:
            refused += 1
            continue
        try:
            end = goal_state(found.topology, found.state, found.goals, catalogue())
            timing = found.windows.timing if found.windows else None
            book = found.rules.book(rule_pack, found.policy)
            checked_plan(found.topology, found.state, end, book, timing=timing)
        except (InvalidInput, NoSafePlan):
            continue
    assert PER_BLOCK / 2 < refused < PER_BLOCK
