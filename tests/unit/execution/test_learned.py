"""How long steps have taken: from journals to estimates."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.pretended import PretendedFarm, failing, plan_of, pools_of, switch, upgrade

from orchestrator.errors import OrchestratorError
from orchestrator.execution.learned import (
    DURATIONS,
    Duration,
    Learned,
    durations_of,
    keep_durations,
    learned,
    learned_minutes,
    read_durations,
    told_of,
    with_learned,
)
from orchestrator.model.plan import StepKind
from orchestrator.model.thresholds import Thresholds
from orchestrator.model.topology import Server, Topology

ROME = upgrade("rome-1", "rome-cas-01")
LIMITS = Thresholds(least_runs=5, percentile=95)


def took(
    *minutes: float, site: str = "rome", kind: str = "upgrade", line: str = "2010"
) -> list[Duration]:
    return [
        Duration(f"plan-{n}", "x", kind, site, line, 1, each * 60) for n, each in enumerate(minutes)
    ]


def rome(known: list[Duration], limits: Thresholds) -> Learned | None:
    return learned(StepKind.UPGRADE, ROME.pool, known, limits)


@pytest.mark.parametrize(
    ("minutes", "percentile", "expected", "median"),
    [
        ((10, 20, 30, 40, 50), 95, 50, 30),
        ((10, 20, 30, 40, 50), 80, 40, 30),
        ((10, 20, 30, 40, 50), 81, 50, 30),
        (tuple(range(1, 101)), 95, 95, 50),
        ((0.1, 0.2, 0.3, 0.4, 0.5), 95, 1, 1),
        ((10.01, 10.01, 10.01, 10.01, 10.01), 95, 11, 11),
    ],
)
def test_percentiles_are_minutes_rounded_up(
    minutes: tuple[float, ...], percentile: int, expected: int, median: int
) -> None:
    found = rome(took(*minutes), Thresholds(percentile=percentile))
    assert found is not None
    assert (found.minutes, found.median, found.runs) == (expected, median, len(minutes))
    # The order in which journals were read makes no difference.
    assert rome(took(*reversed(minutes)), Thresholds(percentile=percentile)) == found


def test_a_pool_before_a_product_line_before_nothing() -> None:
    own, others = took(10, 10, 10, 10, 10), took(50, 50, 50, site="paris")
    found = rome(own + others, LIMITS)
    assert found is not None
    assert (found.minutes, found.of) == (10, "rome/2010")
    found = rome(own[:4] + others, LIMITS)
    assert found is not None
    assert (found.minutes, found.of, found.runs) == (50, "Exchange 2010", 7)
    assert rome(own[:4], LIMITS) is None
    assert rome(took(*[9] * 9, kind="downgrade"), LIMITS) is None
    assert rome(took(*[9] * 9, line="2007"), LIMITS) is None


@pytest.mark.parametrize(("minutes", "waits"), [(1, 15), (40, 40)])
def test_switches_only_teach_to_wait_longer(minutes: int, waits: int) -> None:
    plan = plan_of(switch("off", "rome-cas-01", urls=("https://x.example/owa", "")))
    topology = Topology(
        organization="x", sites={}, servers={}, pools=pools_of(plan), paths=(),
        replication_minutes=15,
    )  # fmt: skip
    known = took(*[minutes] * 9, kind="restore-proxying")
    made, lines = with_learned(topology, known, LIMITS)
    assert made.replication_minutes == waits
    said = told_of(plan, lines, topology, made)
    longer = "switches of addresses: 40 min to replicate, learned; declared: 15 min"
    assert said == ((longer,) if waits == 40 else ())
    # A run inside windows takes what is longer, the plan's estimate or this.
    assert learned_minutes(plan, known, LIMITS)["off"].minutes == minutes


def test_a_plan_says_what_was_learned_and_what_was_estimated() -> None:
    paris = upgrade("paris-1", "paris-cas-01")
    plan = plan_of(ROME, paris)
    pools = pools_of(plan)
    names = {name: pool for pool in pools for name in pools[pool].servers}
    topology = Topology(
        organization="x",
        sites={},
        servers={name: Server(name, pool, 30) for name, pool in names.items()},
        pools=pools,
        paths=(),
    )
    known = took(10, 12, 12, 14, 44)
    made, lines = with_learned(topology, known, LIMITS)
    # Paris has no runs of its own, but its product line has five.
    assert {server.minutes for server in made.servers.values()} == {44}
    said = "44 min, half of them 12 min, learned from 5 runs of"
    operator = "estimated by the operator: 30 min"
    assert told_of(plan, lines, topology, made) == (
        f"upgrade of rome/2010: {said} rome/2010; {operator}",
        f"upgrade of paris/2010: {said} Exchange 2010; {operator}",
    )
    assert told_of(plan_of(paris), lines, topology, made) == (
        f"upgrade of paris/2010: {said} Exchange 2010; {operator}",
    )
    assert with_learned(topology, took(10), LIMITS) == (topology, {})
    assert learned_minutes(plan, took(10), LIMITS) == {}
    assert {each.minutes for each in learned_minutes(plan, known, LIMITS).values()} == {44}


def test_only_steps_that_succeeded_at_once_teach(tmp_path: Path) -> None:
    plan = plan_of(ROME, upgrade("paris-1", "paris-cas-01", after=("rome-1",)))
    farm = PretendedFarm(tmp_path, plan)
    farm.during["rome-1"] = lambda step: farm.clock.forward(minutes=12)
    farm.instead["paris-1"] = failing()
    assert farm.run().exit_code == 5
    del farm.instead["paris-1"]
    farm.during["paris-1"] = lambda step: farm.clock.forward(minutes=1)
    assert farm.resume().exit_code == 0
    found = durations_of(plan, farm.entries(), "sha256:abc")
    assert found == [Duration("sha256:abc", "rome-1", "upgrade", "rome", "2010", 1, 720.0)]


def test_what_is_kept_is_kept_once(tmp_path: Path) -> None:
    assert read_durations(tmp_path) == []
    both = took(10, 20)
    keep_durations(tmp_path, both[:1])
    keep_durations(tmp_path, both)
    keep_durations(tmp_path, both)
    assert read_durations(tmp_path) == both
    assert len((tmp_path / DURATIONS).read_text().splitlines()) == 2
    with (tmp_path / DURATIONS).open("a") as file:
        file.write('{"plan": "x"}\n')
    with pytest.raises(OrchestratorError, match=r"durations.jsonl:3 is not a duration"):
        read_durations(tmp_path)
