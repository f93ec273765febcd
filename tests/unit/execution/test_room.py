"""What may run beside what."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.pretended import plan_of, pools_of, switch, upgrade

from orchestrator.execution.room import Room, ready
from orchestrator.model.plan import Outcome, Probe, Step
from orchestrator.model.topology import Balanced, Pool, PoolId, Protocol

ROME_1 = upgrade("rome-1", "rome-cas-01")
ROME_2 = upgrade("rome-2", "rome-cas-02")
MADRID = upgrade("madrid-1", "madrid-cas-01")
ON = switch("on", "rome-cas-01", "rome-cas-02", urls=("", "https://m/owa"))


def room(minimum: int, *steps: Step) -> Room:
    return Room(pools_of(plan_of(*steps), minimum))


def probing(step: Step, source: str, *targets: str) -> Step:
    probe = Probe((source,), PoolId("x", "2010"), Protocol.OWA, (Outcome.PROXIED,), targets)
    return replace(step, probes=(probe,))


def test_two_servers_of_a_pool_only_if_its_minimum_is_kept() -> None:
    assert room(0, ROME_1, ROME_2).hindrance(ROME_2, []) == ""
    assert "0 servers in service, its minimum is 1" in room(1, ROME_1, ROME_2).hindrance(
        ROME_2, [ROME_1]
    )
    third = upgrade("rome-3", "rome-cas-03")
    assert room(1, ROME_1, ROME_2, third).hindrance(ROME_2, [ROME_1]) == ""
    assert "1 server in service, its minimum is 2" in room(2, ROME_1, ROME_2, third).hindrance(
        ROME_2, [ROME_1]
    )


def test_a_balanced_name_keeps_its_own_minimum() -> None:
    third = upgrade("rome-3", "rome-cas-03")
    pools = pools_of(plan_of(ROME_1, ROME_2, third), 1)
    (rome,) = pools.values()
    behind = (Balanced("mail-a", ("rome-cas-01", "rome-cas-02"), 1),)
    narrow = Room({rome.id: replace(rome, balanced=behind)})
    assert narrow.hindrance(third, [ROME_1]) == ""
    expected = "mail-a of rome/2010 would have 0 servers in service, its minimum is 1"
    assert narrow.hindrance(ROME_2, [ROME_1]) == expected


def test_another_pool_is_no_hindrance() -> None:
    assert Room(pools_of(plan_of(ROME_1, ROME_2, MADRID))).hindrance(MADRID, [ROME_1]) == ""


def test_nobody_empties_a_pool_without_consent_or_a_whole_site() -> None:
    new, old = PoolId("rome", "2010"), PoolId("rome", "2007")
    other = upgrade("old-1", "old-cas-01", pool=old)
    pools = {
        new: Pool(new, ("rome-cas-01",), minimum_in_service=0, outage_consent=True),
        old: Pool(old, ("old-cas-01",), minimum_in_service=0, outage_consent=True),
    }
    assert "rome/2010 of the same site is away, too" in Room(pools).hindrance(other, [ROME_1])
    assert Room(pools).hindrance(other, []) == ""
    without = {new: replace(pools[new], outage_consent=False)}
    assert "its minimum is 1" in Room(without).hindrance(ROME_1, [])


def test_a_server_belongs_to_one_step_at_a_time() -> None:
    assert room(0, ROME_1, ROME_2).hindrance(ON, [ROME_1]) == "rome-1 has rome-cas-01"


@pytest.mark.parametrize("looks", [("rome-cas-01",), ("paris-cas-01", "rome-cas-01")])
def test_nobody_looks_at_a_server_that_is_being_changed(looks: tuple[str, ...]) -> None:
    looking = probing(MADRID, *looks)
    both = Room(pools_of(plan_of(ROME_1, ROME_2, looking)))
    assert "look at each other's servers (rome-cas-01)" in both.hindrance(looking, [ROME_1])
    assert "look at each other's servers (rome-cas-01)" in both.hindrance(ROME_1, [looking])
    assert both.hindrance(looking, [ON]) == ""


def test_a_pool_nobody_knows_is_changed_by_one_step_at_a_time() -> None:
    assert "rome-1 changes the same pool" in Room().hindrance(ROME_2, [ROME_1])
    assert Room().hindrance(MADRID, [ROME_1]) == ""


def test_ready_is_what_comes_after_nothing_that_is_not_done() -> None:
    last = upgrade("last", "paris-cas-01", after=("rome-1", "madrid-1"))
    plan = plan_of(ROME_1, MADRID, last)
    assert [step.id for step in ready(plan, [], [])] == ["rome-1", "madrid-1"]
    assert [step.id for step in ready(plan, ["rome-1"], ["madrid-1"])] == []
    assert [step.id for step in ready(plan, ["rome-1", "madrid-1"], [])] == ["last"]
