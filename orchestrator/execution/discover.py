"""Reading a list of hosts by playbooks/discover.yml: what exists, before anything is declared."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from orchestrator.diagnostic import Diagnostic, Severity
from orchestrator.execution.attempts import AnsibleInputs
from orchestrator.execution.read_state import KEY, explain, same_machine, unread
from orchestrator.execution.results import RunResult, TaskEvent
from orchestrator.execution.runner import run_playbook
from orchestrator.shipped import playbooks_folder

PLAYBOOK = "discover.yml"
TASK = "Read Exchange server"

_NO_EXCHANGE = re.compile(r"no installation of Exchange", re.IGNORECASE)


@dataclass(frozen=True)
class Reading:
    """What the hosts of a list answered.

    Parameters
    ----------
    answers : mapping of inventory name to ``exchange_server``
        Only usable ones; two names that answered as one server are not among them.
    not_exchange : mapping of inventory name to Diagnostic
        CAS-W802: hosts that answered and run no Exchange this program knows.
    problems : tuple of Diagnostic
        One per host that was not read, and whatever else went wrong.
    """

    answers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    not_exchange: Mapping[str, Diagnostic] = field(default_factory=dict)
    problems: tuple[Diagnostic, ...] = ()


def read_hosts(
    inputs: AnsibleInputs,
    folder: Path,
    expected: Collection[str],
    *,
    events_since: str,
    limit: str = "",
    on_event: Callable[[TaskEvent], None] | None = None,
    cancel: threading.Event | None = None,
) -> Reading:
    """Run the discovering playbook once over all hosts and take its answers apart.

    Parameters
    ----------
    inputs : AnsibleInputs
    folder : Path
        Where the run's folder is made.
    expected : collection of str
        Hosts that must answer.
    events_since : str
        ISO 8601 in UTC.
    limit : str
        A pattern of hosts, empty for the whole list.
    on_event, cancel
        As in `run_playbook`.
    """
    request = inputs.request(playbooks_folder() / PLAYBOOK, folder, "discover")
    since = f"exchange_events_since={events_since}"
    # First, so that a value of the user's own goes before it.
    request = replace(
        request,
        results_of=frozenset({TASK}),
        extra_vars=(since, *request.extra_vars),
        limit=limit,
    )
    return reading(run_playbook(request, on_event=on_event, cancel=cancel), expected)


def reading(result: RunResult, expected: Collection[str]) -> Reading:
    """What a run of the discovering playbook tells."""
    failed = {failure.host: failure for failure in result.failures}
    not_exchange = {
        host: _no_exchange(host, failure.message)
        for host, failure in sorted(failed.items())
        if _NO_EXCHANGE.search(failure.message) and not failure.unreachable
    }
    problems = [explain(failed[host]) for host in sorted(failed) if host not in not_exchange]
    answers: dict[str, Mapping[str, Any]] = {}
    told = {h: a for h, a in result.results.get(TASK, {}).items() if h not in failed}
    for host, answer in sorted(told.items()):
        said = answer.get(KEY)
        if isinstance(said, Mapping):
            answers[host] = said
        else:
            message = f'could not be read: its answer has no "{KEY}"'
            problems.append(Diagnostic("CAS-E506", f"host {host}", message))
    twice = same_machine({host: str(said.get("fqdn", host)) for host, said in answers.items()})
    for hosts, problem in twice:
        problems.append(problem)
        answers = {host: said for host, said in answers.items() if host not in hosts}
    missing = sorted(set(expected) - told.keys() - failed.keys())
    if missing:
        problems += unread(result, missing)
    return Reading(answers, not_exchange, tuple(problems))


def _no_exchange(host: str, message: str) -> Diagnostic:
    return Diagnostic(
        "CAS-W802",
        f"host {host}",
        f"is left out: {message}",
        remedy="take it out of the list; if it does run Exchange 2007 or 2010, see its registry",
        severity=Severity.WARNING,
    )
