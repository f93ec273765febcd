"""Where a plan stands by what was done and what was read; pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from orchestrator.execution.gate import compare
from orchestrator.execution.observed import OBSERVED_PROTOCOLS
from orchestrator.model.build import Build
from orchestrator.model.plan import Plan, Step, StepKind
from orchestrator.model.state import State
from orchestrator.model.topology import Protocol


class Reading(StrEnum):
    """What the servers of a step that was begun are like."""

    NOT_BEGUN = "not begun"
    PARTLY = "partly done"
    DONE = "done"
    """Every server is at the goal of the step; whether the paths work is not said by that."""
    NOTHING_TO_READ = "nothing to read"
    """The step only probes."""


@dataclass(frozen=True)
class StepReading:
    """A step that was begun and not finished, as its servers say."""

    step: Step
    reading: Reading
    servers: Mapping[str, str]

    def __str__(self) -> str:
        each = "; ".join(f"{name} {said}" for name, said in sorted(self.servers.items()))
        return f"{self.step.id}: {self.reading}" + (f" ({each})" if each else "")


@dataclass(frozen=True)
class Position:
    """Where a plan stands.

    Parameters
    ----------
    done : tuple of Step
        In the plan's order.
    begun : tuple of StepReading
        Steps that were begun and not finished.
    remaining : tuple of Step
        Never begun.
    drift : tuple of str
        What neither the steps done nor those begun explain.
    redirections : tuple of str
        Redirections that are on and were not before the plan, and which step turns each off.
    """

    done: tuple[Step, ...]
    begun: tuple[StepReading, ...]
    remaining: tuple[Step, ...]
    drift: tuple[str, ...]
    redirections: tuple[str, ...]


def position(
    plan: Plan,
    done: Iterable[str],
    begun: Iterable[str],
    found: State,
    before: State | None = None,
) -> Position:
    """Hold a reading against what the journal implies.

    Parameters
    ----------
    plan : Plan
    done, begun : iterable of str
        Ids of the steps that are done, and of those begun and not finished.
    found : State
        As read, of every server.
    before : State, optional
        As for `redirections_on`.
    """
    finished, unfinished = frozenset(done), frozenset(begun)
    expected = plan.start
    for step in plan.steps:
        if step.id in finished:
            expected = step.apply(expected)
    readings = []
    explained = expected
    for step in plan.steps:
        if step.id in unfinished:
            reading, explained = _read_step(step, expected, explained, found)
            readings.append(reading)
    return Position(
        done=tuple(s for s in plan.steps if s.id in finished),
        begun=tuple(readings),
        remaining=tuple(s for s in plan.steps if s.id not in finished | unfinished),
        drift=tuple(compare(explained, found)),
        redirections=redirections_on(plan, finished, found, before),
    )


def redirections_on(
    plan: Plan, done: Iterable[str], found: State, before: State | None = None
) -> tuple[str, ...]:
    """Redirections that are on and were not before the plan, and which step turns each off.

    Parameters
    ----------
    plan : Plan
    done : iterable of str
        Ids of steps.
    found : State
    before : State, optional
        Of a way back: before the plan that it undoes, which left some on for it to turn off.
    """
    finished = frozenset(done)
    before = before or plan.start
    lines = []
    for (server, protocol), url in sorted(found.external_urls.items()):
        if protocol not in OBSERVED_PROTOCOLS:
            continue
        if before.external_urls.get((server, protocol)) == url:
            continue
        off = _turned_off(server, url, (s for s in plan.steps if s.id not in finished))
        stays = plan.end.external_urls.get((server, protocol)) == url
        how = f"step {off} turns it off" if off else "no step of this plan turns it off"
        lines.append(f"{server}: {url} ({'the plan leaves it on' if stays and not off else how})")
    return tuple(lines)


def _turned_off(server: str, url: str, steps: Iterable[Step]) -> str:
    for step in steps:
        if step.kind.changes_urls and step.new_urls.get(server, url) != url:
            return step.id
    return ""


def _read_step(
    step: Step, before: State, explained: State, found: State
) -> tuple[StepReading, State]:
    """What one step's servers say, and the state that explains them."""
    said: dict[str, str] = {}
    places: set[Reading] = set()
    for name in step.servers if step.kind is not StepKind.VERIFY else ():
        if step.kind.changes_build:
            place, said[name] = _place_of_build(step, before.builds[name], found.builds.get(name))
            if place is not None:
                explained = explained.with_builds({name: found.builds[name]})
        elif step.kind.copies_folder:
            place, said[name] = _place_of_folder(step, name, found)
            if place is Reading.DONE:
                explained = explained.with_folders({(name, step.folder)} if step.folder else ())
        else:
            place, said[name] = _place_of_urls(step, name, before, found)
            if place is not None:
                urls = {(name, p): _url(found, name, p) for p in OBSERVED_PROTOCOLS}
                explained = explained.with_urls(urls)
        if place is not None:
            places.add(place)
    reading = Reading.NOTHING_TO_READ
    if len(places) == 1:
        reading = places.pop()
    elif places or said:
        reading = Reading.PARTLY
    return StepReading(step, reading, said), explained


def _place_of_build(step: Step, before: Build, now: Build | None) -> tuple[Reading | None, str]:
    if now is None:
        return None, "was not read"
    if now == step.to_build:
        return Reading.DONE, f"is on {now}"
    if now == before:
        return Reading.NOT_BEGUN, f"is still on {now}"
    # A removal may bring an older rollup to light before the recorded one is installed again.
    goal = step.to_build
    beneath = goal is not None and now < goal and now.service_pack_level == goal.service_pack_level
    if step.kind is StepKind.DOWNGRADE and (beneath or now in step.passes):
        return Reading.PARTLY, f"is on {now}, on its way to {goal}"
    return None, f"is on {now}, which this step does not explain"


def _place_of_folder(step: Step, name: str, found: State) -> tuple[Reading | None, str]:
    """A folder is put in place by its last act alone, so it is there as a whole or not at all."""
    if name not in found.builds:
        return None, "was not read"
    if (name, step.folder) in found.version_folders:
        return Reading.DONE, f"has the folder owa\\{step.folder}"
    return Reading.NOT_BEGUN, f"has no folder owa\\{step.folder} yet"


def _place_of_urls(
    step: Step, name: str, before: State, found: State
) -> tuple[Reading | None, str]:
    for protocol in OBSERVED_PROTOCOLS:
        if protocol not in step.protocols:
            continue
        now, goal = _url(found, name, protocol), step.new_urls.get(name, "")
        if now == goal:
            return Reading.DONE, f"has the ExternalUrl {now or 'none'}"
        if now == _url(before, name, protocol):
            return Reading.NOT_BEGUN, f"still has the ExternalUrl {now or 'none'}"
        return None, f"has the ExternalUrl {now}, which this step does not explain"
    return None, "has no ExternalUrl that can be read"


def _url(state: State, name: str, protocol: Protocol) -> str:
    return state.external_urls.get((name, protocol), "")
