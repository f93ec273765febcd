"""`orchestrator explain`."""

from __future__ import annotations

import difflib
import re
from typing import Annotated

import typer

from orchestrator.checker import check
from orchestrator.cli.apply import PlanFolder
from orchestrator.cli.view import show
from orchestrator.diagnostic import Diagnostic
from orchestrator.errors import InvalidInput
from orchestrator.model.plan import Plan, Step
from orchestrator.model.topology import PoolId, ProxyPath, Topology
from orchestrator.planfile import read_plan
from orchestrator.planner.explain import Explainer
from orchestrator.report.explanation import Words
from orchestrator.report.results import Explained
from orchestrator.shipped import catalogue, rule_pack, zone

Subject = Step | PoolId | ProxyPath


def explain(
    folder: PlanFolder,
    subject: Annotated[
        str,
        typer.Argument(
            metavar="STEP|POOL|PATH",
            help='A step by id or number, a pool ("rome/2010"), or a path '
            '("madrid/2010 -> rome/2010"); a site or a server if only one fits.',
        ),
    ],
) -> int:
    """Tell why a step stands where it stands, and what would break without it.

    Exit codes: 0 explained, 1 there is no such thing in the plan, or several.
    """
    saved = read_plan(folder)
    found = find_subject(saved.topology, saved.plan, subject)
    book = saved.rules.book(rule_pack, saved.policy)
    explainer = Explainer(
        saved.topology,
        saved.plan,
        book,
        lambda plan: check(saved.topology, plan, book).violations,
    )
    words = Words(catalogue(), zone)
    if isinstance(found, Step):
        lines = words.step(explainer.step(found))
    elif isinstance(found, ProxyPath):
        lines = words.path(explainer.path(found))
    else:
        lines = words.pool(explainer.pool(found))
    kind = {Step: "step", ProxyPath: "path", PoolId: "pool"}[type(found)]
    show(Explained(kind, _name(found), (*lines, *words.rules())))
    return 0


def find_subject(topology: Topology, plan: Plan, word: str) -> Subject:
    """What a word means in this plan.

    Raises
    ------
    InvalidInput
        If it means nothing (CAS-E311), with what resembles it, or several things (CAS-E312).
    """
    exact: dict[str, list[Subject]] = {}
    loose: dict[str, list[Subject]] = {}
    for number, step in enumerate(plan.steps, 1):
        exact.setdefault(step.id, []).append(step)
        exact.setdefault(str(number), []).append(step)
        for server in step.servers:
            loose.setdefault(_plain(server), []).append(step)
    for pool in topology.pools:
        exact.setdefault(str(pool), []).append(pool)
        loose.setdefault(_plain(pool.site), []).append(pool)
    for path in topology.paths:
        exact.setdefault(str(path), []).append(path)
        loose.setdefault(_plain(f"{path.source} -> {path.target}"), []).append(path)
    for name, subjects in exact.items():
        loose.setdefault(_plain(name), []).extend(subjects)
    found = exact.get(word) or list({_name(s): s for s in loose.get(_plain(word), [])}.values())
    if len(found) == 1:
        return found[0]
    if found:
        remedy = "say which: " + "; ".join(f'"{_name(subject)}"' for subject in found)
        raise InvalidInput([Diagnostic("CAS-E312", word, "can mean several things", None, remedy)])
    names = [name for name in exact if not name.isdigit()]
    by_plain = {_plain(name): name for name in names}
    near = difflib.get_close_matches(_plain(word), by_plain, n=3, cutoff=0.5)
    if near:
        remedy = f"did you mean {' or '.join(by_plain[name] for name in near)}?"
    else:
        remedy = f"steps: {', '.join(step.id for step in plan.steps[:20])}"
    message = "no step, pool or path of this plan is called so"
    raise InvalidInput([Diagnostic("CAS-E311", word, message, None, remedy)])


def _name(subject: Subject) -> str:
    return subject.id if isinstance(subject, Step) else str(subject)


def _plain(text: str) -> str:
    return re.sub(r"\s+", "", text).casefold()
