"""What a way back leaves that stopped: how servers are, what is left to do, how to type it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from orchestrator.execution.observed import OBSERVED_PROTOCOLS, ObservedFarm
from orchestrator.execution.position import position
from orchestrator.journal.steps import StepStatus
from orchestrator.model.plan import Plan, Step
from orchestrator.model.state import State
from orchestrator.model.words import counted

_NAMED = 12


@dataclass(frozen=True)
class Undoing:
    """What a way back is about.

    Parameters
    ----------
    before : State
        Before the plan that is undone: a redirection that was not on then is one to name.
    by_hand : mapping of step id to str
        The command that runs the playbook of a step without this program.
    """

    before: State
    by_hand: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Remains:
    """What is left of a way back.

    Parameters
    ----------
    servers : tuple of str
        How each server is that is not where the way back leads, or that it was about; as read.
    steps : tuple of str
        What is left to do, in an order that is safe.
    by_hand : tuple of str
        A command for each of these steps.
    """

    servers: tuple[str, ...]
    steps: tuple[str, ...]
    by_hand: tuple[str, ...]


def remains(
    plan: Plan,
    undoing: Undoing,
    *,
    done: Sequence[Step],
    begun: Mapping[str, StepStatus | None],
    farm: ObservedFarm | None,
) -> Remains:
    """What is left of a way back that stopped.

    Parameters
    ----------
    plan : Plan
        The way back.
    undoing : Undoing
    done : sequence of Step
    begun : mapping of step id to StepStatus or None
        Steps that were begun and are not done; None: nobody knows how they ended.
    farm : ObservedFarm or None
        As read after the stop.
    """
    left = [step for step in plan.steps if step not in done]
    readings = _readings(plan, [step.id for step in done], begun, farm)
    steps = []
    for number, step in enumerate(left, 1):
        said = [str(begun[step.id] or "begun")] if step.id in begun else []
        said += [f"as read: {readings[step.id]}"] if step.id in readings else []
        told = f" ({', '.join(said)})" if said else ""
        steps.append(f"{number}. {step.id}{told}{_change(step)}")
    by_hand = tuple(undoing.by_hand[s.id] for s in left if s.id in undoing.by_hand)
    return Remains(_servers(plan, farm), tuple(steps), by_hand)


def _readings(
    plan: Plan, done: Sequence[str], begun: Collection[str], farm: ObservedFarm | None
) -> dict[str, str]:
    """What the servers of steps say that were begun; nothing of a step with a server unread."""
    if farm is None:
        return {}
    read = frozenset(farm.servers)
    seen = [s.id for s in plan.steps if s.id in begun and s.servers and read >= {*s.servers}]
    return {r.step.id: str(r.reading) for r in position(plan, done, seen, farm.state).begun}


def _change(step: Step) -> str:
    names = ", ".join(step.servers)
    if step.kind.changes_build:
        return f": {names} from {step.from_build} to {step.to_build}"
    if step.kind.changes_urls:
        urls = sorted({url or "none" for url in step.new_urls.values()})
        return f": ExternalUrl of {names} to {', '.join(urls)}"
    return f": {counted(len(step.probes), 'probe')}, changes nothing"


def _servers(plan: Plan, farm: ObservedFarm | None) -> tuple[str, ...]:
    about = {name for step in plan.steps for name in step.servers}
    lines, there = [], []
    for name in sorted(plan.end.builds):
        if farm is None or name not in farm.servers:
            lines.append(f"{name}: not read; nobody knows how it is")
            continue
        wrong, line = _server(name, plan.end, farm.state)
        if wrong or name in about:
            lines.append(line)
        else:
            there.append(name)
    if there:
        shown = ", ".join(there) if len(there) <= _NAMED else counted(len(there), "server")
        lines.append(f"{shown}: not touched by the way back, and where it leads")
    return tuple(lines)


def _server(name: str, end: State, found: State) -> tuple[bool, str]:
    """Whether a server is not where the way back leads, and how it is."""
    build, goal = found.builds[name], end.builds[name]
    parts = [f"build {build}" + (f" (to be {goal})" if build != goal else "")]
    wrong = build != goal
    for protocol in OBSERVED_PROTOCOLS:
        url = found.external_urls.get((name, protocol), "")
        to_be = end.external_urls.get((name, protocol), "")
        other = f" (to be {to_be or 'none'})" if url != to_be else ""
        parts.append(f"{protocol} ExternalUrl {url or 'none'}{other}")
        wrong = wrong or url != to_be
    return wrong, f"{name}: {', '.join(parts)}" + ("" if wrong else ": where the way back leads")
