"""The pictures of a report: the proxy graph before, during and after, and the Gantt chart."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from orchestrator.drawing import (
    Selection,
    arrange,
    gantt_svg,
    graph_svg,
    groups_of,
    plan_chart,
    scene_of,
)
from orchestrator.drawing.judged import judged_paths
from orchestrator.model.plan import StepKind, after_all
from orchestrator.model.state import State
from orchestrator.model.topology import Protocol
from orchestrator.model.words import counted
from orchestrator.report.page.inputs import ReportInput
from orchestrator.rules.rule import Verdict


@dataclass(frozen=True)
class Picture:
    """An SVG with the words above it."""

    title: str
    text: str
    svg: str


def protocols_of(given: ReportInput) -> list[Protocol]:
    """Protocols with paths, Outlook Web App first."""
    found = {path.protocol for path in given.topology.paths}
    return sorted(found, key=lambda protocol: (protocol is not Protocol.OWA, protocol))


def graphs(given: ReportInput) -> tuple[list[Picture], list[str]]:
    """Pictures of the first protocol and of those with a path that is not ok; a line for others."""
    states = _states(given)
    pictures: list[Picture] = []
    lines: list[str] = []
    for number, protocol in enumerate(protocols_of(given)):
        if number and _plain(given, protocol, [s for _, _, s in states]):
            lines.append(_line(given, protocol))
            continue
        ends = [given.plan.start, given.plan.end]
        drawn = groups_of(given.topology, ends, given.book, protocol, Selection())
        layout = arrange(given.topology, drawn)
        for name, text, state in states:
            scene = scene_of(given.topology, state, given.book, drawn, given.catalogue)
            title = f"{name}: {protocol}"
            svg = graph_svg(
                scene,
                layout,
                title=f"{title}, {given.topology.organization}",
                prefix=f"{name.lower().replace(' ', '-')}-{protocol}-",
                standalone=False,
            )
            pictures.append(Picture(title, text, svg))
    return pictures, lines


def chart(given: ReportInput) -> str:
    """The Gantt chart."""
    return gantt_svg(
        plan_chart(given.plan, given.zone, given.run), prefix="plan-", standalone=False
    )


def _states(given: ReportInput) -> list[tuple[str, str, State]]:
    plan = given.plan
    middle = middle_step(given)
    found = [("Before", "as the plan starts", plan.start)]
    if middle:
        step = plan.steps[middle - 1]
        text = f"once step {middle}, {step.id}, is done and those before it in the list"
        found.append(("During", text, after_all(plan.start, plan.steps[:middle])))
    found.append(("After", "as the plan ends", plan.end))
    run = given.run
    if run.started is not None and not run.finished:
        done = [step for step in plan.steps if run.status(step.id).done]
        text = (
            f"{counted(len(done), 'step')} done, as the journal implies; nothing was "
            f"read for this picture"
        )
        found.append(("As it stands", text, after_all(plan.start, done)))
    return found


def middle_step(given: ReportInput) -> int:
    """The step after which most users are redirected, else half the work is done; 0 for none."""
    plan, topology = given.plan, given.topology
    if len(plan.steps) < 3:
        return 0
    redirected = 0
    best: list[tuple[int, int]] = []
    for number, step in enumerate(plan.steps[:-1], 1):
        users = sum(p.users for p in topology.paths_into[step.pool] if p.protocol in step.protocols)
        if step.kind is StepKind.ENABLE_REDIRECTION:
            redirected += users
        elif step.kind is StepKind.RESTORE_PROXYING:
            redirected -= users
        best.append((redirected, -abs(number - len(plan.steps) // 2)))
    return best.index(max(best)) + 1


def _plain(given: ReportInput, protocol: Protocol, states: list[State]) -> bool:
    return all(
        one.judgement.verdict is Verdict.OK
        for state in states
        for one in judged_paths(given.topology, state, given.book, protocol)
    )


def _line(given: ReportInput, protocol: Protocol) -> str:
    judged = judged_paths(given.topology, given.plan.start, given.book, protocol)
    rules = Counter(f"{o.judgement.rule.id} [{o.judgement.rule.confidence}]" for o in judged)
    return (
        f"{protocol}: {counted(len(judged), 'path')}, ok before, during and after, by "
        f"{', '.join(rules)}; "
        "not drawn."
    )
