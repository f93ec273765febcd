"""Why a run stopped, what the farm is like now, and what to do next."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.execution.gate import compare
from orchestrator.execution.observed import OBSERVED_PROTOCOLS, ObservedFarm
from orchestrator.execution.remains import Remains
from orchestrator.execution.results import TaskFailure
from orchestrator.journal.steps import StepStatus
from orchestrator.model.plan import Plan, Step, StepKind
from orchestrator.model.state import State
from orchestrator.model.topology import Protocol

_BACK = "go back to the state before"
_BY_HAND = (
    "By hand, if this program cannot be used any more: one by one, the next one only if the one "
    "before ended without a failure"
)


@dataclass(frozen=True)
class StopReport:
    """What a person needs who was not there.

    Parameters
    ----------
    step : Step or None
        The first step that did not succeed; None if the run stopped between steps.
    status : StepStatus or None
        Of that step.
    reason : str
    others : tuple of str
        Steps that ran beside it and did not succeed either, and why.
    failures : tuple of TaskFailure
        What the hosts said, unchanged.
    output : tuple of str
        What Ansible said outside tasks, where no task says enough.
    artifacts : tuple of Path
        Where the whole output of the steps is that did not succeed.
    done, remaining : tuple of str
        Step ids; what was begun and is not done is in neither.
    farm : ObservedFarm or None
        As read after the stop; None if even that could not be tried.
    unread_because : str
        Why it could not.
    changed : tuple of str
        What differs from the start of the plan, as read.
    unexpected : tuple of str
        What differs from what the steps done should have left, as read.
    redirections_on : tuple of str
        Redirections that are on and were not before, as read.
    redirections_possible : tuple of str
        The same for servers that could not be read.
    next_steps : tuple of str
    interrupted : bool
        Somebody ended it at once.
    paused : bool
        Somebody asked for a stop between two steps.
    failed : tuple of Step
        All steps that did not succeed.
    remains : Remains or None
        Of a way back: what is left of it.
    """

    step: Step | None
    status: StepStatus | None
    reason: str
    others: tuple[str, ...]
    failures: tuple[TaskFailure, ...]
    output: tuple[str, ...]
    artifacts: tuple[Path, ...]
    done: tuple[str, ...]
    remaining: tuple[str, ...]
    farm: ObservedFarm | None
    unread_because: str
    changed: tuple[str, ...]
    unexpected: tuple[str, ...]
    redirections_on: tuple[str, ...]
    redirections_possible: tuple[str, ...]
    next_steps: tuple[str, ...]
    interrupted: bool = False
    paused: bool = False
    failed: tuple[Step, ...] = ()
    remains: Remains | None = None

    def lines(self) -> list[str]:
        """The report as text, one line per item."""
        if self.step is not None:
            what = "Stopped" if self.remains is None else "The way back stopped"
            text = [f"{what}: step {self.step.id} is {self.status}: {self.reason}."]
        else:
            text = [f"{'Paused' if self.paused else 'Stopped'}: {self.reason}."]
        text += [f"Also: {line}." for line in self.others]
        text += _section("What the hosts said", [str(failure) for failure in self.failures])
        text += _section("What Ansible said", self.output)
        text += [f"The whole output of the step: {path / 'stdout'}" for path in self.artifacts]
        text.append(
            f"Steps done: {', '.join(self.done) or 'none'}. "
            f"Not begun: {', '.join(self.remaining) or 'none'}."
        )
        text += self._farm_lines()
        if self.remains is not None:
            text += _section("What remains of the way back, in this order", self.remains.steps)
        text += _section("What to do next", self.next_steps)
        if self.remains is not None:
            text += _section(_BY_HAND, self.remains.by_hand)
        return text

    def _farm_lines(self) -> list[str]:
        if self.farm is None:
            text = [f"The farm could not be read: {self.unread_because}."]
            text += [f"  {line}" for line in self.remains.servers] if self.remains else []
        else:
            text = ["The farm as read after the stop:"]
            lines = self.changed if self.remains is None else self.remains.servers
            text += [f"  {line}" for line in lines] or ["  as it was before the run"]
            text += _section("Not as the steps done should have left it", self.unexpected)
            text += _section("Could not be read", [str(p) for p in self.farm.problems])
        text += _section("Redirections that are on and were not before", self.redirections_on)
        return text + _section("Redirections that may be on, not read", self.redirections_possible)


def stop_facts(
    plan: Plan,
    done: Sequence[Step],
    begun: Sequence[Step],
    farm: ObservedFarm | None,
    before: State | None = None,
) -> dict[str, tuple[str, ...]]:
    """What the reading says of the farm, as fields of a `StopReport`.

    Parameters
    ----------
    plan : Plan
    done : sequence of Step
        In the order they succeeded.
    begun : sequence of Step
        Steps that were begun and are not done.
    farm : ObservedFarm or None
    before : State, optional
        What "not on before" is measured against; where the plan starts, if it is no way back.
    """
    before = before or plan.start
    expected = plan.start
    for step in done:
        expected = step.apply(expected)
    read = frozenset(farm.servers) if farm is not None else frozenset()
    on = [
        (server, url)
        for step in [*done, *begun]
        if step.kind is StepKind.ENABLE_REDIRECTION
        for server, url in step.new_urls.items()
    ]
    # A way back begins with redirections on that it is there to turn off.
    on += [
        (name, url)
        for (name, p), url in expected.external_urls.items()
        if _new(before, name, p, url)
    ]
    possible = {f"{server}: {url}" for server, url in on if server not in read and url}
    facts: dict[str, tuple[str, ...]] = {
        "changed": (),
        "unexpected": (),
        "redirections_on": (),
        "redirections_possible": tuple(sorted(possible)),
    }
    if farm is None:
        return facts
    found = farm.state
    changed = [d for d in compare(plan.start, found) if "not read" not in d]
    facts["changed"] = (*changed, *_copied(plan.start, [*done, *begun], found))
    facts["unexpected"] = tuple(d for d in compare(expected, found) if "not read" not in d)
    facts["redirections_on"] = tuple(
        f"{server}: {url}"
        for (server, protocol), url in sorted(found.external_urls.items())
        if _new(before, server, protocol, url)
    )
    return facts


def _copied(start: State, steps: Iterable[Step], found: State) -> list[str]:
    """Version folders that steps brought; a server's own one is none of them."""
    brought = {folder for step in steps for folder in step.folders} & found.version_folders
    return [
        f"{name}: has the version folder of {build}, which was not known before"
        for name, build in sorted(brought - start.version_folders)
        if start.builds[name] != build
    ]


