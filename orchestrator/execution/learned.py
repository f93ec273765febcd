"""How long steps have really taken: what journals teach, kept in the organisation's folder.

Only a step that succeeded in its first attempt counts: one that was in doubt, or run again, says
nothing about how long it takes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from math import ceil
from pathlib import Path

from orchestrator.errors import OrchestratorError
from orchestrator.journal.entry import Entry, Kind
from orchestrator.model.plan import Plan, StepKind
from orchestrator.model.thresholds import Thresholds
from orchestrator.model.topology import PoolId, Topology

DURATIONS = Path(".orchestrator") / "durations.jsonl"
"""Where they are kept, in the folder of the inventory: one JSON object per line, appended to."""


@dataclass(frozen=True)
class Duration:
    """How long a step took once.

    Parameters
    ----------
    plan : str
        Digest of its plan.
    step, kind, site, product_line : str
    servers : int
        How many it changed at once.
    seconds : float
    """

    plan: str
    step: str
    kind: str
    site: str
    product_line: str
    servers: int
    seconds: float


@dataclass(frozen=True)
class Learned:
    """What earlier runs teach about a step.

    Parameters
    ----------
    minutes : int
        The percentile that is reckoned with, rounded up.
    median : int
        Half of the runs took no longer.
    runs : int
    of : str
        Whose runs: a pool, or a product line where a pool has too few.
    """

    minutes: int
    median: int
    runs: int
    of: str

    def __str__(self) -> str:
        runs = f"{self.runs} run{'s' if self.runs > 1 else ''}"
        return (
            f"{self.minutes} min, half of them {self.median} min, learned from {runs} of {self.of}"
        )


def durations_of(plan: Plan, entries: Iterable[Entry], digest: str) -> list[Duration]:
    """What a journal teaches about the steps of its plan."""
    steps = {step.id: step for step in plan.steps}
    found = []
    for entry in entries:
        step = steps.get(entry.step or "")
        if step is None or entry.kind != Kind.STEP_SUCCEEDED or entry.attempt != 1:
            continue
        found.append(
            Duration(
                plan=digest,
                step=step.id,
                kind=str(step.kind),
                site=step.pool.site,
                product_line=step.pool.product_line,
                servers=len(step.servers),
                seconds=float(entry.data.get("seconds", 0)),
            )
        )
    return found


def read_durations(folder: Path) -> list[Duration]:
    """Those kept in the folder of an inventory; none if there is no file.

    Raises
    ------
    OrchestratorError
        If the file is not as it was written.
    """
    path = folder / DURATIONS
    found = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise OrchestratorError(f"{path} cannot be read: {error}") from None
    for number, line in enumerate(lines, 1):
        try:
            found.append(Duration(**json.loads(line)))
        except (ValueError, TypeError) as error:
            raise OrchestratorError(
                f"{path}:{number} is not a duration of a step: {error}",
                "remove the line, or the file: estimates are the operator's then",
            ) from None
    return found


def keep_durations(folder: Path, found: Sequence[Duration]) -> None:
    """Add what is not kept yet; the lock of the organisation must be held.

    Raises
    ------
    OrchestratorError
        If the file cannot be read or written.
    """
    known = {(each.plan, each.step) for each in read_durations(folder)}
    new = [each for each in found if (each.plan, each.step) not in known]
    if not new:
        return
    path = folder / DURATIONS
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.writelines(f"{json.dumps(asdict(each), sort_keys=True)}\n" for each in new)
    except OSError as error:
        raise OrchestratorError(f"{path} cannot be written: {error.strerror}") from None


def learned(
    kind: StepKind, pool: PoolId, known: Iterable[Duration], limits: Thresholds
) -> Learned | None:
    """What is known about steps of a kind at a pool; None if too little."""
    like = [d for d in known if d.kind == kind and d.product_line == pool.product_line]
    own = [d for d in like if d.site == pool.site]
    for group, of in ((own, str(pool)), (like, f"Exchange {pool.product_line}")):
        if len(group) >= limits.least_runs:
            seconds = sorted(each.seconds for each in group)
            return Learned(
                minutes=_minutes(_percentile(seconds, limits.percentile)),
                median=_minutes(_percentile(seconds, 50)),
                runs=len(group),
                of=of,
            )
    return None


def with_learned(
    topology: Topology, known: Sequence[Duration], limits: Thresholds
) -> tuple[Topology, dict[PoolId, str]]:
    """A topology whose servers take as long to upgrade as was learned, where enough is known.

    Switches of addresses only ever teach to wait longer than the organisation's replication
    interval: quick days say nothing about the slowest link.

    Returns
    -------
    tuple of Topology and dict of PoolId to str
        And what to say of each such pool, beside what the operator estimated.
    """
    said: dict[PoolId, str] = {}
    servers = dict(topology.servers)
    waits = [
        found.minutes
        for pool in (topology.pools.values() if known else ())
        for kind in StepKind
        if kind.changes_urls and (found := learned(kind, pool.id, known, limits)) is not None
    ]
    topology = replace(topology, replication_minutes=max(topology.replication_minutes, *waits, 0))
    for pool in topology.pools.values() if known else ():
        found = learned(StepKind.UPGRADE, pool.id, known, limits)
        if found is None:
            continue
        operator = max(servers[name].minutes for name in pool.servers)
        said[pool.id] = f"upgrade of {pool.id}: {found}; estimated by the operator: {operator} min"
        for name in pool.servers:
            servers[name] = replace(servers[name], minutes=found.minutes)
    return (replace(topology, servers=servers) if said else topology), said


def told_of(
    plan: Plan, said: Mapping[PoolId, str], declared: Topology, reckoned: Topology
) -> tuple[str, ...]:
    """What was learned about the pools a plan changes, for its remarks."""
    before, now = declared.replication_minutes, reckoned.replication_minutes
    switches = any(step.kind.changes_urls for step in plan.steps)
    waits = (f"switches of addresses: {now} min to replicate, learned; declared: {before} min",)
    changed = dict.fromkeys(step.pool for step in plan.steps if step.kind.changes_build)
    slow = waits if switches and now > before else ()
    return (*slow, *(said[pool] for pool in changed if pool in said))


def learned_minutes(
    plan: Plan, known: Sequence[Duration], limits: Thresholds
) -> Mapping[str, Learned]:
    """What is known about the steps of a plan, by id."""
    found = {step.id: learned(step.kind, step.pool, known, limits) for step in plan.steps}
    return {name: each for name, each in found.items() if each is not None}


def _percentile(ordered: Sequence[float], percent: int) -> float:
    """The least value that so many percent do not exceed (nearest rank)."""
    return ordered[max(1, ceil(Fraction(percent * len(ordered), 100))) - 1]


def _minutes(seconds: float) -> int:
    return max(1, ceil(seconds / 60))
