"""Whether a plan hangs together: before asking what its states do, ask whether it has any."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from orchestrator.checker.before import Before
from orchestrator.model.plan import Plan, Step, StepKind
from orchestrator.model.state import State
from orchestrator.model.topology import Pool, PoolId, Topology


def structural_faults(topology: Topology, plan: Plan, before: Before) -> list[str]:
    """Everything wrong with a plan whose references hold, in words."""
    faults = list(_unordered_changes(plan.steps, before))
    faults += _wrong_priors(plan)
    faults += _origins_that_move(plan, before)
    for step in plan.steps:
        faults += _pool_below_minimum(topology.pools[step.pool], step)
    faults += _too_many_at_once(topology, plan.steps, before)
    return faults


def reference_faults(topology: Topology, steps: Sequence[Step]) -> Iterable[str]:
    """Steps that name what is not there, or come before what they come after, in words."""
    counts = Counter(step.id for step in steps)
    yield from (f"two steps are called {name}" for name, n in counts.items() if n > 1)
    seen: set[str] = set()
    for step in steps:
        for name in step.after:
            if name not in seen:
                yield f"{step.id} comes after {name}, which is not a step before it"
        seen.add(step.id)
        pool = topology.pools.get(step.pool)
        if pool is None:
            yield f"{step.id} is about {step.pool}, which is not a pool"
            continue
        for server in sorted({*step.servers} - {*pool.servers}):
            yield f"{step.id} names {server}, which is not a server of {step.pool}"
        if step.kind.changes_build and step.to_build is None:
            yield f"{step.id} changes a build but does not say to which"
        if step.kind.changes_build:
            yield from _passes_faults(topology, step)
        if step.kind.copies_folder and step.folder is None:
            yield f"{step.id} copies a version folder but does not say of which build"
        if step.kind.changes_urls and {*step.new_urls} != {*pool.servers}:
            yield f"{step.id} does not turn every server of {step.pool}"


def _passes_faults(topology: Topology, step: Step) -> Iterable[str]:
    """A removal shows what lies beneath; where that was a rollup it may lie further down."""
    if step.kind is not StepKind.DOWNGRADE or step.to_build is None or not step.reversible:
        return  # what cannot be removed shows nothing; such a plan is never run
    below = topology.packages.get(step.to_build)
    if below and below.patch_code and not any(build < step.to_build for build in step.passes):
        yield (
            f"{step.id} removes a rollup to leave another, and does not say which older build may "
            "answer until that one is installed again"
        )


def _unordered_changes(steps: Sequence[Step], before: Before) -> Iterable[str]:
    touching: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for position, step in enumerate(steps):
        if step.kind.changes_build or step.kind.changes_urls or step.kind.copies_folder:
            for name in step.servers:
                touching[name].append((position, step.id))
    found = set()
    for chain in touching.values():
        # Steps that follow one another in pairs are all in order.
        if all(before.holds(one, other) for (_, one), (_, other) in itertools.pairwise(chain)):
            continue
        for one, other in itertools.combinations(chain, 2):
            if not before.holds(one[1], other[1]):
                found.add((one, other))
    for (_, one_id), (_, other_id) in sorted(found):
        yield f"{one_id} and {other_id} change the same server in no fixed order"


def _wrong_priors(plan: Plan) -> Iterable[str]:
    builds = dict(plan.start.builds)
    urls = dict(plan.start.external_urls)
    folders = set(plan.start.version_folders)
    for step in plan.steps:
        folders |= step.folders
        if step.kind.changes_build and step.to_build is not None:
            for name in step.servers:
                if builds[name] != step.from_build:
                    yield (
                        f"{step.id} expects {name} on {step.from_build}, "
                        f"it would be on {builds[name]}"
                    )
                builds[name] = step.to_build
        if step.kind.changes_urls:
            for name, protocol in itertools.product(step.servers, step.protocols):
                if urls.get((name, protocol), "") != step.prior_urls.get(name, ""):
                    yield f'{step.id} records "{step.prior_urls.get(name)}" as prior of {name}'
            for (name, url), protocol in itertools.product(step.new_urls.items(), step.protocols):
                urls[name, protocol] = url
    if State(builds, urls) != plan.end or folders != plan.end.version_folders:
        yield "the steps do not lead to the plan's end state"


def _origins_that_move(plan: Plan, before: Before) -> Iterable[str]:
    """A folder is copied from servers that are on its build, or have it, in every interleaving."""
    changing: dict[str, list[Step]] = defaultdict(list)
    for step in plan.steps if any(step.origins for step in plan.steps) else ():
        for name in step.servers if step.kind.changes_build else ():
            changing[name].append(step)
    for step in plan.steps:
        for name in step.origins:
            if (name, step.folder) in plan.start.version_folders:
                continue
            if name not in plan.start.builds:
                yield f"{step.id} copies from {name}, which is not a server"
                continue
            made = [other for other in changing[name] if before.holds(other.id, step.id)]
            free = [
                other.id
                for other in changing[name]
                if other not in made and not before.holds(step.id, other.id)
            ]
            build = made[-1].to_build if made else plan.start.builds[name]
            if free or build != step.folder:
                yield (
                    f"{step.id} copies the folder of {step.folder} from {name}, which may be on "
                    f"{'another build' if free else build} by then"
                )


def _pool_below_minimum(pool: Pool, step: Step) -> Iterable[str]:
    if not step.kind.changes_build:
        return
    if {*pool.servers} <= {*step.servers} and not pool.outage_consent:
        yield f"{step.id} takes all of {pool.id} out of service without consent"
    elif shortage := pool.shortage({*step.servers}):
        yield f"while {step.id} runs, {shortage}"


def _too_many_at_once(topology: Topology, steps: Sequence[Step], before: Before) -> Iterable[str]:
    """Steps of one pool that no order keeps apart must leave enough of it, all together.

    Careful rather than exact: steps that are each free against a third count as if they could
    all run at once.
    """
    by_pool: dict[PoolId, list[Step]] = {}
    for step in steps:
        if step.kind.changes_build:
            by_pool.setdefault(step.pool, []).append(step)
    for pool_id, changing in by_pool.items():
        pool = topology.pools[pool_id]
        for number, step in enumerate(changing):
            free = [
                other for other in changing[number + 1 :] if not before.holds(step.id, other.id)
            ]
            away = {*step.servers}.union(*(other.servers for other in free))
            if free and (shortage := pool.shortage(away)):
                names = ", ".join(other.id for other in free)
                yield f"{step.id} may run together with {names}: {shortage}"
