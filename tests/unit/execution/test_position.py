"""Where a plan stands: what the journal implies, held against what was read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from orchestrator.execution.position import Reading, position
from orchestrator.execution.way_back import begin_way_back, parent_of, way_back_done
from orchestrator.execution.who import Who
from orchestrator.journal.entry import Kind
from orchestrator.journal.projection import view
from orchestrator.journal.steps import StepStatus
from orchestrator.journal.store import Journal
from orchestrator.model.build import Build
from orchestrator.model.plan import Plan, Step, StepKind
from orchestrator.model.state import State
from orchestrator.model.topology import PoolId, Protocol

OLD, MIDDLE, NEW = (Build.parse(b) for b in ("14.2.247.5", "14.2.283.3", "14.2.298.4"))
URL, OTHER = "https://mail.contoso.example/owa", "https://else.contoso.example/owa"
ROME, PARIS = PoolId("rome", "2010"), PoolId("paris", "2010")
KEPT = {("par-1", Protocol.OWA): OTHER}


def step(name: str, kind: StepKind, servers: tuple[str, ...], pool: PoolId, **more: Any) -> Step:
    return Step(name, kind, pool, servers, (Protocol.OWA,), (), 5, "", **more)


ON = step(
    "on",
    StepKind.ENABLE_REDIRECTION,
    ("rom-1", "rom-2"),
    ROME,
    prior_urls={"rom-1": "", "rom-2": ""},
    new_urls={"rom-1": URL, "rom-2": URL},
)
UP = step("up", StepKind.UPGRADE, ("par-1",), PARIS, from_build=OLD, to_build=NEW)
OFF = step(
    "off",
    StepKind.RESTORE_PROXYING,
    ("rom-1", "rom-2"),
    ROME,
    prior_urls={"rom-1": URL, "rom-2": URL},
    new_urls={"rom-1": "", "rom-2": ""},
)
LOOK = step("look", StepKind.VERIFY, (), ROME)
START = State(dict.fromkeys(("par-1", "rom-1", "rom-2"), OLD), KEPT)


def plan_of(*steps: Step, start: State = START) -> Plan:
    end = start
    for each in steps:
        end = each.apply(end)
    return Plan(steps, start, end)


PLAN = plan_of(ON, UP, OFF, LOOK)


def state(builds: Mapping[str, Build] | None = None, **urls: str) -> State:
    on = {(name.replace("_", "-"), Protocol.OWA): url for name, url in urls.items()}
    return State({**START.builds, **(builds or {})}, {**KEPT, **on})


@pytest.mark.parametrize(
    ("urls", "reading"),
    [
        ({}, Reading.NOT_BEGUN),
        ({"rom_1": URL}, Reading.PARTLY),
        ({"rom_1": URL, "rom_2": URL}, Reading.DONE),
    ],
)
def test_a_redirection_that_was_cut_off(urls: dict[str, str], reading: Reading) -> None:
    where = position(PLAN, [], ["on"], state(**urls))
    assert [begun.reading for begun in where.begun] == [reading]
    assert where.drift == ()
    assert [s.id for s in where.remaining] == ["up", "off", "look"]
    # The address that was there before the plan is no finding.
    assert where.redirections == tuple(
        f"{name.replace('_', '-')}: {url} (step off turns it off)" for name, url in urls.items()
    )


@pytest.mark.parametrize(
    ("there", "reading"),
    [
        ((), Reading.NOT_BEGUN),
        (("rom-1",), Reading.PARTLY),
        (("rom-1", "rom-2"), Reading.DONE),
    ],
)
def test_a_copy_that_was_cut_off(there: tuple[str, ...], reading: Reading) -> None:
    copy = step("copy", StepKind.COPY_OWA_RESOURCES, ("rom-1", "rom-2"), ROME, folder=MIDDLE)
    found = START.with_folders((name, MIDDLE) for name in there)
    where = position(plan_of(copy, LOOK), [], ["copy"], found)
    assert ([begun.reading for begun in where.begun], where.drift) == ([reading], ())
    assert f"has no folder owa\\{MIDDLE} yet" in str(where.begun[0]) or len(there) == 2


def test_a_folder_that_a_step_brought_and_that_is_gone_is_drift() -> None:
    copy = step("copy", StepKind.COPY_OWA_RESOURCES, ("rom-1",), ROME, folder=MIDDLE)
    plan = plan_of(copy, UP)
    assert position(plan, ["copy"], [], plan.start).drift == (
        f"rom-1: no version folder of {MIDDLE}, expected one",
    )
    more = plan.start.with_folders({("rom-1", MIDDLE), ("par-1", NEW)})
    assert position(plan, ["copy"], [], more).drift == ()


def test_what_no_step_explains_is_drift() -> None:
    where = position(PLAN, ["on"], ["up"], state({"par-1": MIDDLE}, rom_1=URL, rom_2=OTHER))
    assert where.drift == (
        f"par-1: build {MIDDLE}, expected {OLD}",
        f"rom-2: owa ExternalUrl {OTHER}, expected {URL}",
    )
    assert str(where.begun[0]) == (
        f"up: partly done (par-1 is on {MIDDLE}, which this step does not explain)"
    )
    # A step that was never begun explains nothing, even what it would have done itself.
    ahead = position(PLAN, ["on"], [], state({"par-1": NEW}, rom_1=URL, rom_2=URL))
    assert ahead.drift == (f"par-1: build {NEW}, expected {OLD}",)


def test_a_probe_that_was_cut_off_has_nothing_to_read() -> None:
    done = position(PLAN, ["on", "up", "off"], ["look"], PLAN.end)
    assert [begun.reading for begun in done.begun] == [Reading.NOTHING_TO_READ]
    assert (done.drift, done.redirections) == ((), ())


def test_a_removal_may_show_an_older_build_for_a_while() -> None:
    down = step("down", StepKind.DOWNGRADE, ("par-1",), PARIS, from_build=NEW, to_build=MIDDLE)
    plan = plan_of(down, start=state({"par-1": NEW}))
    where = position(plan, [], ["down"], state({"par-1": OLD}))
    assert (where.drift, where.begun[0].reading) == ((), Reading.PARTLY)
    older = Build.parse("14.1.218.15")
    assert position(plan, [], ["down"], state({"par-1": older})).drift != ()


def test_a_redirection_the_plan_leaves_on_says_so() -> None:
    plan = plan_of(ON)
    where = position(plan, ["on"], [], state(rom_1=URL, rom_2=URL))
    assert where.redirections[0] == f"rom-1: {URL} (the plan leaves it on)"


class Fixed:
    def now(self) -> datetime:
        return datetime(2012, 4, 23, tzinfo=UTC)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal.open(tmp_path / "journal.sqlite3", clock=Fixed()) as journal:
        journal.append(Kind.RUN_STARTED, digest="abc")
        for name in ("on", "up"):
            journal.append(Kind.STEP_STARTED, name)
            journal.append(Kind.STEP_SUCCEEDED, name)
        journal.append(Kind.STEP_STARTED, "off")
        yield journal


@pytest.mark.parametrize(
    ("end", "undone"),
    [
        (START, ["on", "up", "off"]),
        # As far as the last state in which nothing was broken, say.
        (state(rom_1=URL, rom_2=URL), ["up", "off"]),
    ],
)
def test_a_way_back_compensates_the_steps_it_undid(
    journal: Journal, end: State, undone: list[str]
) -> None:
    begin_way_back(journal, "runs/1", Who("ada", "node-1", 1, ""))
    assert view(journal.entries()).status("off") is StepStatus.IN_DOUBT
    assert list(way_back_done(journal, PLAN, end, "runs/1")) == undone
    run = view(journal.entries())
    assert (run.impossible, run.rollback) == ((), "runs/1")
    assert [n for n in run.steps if run.status(n) is StepStatus.COMPENSATED] == undone


def test_the_plan_above_a_way_back() -> None:
    assert parent_of(Path("some/plan/runs/2")) == Path("some/plan")
    assert parent_of(Path("some/plan")) is None
