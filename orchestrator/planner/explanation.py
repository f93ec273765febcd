"""What an explanation of a plan consists of: values, found by `orchestrator.planner.explain`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from orchestrator.model.build import Build
from orchestrator.model.plan import Plan, Step
from orchestrator.model.schedule import TimedStep
from orchestrator.model.state import AccessMode
from orchestrator.model.topology import PoolId, ProxyPath
from orchestrator.rules.engine import Judgement, PathJudgement


class Ground(StrEnum):
    """Why one step comes directly after another."""

    RULE = "rule"
    SAME_POOL = "same pool"
    SWITCH = "switch"
    PROOF = "proof"
    PILOT = "pilot"
    LAST_LOOK = "last look"
    REPAIR = "repair"
    FOLDER = "folder"
    PLANNER = "planner"


@dataclass(frozen=True)
class Guard:
    """``first`` before ``then`` keeps a state of a path out.

    Parameters
    ----------
    first, then : str
        Step ids; ``first`` leads away from the state, ``then`` into it.
    path : ProxyPath
    source, target : str
        A server of each end that would be in it.
    source_build, target_build : Build
    mode : AccessMode
    judgement : Judgement
    alone : bool
        Whether nothing else in the order keeps this state out.
    again : bool
        Whether the state comes about anyway, and what is kept out is that the path would work
        for a while before it: it would be repaired and broken again.
    entries : tuple of str
        The last steps into the state, ``then`` among them.
    """

    first: str
    then: str
    path: ProxyPath
    source: str
    target: str
    source_build: Build
    target_build: Build
    mode: AccessMode
    judgement: Judgement
    alone: bool
    again: bool
    entries: tuple[str, ...]


class Found(Protocol):
    """A violation, as the independent checker reports it."""

    @property
    def message(self) -> str:
        """What breaks."""
        ...

    @property
    def steps(self) -> tuple[str, ...]:
        """The steps done, or running, when it does."""
        ...

    @property
    def showing(self) -> Mapping[str, Build]:
        """Servers that show a build for minutes while their step runs."""
        ...


Check = Callable[[Plan], Sequence[Found]]


@dataclass(frozen=True)
class Consequence:
    """The first state that breaks.

    Parameters
    ----------
    steps : tuple of str
        The steps done by then, or running; empty if the plan itself would not hang together.
    judgement : PathJudgement or None
        The path in that state.
    message : str
        As the checker says it.
    running : tuple of str
        Those of the steps that run meanwhile, and show a build of their own.
    """

    steps: tuple[str, ...]
    judgement: PathJudgement | None
    message: str
    running: tuple[str, ...] = ()


@dataclass(frozen=True)
class Link:
    """One step directly after another, with the ground and what would follow without it."""

    first: str
    then: str
    ground: Ground
    guards: tuple[Guard, ...] = ()
    consequence: Consequence | None = None


@dataclass(frozen=True)
class Times:
    """When a step runs, and what it could not begin before.

    Parameters
    ----------
    zone : str
        IANA name, for showing times.
    timed : TimedStep
    ready : datetime or None
        When the last of the steps it comes after has ended.
    last : str
        That step; empty if it comes after none.
    """

    zone: str
    timed: TimedStep
    ready: datetime | None
    last: str


@dataclass(frozen=True)
class StepExplanation:
    """A step with what it waits for, what waits for it, and what would follow without it.

    Parameters
    ----------
    chain : tuple of str
        The longest way, in minutes, of steps that must come before.
    minutes : int
        How long that takes.
    """

    step: Step
    number: int
    stage: int
    chain: tuple[str, ...]
    minutes: int
    waits_for: tuple[Link, ...]
    awaited_by: tuple[Link, ...]
    without: Consequence | None
    times: Times | None = None


@dataclass(frozen=True)
class PathExplanation:
    """A path at the start, after every step that touches it, and at the end.

    Parameters
    ----------
    at_start : PathJudgement
    after : tuple of (Step, PathJudgement)
        In plan order.
    guards : tuple of Guard
    """

    path: ProxyPath
    at_start: PathJudgement
    after: tuple[tuple[Step, PathJudgement], ...]
    guards: tuple[Guard, ...]


@dataclass(frozen=True)
class PoolExplanation:
    """A pool's steps and every demand between them and others' steps."""

    pool: PoolId
    steps: tuple[Step, ...]
    inward: tuple[Guard, ...]
    outward: tuple[Guard, ...]
