"""From nothing but the logs of the simulated farm: who proxies to whom, and what is broken."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.cli.main import main
from orchestrator.discovery.answer import Answer, Builds, answer
from orchestrator.discovery.events.read import read_event_logs
from orchestrator.discovery.evidence import Evidence
from orchestrator.discovery.iis.read import read_iis_logs
from orchestrator.lab.lab import Lab
from orchestrator.model.build import Build
from orchestrator.rules.engine import RuleBook
from orchestrator.shipped import rule_pack

if TYPE_CHECKING:
    import pytest

    from .conftest import Browse

PROXIED = {
    ("paris/2010", "berlin/2010"),
    ("madrid/2010", "rome/2010"),
    ("rome/2010", "madrid/2010"),
    ("madrid/2010", "lisbon/2007"),
    ("rome/2010", "lisbon/2007"),
    ("madrid/2010", "berlin/2010"),
}
"""What inventories/contoso declares, without the path that is a redirection."""
LOG_ONS = [
    *(("par-cas-01", "berlin-2010"), ("par-cas-02", "berlin-2010"), ("par-cas-01", "berlin-2007")),
    *(("mad-cas-01", "rome-2010"), ("mad-cas-02", "rome-2010"), ("rom-cas-01", "madrid-2010")),
    *(("mad-cas-01", "lisbon-2007"), ("rom-cas-01", "lisbon-2007"), ("mad-cas-02", "berlin-2010")),
    *(("par-cas-01", "paris-2010"), ("ber-cas-01", "berlin-2010")),
]


def test_the_proxy_graph_is_reconstructed(
    lab: Lab, browse: Browse, capsys: pytest.CaptureFixture[str]
) -> None:
    for source, mailbox in LOG_ONS:
        browse(source, mailbox)
    pools = {name: f"{s.site}/{s.line}" for name, s in lab.farm.servers.items()}
    folder = lab.store.folder / "servers"
    lab.stop()

    found, evidence = _read(folder)
    assert {(pools[p.source], pools[p.target]) for p in found.paths} == PROXIED
    assert evidence.findings == () or {f.code for f in evidence.findings} == {"CAS-W811"}

    affected = {source.server: source for source in found.affected}
    assert set(affected) == {"par-cas-01", "par-cas-02"}
    for source in affected.values():
        assert source.builds == (Build(14, 2, 283, 3),)
        assert {pools[target] for target in source.targets} == {"berlin/2010"}
        assert source.sighting.first is not None
    people = {found.server: found.users for found in evidence.users}
    assert people["rom-cas-01"] == 2

    logs = str(folder)
    assert main(["diagnose", "--events", logs, "--iis-logs", logs]) == 2
    shown = capsys.readouterr().out
    assert shown.startswith("Affected: yes. 2 sources logged that")
    assert "seen-failing [doc]" in shown
    assert "build-not-known [open]" in shown


def _read(folder: Path) -> tuple[Answer, Evidence]:
    evidence = read_event_logs([folder]) + read_iis_logs([folder])
    return answer(evidence, Builds(), RuleBook(rule_pack())), evidence
