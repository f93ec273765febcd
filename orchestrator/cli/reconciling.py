"""What `reconcile` reads: hosts or a discovered folder, logs, and redirect addresses."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from orchestrator.cli.discovering import read_record
from orchestrator.diagnostic import Diagnostic
from orchestrator.discovery.draft import Draft
from orchestrator.discovery.evidence import EventEvidence, Evidence
from orchestrator.discovery.facts_events import reported_events
from orchestrator.discovery.from_facts import draft, left_out
from orchestrator.discovery.redirects import INSIDE, OUTSIDE, RedirectCheck
from orchestrator.errors import InvalidInput
from orchestrator.execution.attempts import AnsibleInputs
from orchestrator.execution.discover import Reading
from orchestrator.execution.redirects import Address, look
from orchestrator.model.topology import PoolId, Topology
from orchestrator.report.console import err
from orchestrator.shipped import catalogue


class Vantage(StrEnum):
    """Where the machine that looks stands."""

    INSIDE = INSIDE
    OUTSIDE = OUTSIDE


@dataclass(frozen=True)
class Read:
    """What hosts said, now or when a folder was written.

    Parameters
    ----------
    draft : Draft
    names : mapping of address to host name
    events : tuple of EventEvidence
    not_read : sequence of str
    problems : sequence of Diagnostic
    """

    draft: Draft
    names: Mapping[str, str] = field(default_factory=dict)
    events: tuple[EventEvidence, ...] = ()
    not_read: Sequence[str] = ()
    problems: Sequence[Diagnostic] = ()


def found_before(folder: Path) -> Read:
    """From a folder that `discover` wrote.

    Raises
    ------
    InvalidInput
        If it is none.
    """
    record = read_record(folder)
    return _read(Reading(record.answers, record.not_exchange, record.problems))


def draft_of(reading: Reading) -> Read:
    """From a reading just made.

    Raises
    ------
    InvalidInput
        If no host answered at all: there is nothing to hold the inventory against.
    """
    if not reading.answers and reading.problems:
        raise InvalidInput(reading.problems)
    return _read(reading)


def look_at_redirects(
    inputs: AnsibleInputs, topology: Topology, vantage: Vantage
) -> dict[PoolId, list[RedirectCheck]]:
    """Look at the address of every pool that has one."""
    pools = {id_: pool for id_, pool in topology.pools.items() if pool.redirect_url}
    addresses = [Address(p.redirect_url, p.servers, p.test_mailbox) for p in pools.values()]
    if not addresses:
        return {}
    err().print(f"Looking at {len(addresses)} addresses from {vantage} ...")
    with tempfile.TemporaryDirectory(prefix="orchestrator-") as folder:
        found = look(inputs, Path(folder), addresses)
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    return {
        id_: [
            RedirectCheck(one.check, vantage, one.result, one.text, today)
            for one in found[pool.redirect_url]
        ]
        for id_, pool in pools.items()
    }


def read_logs(
    events: Sequence[Path], iis_logs: Sequence[Path], read: Read | None
) -> Evidence | None:
    """What logs and the events that hosts reported show; None if there are neither."""
    reported = read.events if read is not None else ()
    if not events and not iis_logs and not reported:
        return None
    from orchestrator.discovery.events.read import read_event_logs
    from orchestrator.discovery.iis.read import read_iis_logs

    # The same log, read twice, would count twice.
    evidence = Evidence(events=() if events else reported)
    if events:
        evidence += read_event_logs(events)
    if iis_logs:
        evidence += read_iis_logs(iis_logs, read.names if read is not None else {})
    return evidence


def _read(reading: Reading) -> Read:
    drafted, unusable = draft(reading.answers, catalogue())
    names = {
        str(address): server.name
        for server in drafted.servers
        for address in reading.answers[server.name]["ip_addresses"] or ()
    }
    problems = (*reading.problems, *unusable, *reading.not_exchange.values(), *left_out(drafted))
    not_read = tuple(p.subject.removeprefix("host ") for p in (*reading.problems, *unusable))
    return Read(drafted, names, reported_events(reading.answers), not_read, problems)
