"""`orchestrator graph`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from orchestrator.cli.inputs import read_inventory, rule_book
from orchestrator.cli.live import observed_or_declared
from orchestrator.cli.options import ExtraVars, OptionalInventory, VaultPasswordFile
from orchestrator.cli.view import show
from orchestrator.diagnostic import Diagnostic
from orchestrator.drawing import (
    Detail,
    Scene,
    Selection,
    arrange,
    dot_text,
    graph_svg,
    groups_of,
    mermaid_text,
    scene_document,
    scene_of,
)
from orchestrator.drawing.grouping import Drawn as Boxes
from orchestrator.errors import InvalidInput, OrchestratorError
from orchestrator.model.plan import Plan, after_all
from orchestrator.model.state import State
from orchestrator.model.topology import Protocol, Topology
from orchestrator.planfile import read_plan
from orchestrator.report.console import say
from orchestrator.report.json_text import json_text
from orchestrator.report.results import Drawn
from orchestrator.rules.engine import RuleBook
from orchestrator.shipped import catalogue, rule_pack

_Thing = TypeVar("_Thing")


class Form(StrEnum):
    """What is written."""

    SVG = "svg"
    DOT = "dot"
    MERMAID = "mermaid"
    JSON = "json"


@dataclass(frozen=True)
class _Drawable:
    topology: Topology
    state: State
    book: RuleBook
    alike_in: tuple[State, ...]
    title: str


def graph(
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="[DIR]", help="Folder that `orchestrator plan` wrote; or give -i."),
    ] = None,
    inventory: OptionalInventory = None,
    before: Annotated[
        bool, typer.Option("--before", help="With DIR: as the plan starts (the default).")
    ] = False,
    after: Annotated[bool, typer.Option("--after", help="With DIR: as the plan ends.")] = False,
    after_step: Annotated[
        str,
        typer.Option(
            "--after-step",
            metavar="STEP",
            help="With DIR: once this step and those before it in the plan are done.",
        ),
    ] = "",
    form: Annotated[Form, typer.Option("--format", help="What is written.")] = Form.SVG,
    protocol: Annotated[Protocol, typer.Option("--protocol", help="Which paths.")] = Protocol.OWA,
    site: Annotated[
        list[str] | None,
        typer.Option("--site", metavar="SITE", help="Only this site and what it touches."),
    ] = None,
    pool: Annotated[
        list[str] | None,
        typer.Option("--pool", metavar="SITE/LINE", help="Only this pool and what it touches."),
    ] = None,
    broken_only: Annotated[
        bool, typer.Option("--broken-only", help="Only paths that do not work or are not known to.")
    ] = False,
    detail: Annotated[
        Detail,
        typer.Option(
            "--detail", help="full: a box for every pool; auto: pools alike share one if many."
        ),
    ] = Detail.AUTO,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="New file, not stdout.")
    ] = None,
    live: Annotated[
        bool, typer.Option("--live", help="With -i: the state read from the hosts.")
    ] = False,
    extra_vars: ExtraVars = None,
    vault_password_file: VaultPasswordFile = None,
) -> int:
    """Draw the proxy graph of one protocol in one state, as SVG, DOT, Mermaid or JSON.

    Exit codes: 0 drawn, 1 there is no such plan, step, site or pool.
    """
    if (folder is None) == (inventory is None):
        raise typer.BadParameter("name a plan folder or an inventory (-i), and not both")
    if sum([before, after, bool(after_step)]) > 1:
        raise typer.BadParameter("--before, --after and --after-step exclude one another")
    if folder is not None:
        found = _of_plan(folder, after=after, after_step=after_step)
    else:
        if before or after or after_step:
            raise typer.BadParameter("--before, --after and --after-step need a plan folder")
        found = _of_inventory(inventory, live, extra_vars or [], vault_password_file)
    selection = Selection(
        sites=frozenset(_known(site or [], {s: s for s in found.topology.sites}, "site")),
        pools=frozenset(_known(pool or [], {str(p): p for p in found.topology.pools}, "pool")),
        broken_only=broken_only,
        detail=detail,
    )
    drawn = groups_of(found.topology, found.alike_in, found.book, protocol, selection)
    scene = scene_of(found.topology, found.state, found.book, drawn, catalogue())
    text = _text(found, drawn, scene, form)
    if output is not None:
        _write(text, output)
    show(Drawn(scene, found.title, text, output))
    return 0


def _write(text: str, file: Path) -> None:
    try:
        with file.open("x", encoding="utf-8", newline="\n") as opened:
            opened.write(text)
    except OSError as error:
        raise OrchestratorError(f"{file} was not written: {error.strerror}") from None
    say(f"Written to {file}.")


def _text(found: _Drawable, drawn: Boxes, scene: Scene, form: Form) -> str:
    if form is Form.DOT:
        return dot_text(scene)
    if form is Form.MERMAID:
        return mermaid_text(scene)
    if form is Form.JSON:
        return json_text(scene_document(scene, found.title))
    return graph_svg(scene, arrange(found.topology, drawn), title=found.title)


def _of_plan(folder: Path, *, after: bool, after_step: str) -> _Drawable:
    saved = read_plan(folder)
    plan, topology = saved.plan, saved.topology
    state, when = plan.start, "before"
    if after:
        state, when = plan.end, "after"
    elif after_step:
        number = _position(plan, after_step)
        state = after_all(plan.start, plan.steps[:number])
        when = f"after step {number}, {plan.steps[number - 1].id}"
    book = saved.rules.book(rule_pack, saved.policy)
    title = f"Proxy graph of {topology.organization}, {when}"
    return _Drawable(topology, state, book, (plan.start, plan.end), title)


def _of_inventory(
    inventory: Path | None, live: bool, extra_vars: list[str], vault_password_file: Path | None
) -> _Drawable:
    assert inventory is not None  # noqa: S101 - asked above
    loaded = read_inventory(inventory, vault_password_file, extra_vars)
    state, basis = observed_or_declared(loaded, live, extra_vars, vault_password_file)
    title = f"Proxy graph of {loaded.topology.organization}; builds: {basis}"
    return _Drawable(loaded.topology, state, rule_book(loaded, [], []), (state,), title)


def _position(plan: Plan, word: str) -> int:
    names = {step.id: number for number, step in enumerate(plan.steps, 1)}
    names |= {str(number): number for number in names.values()}
    return _known([word], names, "step")[0]


def _known(words: list[str], names: dict[str, _Thing], what: str) -> list[_Thing]:
    wrong = [word for word in words if word not in names]
    if wrong:
        some = ", ".join(sorted(names)[:20])
        raise InvalidInput(
            [
                Diagnostic("CAS-E313", word, f"there is no such {what}", None, f"known: {some}")
                for word in wrong
            ]
        )
    return [names[word] for word in words]
