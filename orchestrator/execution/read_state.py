"""Reading the farm by playbooks/read_state.yml: the only source of observed state."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Collection, Mapping
from typing import Any

from orchestrator.diagnostic import Diagnostic
from orchestrator.execution.observed import ObservedFarm, ServerFacts
from orchestrator.execution.results import (
    RunRequest,
    RunResult,
    RunStatus,
    TaskEvent,
    TaskFailure,
)
from orchestrator.execution.runner import run_playbook

PLAYBOOK = "read_state.yml"
TASK = "Read Exchange server state"
KEY = "exchange_server"

_TOO_OLD = re.compile(r"requires PowerShell", re.IGNORECASE)
_SEALED = re.compile(r"\bvault\b|decrypt", re.IGNORECASE)
_DENIED = re.compile(
    r"authenticat|credentials? (were|was) rejected|access is denied|logon failure|unauthori[sz]ed",
    re.IGNORECASE,
)


def read_state(
    request: RunRequest,
    expected: Collection[str],
    *,
    on_event: Callable[[TaskEvent], None] | None = None,
    cancel: threading.Event | None = None,
) -> ObservedFarm:
    """Run the reading playbook and take its answers apart.

    Parameters
    ----------
    request : RunRequest
        Of ``read_state.yml``.
    expected : collection of str
        Servers that must answer.
    on_event, cancel
        As in `run_playbook`.
    """
    return observed(run_playbook(request, on_event=on_event, cancel=cancel), expected)


def observed(result: RunResult, expected: Collection[str]) -> ObservedFarm:
    """What a run of the reading playbook tells.

    Parameters
    ----------
    result : RunResult
        With the results of the task `TASK`.
    expected : collection of str
        Servers that must answer; any other host that was asked is taken in, too.
    """
    failed = {failure.host: failure for failure in result.failures}
    answers = {
        host: answer for host, answer in result.results.get(TASK, {}).items() if host not in failed
    }
    servers: dict[str, ServerFacts] = {}
    problems = [explain(failed[host]) for host in sorted(failed)]
    for host, answer in sorted(answers.items()):
        taken = _take(host, answer)
        if isinstance(taken, ServerFacts):
            servers[host] = taken
        else:
            problems.append(taken)
    fqdns = {name: facts.fqdn for name, facts in servers.items()}
    problems += [problem for _, problem in same_machine(fqdns)]
    missing = sorted(set(expected) - answers.keys() - failed.keys())
    if missing:
        problems += unread(result, missing)
    return ObservedFarm(servers, tuple(problems))


def _take(host: str, answer: Mapping[str, Any]) -> ServerFacts | Diagnostic:
    said = answer.get(KEY)
    reason = f'its answer has no "{KEY}"'
    if isinstance(said, Mapping):
        try:
            return ServerFacts.from_answer(host, said)
        except ValueError as error:
            reason = str(error)
    return Diagnostic(
        "CAS-E506",
        f"host {host}",
        f"could not be read: {reason}",
        remedy="it counts as not read; look at the server and its management host",
    )


def explain(failure: TaskFailure) -> Diagnostic:
    """Why a server was not read, and what to do (CAS-E501 to CAS-E504)."""
    subject = f"host {failure.host}"
    message = f"could not be read: {failure.message}"
    if _TOO_OLD.search(failure.message):
        return Diagnostic(
            "CAS-E503",
            subject,
            message,
            remedy="Ansible's modules cannot run on it: name a Windows host with PowerShell 5.1 "
            "that manages it as exchange_management_host",
        )
    if _DENIED.search(failure.message):
        return Diagnostic(
            "CAS-E502",
            subject,
            message,
            remedy="check ansible_user and ansible_password of the host, or of its management "
            "host, in the inventory",
        )
    if failure.unreachable:
        return Diagnostic(
            "CAS-E501",
            subject,
            message,
            remedy="check name, network and WinRM of the host, or of its management host",
        )
    sealed = "name the vault's password with --vault-password-file"
    remedy = sealed if _SEALED.search(failure.message) else ""
    return Diagnostic("CAS-E504", subject, message, remedy=remedy)


def same_machine(fqdns: Mapping[str, str]) -> list[tuple[list[str], Diagnostic]]:
    """Hosts of the inventory behind which there is one server (CAS-E508), by what they answered."""
    names: dict[str, list[str]] = {}
    for name, fqdn in fqdns.items():
        names.setdefault(fqdn.lower(), []).append(name)
    return [
        (
            sorted(hosts),
            Diagnostic(
                "CAS-E508",
                f"hosts {', '.join(sorted(hosts))}",
                f"answered as one and the same server, {fqdn}",
                remedy="correct their names in the inventory (exchange_server_name)",
            ),
        )
        for fqdn, hosts in sorted(names.items())
        if len(hosts) > 1
    ]


def unread(result: RunResult, missing: list[str]) -> list[Diagnostic]:
    """Servers that should have answered and were not asked (CAS-E505, CAS-E507)."""
    subject = f"hosts {', '.join(missing)}" if len(missing) > 1 else f"host {missing[0]}"
    if result.status in {RunStatus.CANCELLED, RunStatus.TIMED_OUT}:
        return [Diagnostic("CAS-E507", subject, f"not read: reading was {result.status}")]
    if result.status is RunStatus.NO_STATS:
        said = " ".join(line.strip() for line in result.output) or "Ansible said nothing"
        message = f"not read: Ansible did not get to the end: {said}"
        return [Diagnostic("CAS-E507", subject, message)]
    return [
        Diagnostic(
            "CAS-E505",
            subject,
            "not read: nothing was asked of it",
            remedy='put it into the group "exchange" of the inventory',
        )
    ]
