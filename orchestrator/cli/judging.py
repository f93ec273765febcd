"""The part of `orchestrator diagnose` that judges a whole farm: an inventory, or exports.

Apart from the logs' part, for it loads networkx, and logs are to be read in little memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.text import Text

from orchestrator.cli.evidence import warn_of
from orchestrator.cli.live import observed_or_declared
from orchestrator.cli.reading_progress import reading
from orchestrator.cli.view import show
from orchestrator.discovery.answer import Builds
from orchestrator.discovery.exports.read import read_exports
from orchestrator.discovery.farm import farm_of, judge_exported
from orchestrator.graph import Diagnosis
from orchestrator.graph import diagnose as judge
from orchestrator.inventory import Inventory
from orchestrator.model.build import Build
from orchestrator.model.words import counted
from orchestrator.planner import goal_state
from orchestrator.report.console import out
from orchestrator.report.results import Diagnosed
from orchestrator.rules.engine import RuleBook
from orchestrator.shipped import catalogue

_BASIS = "as exported; paths derived from ExternalUrls, users are mailboxes"


def diagnose_inventory(
    loaded: Inventory,
    book: RuleBook,
    goals: Mapping[str, Build],
    *,
    live: bool,
    extra_vars: Sequence[str],
    vault_password_file: Path | None,
) -> tuple[Diagnosis, Builds]:
    """Judge the farm as declared, or as its hosts say; gives the verdicts and the builds."""
    state, basis = observed_or_declared(loaded, live, extra_vars, vault_password_file)
    goal = goal_state(loaded.topology, state, goals, catalogue()) if goals else None
    diagnosis = judge(loaded.topology, state, book, goal)
    show(Diagnosed(diagnosis, basis))
    return diagnosis, Builds.of(loaded.topology, state.builds, basis)


def diagnose_exports(paths: Sequence[Path], book: RuleBook) -> tuple[Diagnosis, Builds]:
    """Judge the farm as exports show it; gives the verdicts, and the builds they name exactly."""
    with reading("exports") as on_progress:
        exports = read_exports(paths, catalogue(), on_progress)
    draft = exports.draft
    topology, state, left_out = farm_of(draft)
    warn_of((*exports.findings, *left_out))
    diagnosis = Diagnosis(tuple(judge_exported(draft, topology, state, book, catalogue())))
    show(Diagnosed(diagnosis, _BASIS, "exported"))
    inexact = {server.name for server in draft.client_access if not server.build_is_exact}
    if inexact:
        line = (
            f"No export names the rollup of {counted(len(inexact), 'server')}: see "
            f"docs/discovery.md."
        )
        out().print(Text(line), soft_wrap=True)
    exact = {name: build for name, build in state.builds.items() if name not in inexact}
    return diagnosis, Builds.of(topology, exact, "as exported")
