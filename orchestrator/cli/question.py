"""What a plan is asked for: an organisation in a state, goals, and the rules in force."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import typer

from orchestrator.cli.inputs import read_goals, read_inventory, rule_book, show_warnings
from orchestrator.cli.live import observed_or_declared
from orchestrator.inventory.windows import WindowsFile
from orchestrator.model.build import Build
from orchestrator.model.state import State
from orchestrator.model.topology import Topology
from orchestrator.planfile.organization_file import read_organization
from orchestrator.rules.engine import RuleBook
from orchestrator.shipped import catalogue, rule_pack


@dataclass(frozen=True)
class Question:
    """Everything a plan follows from.

    Parameters
    ----------
    topology : Topology
    start : State
    goals : mapping of product line to Build
    book : RuleBook
    windows : WindowsFile or None
        If the source holds them.
    """

    topology: Topology
    start: State
    goals: Mapping[str, Build]
    book: RuleBook
    windows: WindowsFile | None = None


@dataclass(frozen=True)
class Source:
    """Where the question comes from: an inventory, or an organisation document.

    Parameters
    ----------
    inventory, organization : Path or None
        One of the two.
    live : bool
        Whether the hosts of the inventory are read; a document has none.
    extra_vars : sequence of str
    vault_password_file : Path or None
    """

    inventory: Path | None
    organization: Path | None
    live: bool
    extra_vars: Sequence[str]
    vault_password_file: Path | None


def ask(
    source: Source, to: Sequence[str], accept: Sequence[str], strict: Sequence[str]
) -> Question:
    """The question put by a source and by the command line, which goes before it.

    Raises
    ------
    typer.BadParameter
        If none or both of the sources are named, or hosts are to be read of a document.
    InvalidInput
    """
    goals = read_goals(to)
    if source.inventory is not None and source.organization is None:
        loaded = read_inventory(source.inventory, source.vault_password_file, source.extra_vars)
        book = rule_book(loaded, accept, strict)
        start, _ = observed_or_declared(
            loaded, source.live, source.extra_vars, source.vault_password_file
        )
        return Question(loaded.topology, start, goals, book)
    if source.organization is None or source.inventory is not None:
        raise typer.BadParameter("name either an inventory with -i or a file with --organization")
    if source.live:
        raise typer.BadParameter("--live reads hosts, and a document has none; use -i")
    read = read_organization(source.organization, catalogue(), rule_pack)
    if read.windows is not None:
        show_warnings(read.windows.warnings)
    book = rule_book(read.policy, accept, strict, read.rules)
    return Question(read.topology, read.state, {**read.goals, **goals}, book, read.windows)
