"""A run inside maintenance windows: a fake clock, a real journal, playbooks that are functions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.pretended import NIGHT, PretendedFarm, plan_of, switch, upgrade

from orchestrator.errors import OrchestratorError
from orchestrator.execution.times import Times
from orchestrator.inventory.windows import read_windows
from orchestrator.journal.entry import Kind
from orchestrator.journal.projection import view
from orchestrator.journal.store import Journal
from orchestrator.model.build import Build
from orchestrator.model.plan import Step
from orchestrator.model.schedule import Calendar, SiteCalendar, TimePolicy
from orchestrator.model.window import MINUTE, Window

URL = "https://mail-rome.contoso.example/owa"
BOTH = ("rome-cas-01", "rome-cas-02")
PLAN = plan_of(
    switch("on", *BOTH, urls=("", URL), estimated_minutes=10),
    upgrade("rome-1", "rome-cas-01", after=("on",)),
    upgrade("rome-2", "rome-cas-02", after=("rome-1",)),
    switch("off", *BOTH, urls=(URL, ""), after=("rome-2",), estimated_minutes=10),
)
POLICY = TimePolicy(verification_minutes=0)


def nights(*lengths: int, every: timedelta = timedelta(days=7)) -> Times:
    """A window of so many minutes per week, from NIGHT on."""
    windows = tuple(
        Window(NIGHT + n * every, NIGHT + n * every + length * MINUTE)
        for n, length in enumerate(lengths)
    )
    sites = SiteCalendar(("rome",), "Europe/Rome", windows)
    return Times(Calendar("Europe/Rome", (sites,)), POLICY, source="w.yml")


@pytest.fixture
def farm(tmp_path: Path) -> PretendedFarm:
    farm = PretendedFarm(tmp_path, PLAN)
    farm.during = {step.id: takes(farm, step.estimated_minutes) for step in PLAN.steps}
    return farm


def takes(farm: PretendedFarm, minutes: float) -> Callable[[Step], None]:
    def pass_by(step: Step) -> None:
        farm.clock.forward(minutes=minutes)

    return pass_by


def test_what_fits_is_done_in_one_window(farm: PretendedFarm) -> None:
    # 10 and 30 minutes go by, 80 are left: 30 with 30 in reserve fit. Then 50 are left: 10 + 10 do.
    farm.terms = replace(farm.terms, times=nights(119, 120))
    report = farm.run()
    assert report.exit_code == 0
    assert farm.clock.now() == NIGHT + 80 * MINUTE
    assert farm.data("step-started", "rome-2") == {
        "minutes": 30, "reserve": 30, "until": (NIGHT + 119 * MINUTE).isoformat(),
    }  # fmt: skip


def test_a_window_that_closes_in_the_middle_pauses_the_run(farm: PretendedFarm) -> None:
    # After 40 minutes 59 are left for 30 and 30.
    farm.terms = replace(farm.terms, times=nights(99, 120))
    report = farm.run()
    assert report.exit_code == 5
    assert report.stop is not None
    assert report.stop.paused
    assert report.done == ("on", "rome-1")
    assert farm.ran == ["on", "rome-1"]
    said = "\n".join(report.stop.lines())
    assert "rome-2: it needs 60 minutes, the window has 59 left" in said
    assert "the next one opens 2026-11-14 21:00 UTC" in said
    assert f"rome-cas-01: {URL}" in said
    assert "Go on with this plan from 2026-11-14 21:00 UTC: orchestrator resume DIR -i X" in said
    awaited = farm.data("window-awaited")
    assert awaited["until"] == "2026-11-14T21:00:00+00:00"
    assert awaited["waits"] is False
    assert awaited["redirections"] == [f"{name}: {URL} (step off turns it off)" for name in BOTH]
    stopped = farm.data("run-stopped")
    assert stopped["next_window"] == awaited["until"]
    assert stopped["redirections"] == [f"{name}: {URL}" for name in BOTH]
    assert view(farm.entries()).next_window == awaited["until"]

    # Resumed too early nothing is started; resumed in the window it ends.
    assert farm.resume().exit_code == 5
    assert farm.ran == ["on", "rome-1"]
    farm.clock.forward(minutes=(NIGHT + timedelta(days=7) - farm.clock.now()) / MINUTE)
    assert farm.resume().exit_code == 0
    assert farm.ran == ["on", "rome-1", "rome-2", "off"]
    run = view(farm.entries())
    assert (run.finished, run.next_window, run.impossible) == (True, "", ())


def test_the_end_of_a_window_is_not_part_of_it(farm: PretendedFarm) -> None:
    farm.terms = replace(farm.terms, times=nights(120))
    farm.during["on"] = takes(farm, 60)
    assert farm.run().exit_code == 5  # 60 minutes left, 60 needed: rome-1 starts, rome-2 not.
    assert farm.ran == ["on", "rome-1"]


def test_one_minute_too_late_is_too_late(farm: PretendedFarm) -> None:
    farm.terms = replace(farm.terms, times=nights(120, 120))
    farm.during["on"] = takes(farm, 60 + 1 / 60)
    assert farm.run().exit_code == 5
    assert farm.ran == ["on"]


def test_waiting_reads_the_farm_before_it_goes_on(farm: PretendedFarm) -> None:
    farm.terms = replace(farm.terms, times=nights(99, 120), wait=True)
    farm.clock.far = NIGHT + timedelta(days=7)
    said: list[str] = []
    report = farm.run(say=said.append)
    assert report.exit_code == 0
    assert farm.ran == ["on", "rome-1", "rome-2", "off"]
    assert farm.clock.now() == NIGHT + timedelta(days=7) + 40 * MINUTE
    assert farm.reads == 2
    kinds = farm.kinds()
    waiting = kinds.index("window-awaited")
    assert kinds[waiting : waiting + 4] == [
        "window-awaited", "state-read", "window-opened", "step-started rome-2",
    ]  # fmt: skip
    assert any("meanwhile on: rome-cas-01" in line for line in said)


def test_a_farm_that_moves_while_waiting_stops_the_run(farm: PretendedFarm) -> None:
    farm.terms = replace(farm.terms, times=nights(99, 120), wait=True)
    farm.clock.far = NIGHT + timedelta(days=7)

    def update(line: str) -> None:
        farm.state = farm.state.with_builds({"rome-cas-02": Build.parse("14.2.309.2")})

    report = farm.run(say=update)
    assert report.exit_code == 5
    assert report.stop is not None
    assert "moved while the window was awaited: rome-cas-02: build 14.2.309.2" in report.stop.reason
    assert farm.ran == ["on", "rome-1"]


@pytest.mark.parametrize(("wish", "code"), [("pause", 5), ("cancel", 130), ("journal", 5)])
def test_waiting_can_be_ended(farm: PretendedFarm, wish: str, code: int) -> None:
    farm.terms = replace(farm.terms, times=nights(99, 120), wait=True)

    def ask(line: str) -> None:
        if wish == "journal":
            with Journal.open(farm.journal_file, clock=farm.clock) as journal:
                journal.append(Kind.PAUSE_REQUESTED, by="grace")
        else:
            getattr(farm, wish).set()

    report = farm.run(say=ask)
    assert report.exit_code == code
    assert farm.ran == ["on", "rome-1"]
    assert farm.clock.now() < NIGHT + timedelta(days=1)


def test_a_plan_that_fits_nowhere_is_refused_before_anything(farm: PretendedFarm) -> None:
    farm.terms = replace(farm.terms, times=nights(50, 59))
    with pytest.raises(OrchestratorError, match=r"rome-1 needs 60 minutes .* has 59") as caught:
        farm.run()
    assert "rome-2 needs 60" in caught.value.message
    assert "on needs" not in caught.value.message
    assert farm.entries() == []
    farm.terms = replace(farm.terms, times=nights(500))
    farm.clock.forward(minutes=500)
    with pytest.raises(OrchestratorError, match="on needs 20"):
        farm.run()


def test_a_step_keeps_to_the_window_the_plan_gives_it(farm: PretendedFarm) -> None:
    times = nights(300, 300)
    second = times.calendar.groups[0].windows[1]
    planned = {"rome-2": second, "off": second}
    farm.terms = replace(farm.terms, times=replace(times, planned=planned))
    report = farm.run()
    assert report.done == ("on", "rome-1")
    assert report.stop is not None
    assert "rome-2: the plan gives it the window from 2026-11-14 21:00 UTC" in report.stop.reason


def test_learned_minutes_count_where_they_are_more(farm: PretendedFarm) -> None:
    times = replace(nights(119, 120), learned={"rome-2": 45, "rome-1": 5})
    farm.terms = replace(farm.terms, times=times)
    report = farm.run()
    assert report.done == ("on", "rome-1")  # 79 minutes are left for 45 and 45.
    assert report.stop is not None
    assert "rome-2: it needs 90 minutes, the window has 79 left" in report.stop.reason
    assert farm.data("step-started", "rome-1")["minutes"] == 30


def test_begun_inside_windows_it_goes_on_inside_windows(farm: PretendedFarm) -> None:
    farm.terms = replace(farm.terms, times=nights(99, 120))
    assert farm.run().exit_code == 5
    farm.terms = replace(farm.terms, times=None)
    with pytest.raises(OrchestratorError, match=r"begun inside the windows of w.yml") as caught:
        farm.resume()
    assert "--windows w.yml" in caught.value.remedy


@pytest.mark.parametrize(
    ("day", "first_ends", "minutes"),
    [
        # Saturday 22:00 to 04:00 in Rome: seven hours when it is put back, five when forward.
        ("2026-10-24", datetime(2026, 10, 25, 3, 0, tzinfo=UTC), 420),
        ("2027-03-27", datetime(2027, 3, 28, 2, 0, tzinfo=UTC), 300),
        ("2026-11-07", datetime(2026, 11, 8, 3, 0, tzinfo=UTC), 360),
    ],
    ids=["back", "forward", "neither"],
)
def test_a_night_on_which_the_clock_changes(
    farm: PretendedFarm, tmp_path: Path, day: str, first_ends: datetime, minutes: int
) -> None:
    file = tmp_path / "windows.yml"
    file.write_text(
        f"version: 1\nzone: Europe/Rome\nfrom: {day}\n"
        'windows: [{days: [sat], start: "22:00", end: "04:00"}]\n'
    )
    calendar = read_windows(file, ["rome"]).calendar
    window = calendar.groups[0].windows[0]
    assert (window.end, window.minutes) == (first_ends, minutes)
    farm.terms = replace(farm.terms, times=Times(calendar, POLICY, source="windows.yml"))
    # A step that may take all but an hour of the night, and one that needs just too much of it.
    farm.clock.start = window.start
    long = minutes // 2 - 5
    steps = [replace(s, estimated_minutes=long if s.id == "rome-1" else 10) for s in PLAN.steps]
    farm.plan = replace(PLAN, steps=tuple(steps))
    farm.during["on"] = takes(farm, 10)
    assert farm.run().done[:2] == ("on", "rome-1")
    data = farm.data("step-started", "rome-1")
    assert data["until"] == first_ends.isoformat()

    assert farm.terms.times is not None
    needs = replace(steps[1], estimated_minutes=long + 1)
    opening = farm.terms.times.opening(needs, window.start + 10 * MINUTE)
    assert opening.window is None
    assert opening.why == f"it needs {2 * long + 2} minutes, the window has {minutes - 10} left"
