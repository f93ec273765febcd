"""Looking at published addresses by playbooks/redirect_evidence.yml, from this machine."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from orchestrator.execution.attempts import AnsibleInputs
from orchestrator.execution.results import RunResult
from orchestrator.execution.runner import run_playbook
from orchestrator.shipped import playbooks_folder

PLAYBOOK = "redirect_evidence.yml"
LOOK, LOG_ON = "Look at the address", "Log on at the address"


@dataclass(frozen=True)
class Address:
    """A published address to be looked at.

    Parameters
    ----------
    url : str
    servers : tuple of str
        Of the pool it must lead to; the first one's variables say how to get there.
    mailbox : str
        Test mailbox of the pool; empty if there is none.
    """

    url: str
    servers: tuple[str, ...]
    mailbox: str = ""


@dataclass(frozen=True)
class Look:
    """One finding of ``dns``, ``certificate``, ``publishing`` or ``log-on``.

    Parameters
    ----------
    result : str
        ``shown``, ``failed`` or ``unknown``.
    """

    check: str
    result: str
    text: str


def look(
    inputs: AnsibleInputs, folder: Path, addresses: Sequence[Address]
) -> dict[str, tuple[Look, ...]]:
    """Look at addresses, log on where there is a test mailbox; findings by address."""
    asked = [{"url": a.url, "server": a.servers[0], "mailbox": a.mailbox} for a in addresses]
    request = inputs.request(playbooks_folder() / PLAYBOOK, folder, "redirects")
    given = json.dumps({"exchange_redirects": asked})
    request = replace(
        request,
        extra_vars=(*request.extra_vars, given),
        results_of=frozenset({LOOK, LOG_ON}),
    )
    return findings(run_playbook(request), addresses)


def findings(result: RunResult, addresses: Sequence[Address]) -> dict[str, tuple[Look, ...]]:
    """What a run of the playbook tells; what it does not tell is unknown."""
    looked, logged_on = (_by_url(result, task) for task in (LOOK, LOG_ON))
    return {
        address.url: (
            *_looks(looked.get(address.url)),
            _log_on(address, logged_on.get(address.url)),
        )
        for address in addresses
    }


def _by_url(result: RunResult, task: str) -> dict[str, Mapping[str, Any]]:
    hosts = result.results.get(task, {})
    rows = [row for answer in hosts.values() for row in answer.get("results", ())]
    return {str(row["item"]["url"]): row for row in rows if "item" in row}


def _looks(row: Mapping[str, Any] | None) -> list[Look]:
    if row is None or "checks" not in row:
        text = f"was not looked at: {_said(row)}"
        return [Look(name, "unknown", text) for name in ("dns", "certificate", "publishing")]
    return [Look(str(c["check"]), str(c["result"]), str(c["text"])) for c in row["checks"]]


def _log_on(address: Address, row: Mapping[str, Any] | None) -> Look:
    if not address.mailbox:
        return Look("log-on", "unknown", "the pool has no test_mailbox")
    if row is None or "outcome" not in row:
        return Look("log-on", "unknown", f"was not tried: {_said(row)}")
    seen = [str(one["target"]) for one in row["tries"] if one.get("target")]
    own = {name.partition(".")[0].lower() for name in address.servers}
    strangers = sorted({name for name in seen if name.partition(".")[0].lower() not in own})
    if row["as_expected"] and seen and not strangers:
        return Look(
            "log-on", "shown", f"{address.mailbox} served by {', '.join(sorted(set(seen)))}"
        )
    if row["as_expected"] and not seen:
        return Look("log-on", "unknown", "served, but the server does not name itself")
    why = f"leads to {', '.join(strangers)}, which is not of the pool" if strangers else row["why"]
    return Look("log-on", "failed", str(why))


def _said(row: Mapping[str, Any] | None) -> str:
    return " ".join(str((row or {}).get("msg") or "no answer").split())[:300]