def _new(before: State, server: str, protocol: Protocol, url: str) -> bool:
    """Whether an address can be read and was not there before."""
    return protocol in OBSERVED_PROTOCOLS and before.external_urls.get((server, protocol)) != url


def next_steps(
    status: StepStatus | None,
    *,
    redirections: bool,
    resume_command: str,
    rollback_command: str,
    paused: bool = False,
    disproved: Sequence[str] = (),
    next_window: str = "",
    way_back: bool = False,
) -> tuple[str, ...]:
    """What to do after a stop, in order.

    Parameters
    ----------
    disproved : sequence of str
        Rules a failed pilot was there to show.
    next_window : str
        When the window opens that is waited for.
    way_back : bool
        It is a way back that stopped.
    """
    steps = []
    if disproved:
        names = ", ".join(disproved)
        options = " ".join(f"--strict {name}" for name in disproved)
        steps.append(
            f"The pilot did not show that this farm bears with {names}. If what is said above is a "
            f"refusal by version, that is this farm's answer: make a new plan with {options}, and "
            "write the rule under policy: strict: in organization.yml for all later ones. "
            "Otherwise remove the cause."
        )
    if status is StepStatus.IN_DOUBT:
        steps.append(
            "The step is in doubt: what was read above counts, not what the step reported. "
            "Look at its servers before anything else."
        )
    if not paused and not disproved:
        steps.append("Remove the cause.")
    if redirections:
        steps.append(
            "The redirections above stay on until the way back turns them off."
            if way_back
            else "The redirections above stay on until this plan, another one or the way back "
            "turns them off."
        )
    if resume_command:
        again = "" if paused else " (it runs that step again, which repeats no change)"
        when = f" from {next_window}" if next_window else ""
        waits = "; with --wait it waits for that by itself" if next_window else ""
        this = "the way back" if way_back else "this plan"
        steps.append(f"Go on with {this}{again}{when}: {resume_command}{waits}")
    if rollback_command:
        other = "plan another way back, from the farm as it is then" if way_back else _BACK
        steps.append(f"Or {other}: {rollback_command}")
    return tuple(steps)


def _section(title: str, lines: Sequence[str]) -> list[str]:
    return [f"{title}:", *(f"  {line}" for line in lines)] if lines else []
