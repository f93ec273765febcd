"""What is left of a way back that stopped: every server, every step, what nobody could read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from support.pretended import NEW, OLD, PretendedFarm, failing, observed, switch, upgrade, well

from orchestrator.errors import OrchestratorError
from orchestrator.execution.observed import ObservedFarm
from orchestrator.execution.remains import Undoing
from orchestrator.execution.results import RunStatus
from orchestrator.journal.steps import StepStatus
from orchestrator.model.plan import Plan, StepKind
from orchestrator.model.state import State
from orchestrator.model.topology import Protocol

URL = "https://mail-rome.contoso.example/owa"
DOWN = replace(
    upgrade("down", "paris-1"), kind=StepKind.DOWNGRADE, from_build=NEW, to_build=OLD
)  # fmt: skip
OFF = switch("off", "rome-1", urls=(URL, ""), after=("down",))
BEFORE = State(dict.fromkeys(("paris-1", "rome-1", "oslo-1"), OLD), {})
START = BEFORE.with_builds({"paris-1": NEW}).with_urls({("rome-1", Protocol.OWA): URL})
BACK = Plan((DOWN, OFF), START, BEFORE)


def way_back(folder: Path) -> PretendedFarm:
    farm = PretendedFarm(folder, BACK)
    by_hand = {"down": "ansible-playbook 001-down.yml", "off": "ansible-playbook 002-off.yml"}
    farm.terms = replace(farm.terms, undoing=Undoing(BEFORE, by_hand))
    return farm


def test_a_failed_step_leaves_every_server_and_every_step_named(tmp_path: Path) -> None:
    farm = way_back(tmp_path)
    farm.instead["down"] = failing()
    stop = farm.run().stop
    assert stop is not None
    assert stop.remains is not None
    assert stop.remains.servers == (
        "paris-1: build 14.2.298.4 (to be 14.2.247.5), owa ExternalUrl none",
        f"rome-1: build 14.2.247.5, owa ExternalUrl {URL} (to be none)",
        "oslo-1: not touched by the way back, and where it leads",
    )
    assert stop.remains.steps == (
        "1. down (failed, as read: not begun): paris-1 from 14.2.298.4 to 14.2.247.5",
        "2. off: ExternalUrl of rome-1 to none",
    )
    assert len(stop.remains.by_hand) == 2
    assert stop.redirections_on == (f"rome-1: {URL}",)
    text = "\n".join(stop.lines())
    assert text.startswith("The way back stopped: step down is failed")
    assert "The redirections above stay on until the way back turns them off." in text
    assert "Go on with the way back (it runs that step again" in text
    assert farm.data("run-stopped")["redirections"] == [f"rome-1: {URL}"]


def test_what_could_not_be_read_is_not_known_and_may_be_on(tmp_path: Path) -> None:
    farm = way_back(tmp_path)
    farm.instead["off"] = lambda step: replace(well(step), status=RunStatus.CANCELLED)

    def without_rome() -> ObservedFarm:
        found = observed(farm.state)
        return ObservedFarm({n: facts for n, facts in found.servers.items() if n != "rome-1"})

    stop = farm.run(read_farm=without_rome).stop
    assert stop is not None
    assert stop.status is StepStatus.IN_DOUBT
    assert stop.remains is not None
    assert "rome-1: not read; nobody knows how it is" in stop.remains.servers
    assert stop.remains.steps == ("1. off (in-doubt): ExternalUrl of rome-1 to none",)
    assert stop.remains.by_hand == ("ansible-playbook 002-off.yml",)
    assert stop.redirections_on == ()
    assert stop.redirections_possible == (f"rome-1: {URL}",)


def test_a_farm_nobody_can_read_is_named_server_by_server(tmp_path: Path) -> None:
    farm = way_back(tmp_path)
    farm.instead["down"] = failing()

    def nobody() -> ObservedFarm:
        raise OrchestratorError("the management host does not answer")

    stop = farm.run(read_farm=nobody).stop
    assert stop is not None
    lines = stop.lines()
    assert "The farm could not be read: the management host does not answer." in lines
    assert sum("not read; nobody knows how it is" in line for line in lines) == 3
    assert f"  rome-1: {URL}" in lines


def test_a_way_back_that_is_resumed_names_what_is_on(tmp_path: Path) -> None:
    farm = way_back(tmp_path)
    farm.instead["down"] = failing()
    farm.run()
    del farm.instead["down"]
    assert farm.resume().stop is None
    assert farm.where.redirections == (f"rome-1: {URL} (step off turns it off)",)


def test_a_plan_that_goes_forward_says_nothing_of_a_way_back(tmp_path: Path) -> None:
    farm = PretendedFarm(tmp_path, BACK)
    farm.instead["down"] = failing()
    stop = farm.run().stop
    assert stop is not None
    assert stop.remains is None
    assert stop.redirections_on == ()
