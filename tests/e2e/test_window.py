"""A whole maintenance window on the simulated farm with users logging on all the time, and the
way back. What the users and the farm's own logs say is held against plan and journal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from orchestrator.journal.store import JOURNAL_NAME, Journal
from orchestrator.planfile import digest

GOALS = ("--to", "2010 SP2 RU2", "--to", "2007 SP3 RU7")
SEED = "paris/2010 -> berlin/2010 (owa)"
BERLIN = ("ber-cas-01", "ber-cas-02")
OLD = "14.2.247.5"
MADRID_URL = "https://mail-madrid.contoso.example/owa"
WORK = {
    "exchange_rollup",
    "exchange_restart",
    "exchange_service_health",
    "exchange_virtual_directory",
}


@dataclass(frozen=True)
class Farmland:
    """Builds and addresses at one moment."""

    builds: dict[str, str]
    urls: dict[str, str]


@dataclass(frozen=True)
class Period:
    """A state of the plan and when it held, every server in service.

    `began` is the end of the work of the step that led here, `ended` the beginning of the next.
    """

    after: str
    state: Farmland
    began: float
    ended: float


@dataclass(frozen=True)
class Ran:
    """One run of a plan and everything seen while it went."""

    folder: Path
    steps: list[dict[str, Any]]
    journal: list[Any]
    text: str
    before: Farmland
    after: Farmland
    digest: str
    requests: list[dict[str, Any]]
    calls: list[dict[str, Any]]
    visits: list[Any]
    pools: dict[str, list[str]]

    @property
    def changing(self) -> list[dict[str, Any]]:
        return [step for step in self.steps if step["kind"] != "verify"]

    def times(self, step: str) -> tuple[float, float]:
        """When the journal says that a step began and succeeded."""
        at = {e.kind: e.time.timestamp() for e in self.journal if e.step == step}
        return at["step-started"], at["step-succeeded"]

    def work(self, step: str) -> list[dict[str, Any]]:
        """The module calls of a step that work on its servers; entries are written at their end."""
        low, high = self.times(step)
        return [c for c in self.calls if low < c["time"] < high and c["module"] in WORK]

    def untouched_until(self, step: str) -> float:
        """The last moment that is surely before a step's first change."""
        low, high = self.times(step)
        first = next(call for call in self.calls if low < call["time"] < high)
        # Entries are written at the end of a call, so that only one that reads will do.
        return first["time"] if first["module"] == "exchange_server_facts" else low

    def out_of_service(self, server: str) -> list[tuple[float, float]]:
        """When a server was being worked on: from before its installer to after its check."""
        return [
            (self.untouched_until(step["id"]), self.work(step["id"])[-1]["time"])
            for step in self.changing
            if server in step["servers"] and step["to_build"]
        ]

    def away(self, server: str, moment: float) -> bool:
        return any(low <= moment <= high for low, high in self.out_of_service(server))

    def periods(self) -> Iterator[Period]:
        """Every state of the plan, the first and the last included."""
        state, began, after = self.before, self.requests[0]["time"], "the start"
        for step in self.changing:
            yield Period(after, state, began, self.untouched_until(step["id"]))
            builds, urls = dict(state.builds), dict(state.urls)
            for server in step["servers"]:
                builds[server] = step["to_build"] or builds[server]
                urls[server] = step["new_urls"].get(server, urls[server])
            state, after = Farmland(builds, urls), step["id"]
            began = self.work(step["id"])[-1]["time"]
        yield Period(after, state, began, self.requests[-1]["time"])


class Window:
    """Runs plans on the farm with users at every door."""

    def __init__(self, farm: Any, run: Callable[..., Any], paths: dict[str, list[str]]) -> None:
        self.farm, self._run, self._paths = farm, run, paths

    def now(self) -> Farmland:
        return Farmland(self.farm.builds(), self.farm.external_urls())

    def go(self, read_plan: Callable[[Path], Any], folder: Path, *arguments: object) -> Ran:
        before, seen, called = self.now(), len(self.farm.requests()), len(self.farm.module_calls())
        with self.farm.users(self._paths) as users:
            ended = self._run(*arguments, *self.farm.options)
        journal = Journal.read(folder / JOURNAL_NAME)
        try:
            journal.verify()
            entries = journal.entries()
        finally:
            journal.close()
        plan = read_plan(folder)
        return Ran(
            folder=folder,
            steps=plan["steps"],
            journal=entries,
            text=ended.text,
            before=before,
            after=self.now(),
            digest=digest(folder),
            requests=self.farm.requests()[seen:],
            calls=self.farm.module_calls()[called:],
            visits=users.visits,
            pools={
                pool["test_mailbox"]: [server["name"] for server in pool["servers"]]
                for pool in plan["topology"]["pools"]
            },
        )


@pytest.fixture(scope="module")
def window(farm: Any, run: Callable[..., Any], user_paths: dict[str, list[str]]) -> Window:
    # What is left of a step's time is Ansible's own, and users notice a restart all the same.
    farm.set("install_seconds=0.4")
    farm.set("restart_seconds=0.4")
    return Window(farm, run, user_paths)


@pytest.fixture(scope="module")
def planned(window: Window, run: Callable[..., Any], tmp_path_factory: Any) -> tuple[Path, str]:
    """The plan of contoso, from the hosts themselves, and the digest the program showed."""
    folder = tmp_path_factory.mktemp("window") / "plan"
    ended = run("plan", *window.farm.options, "--live", *GOALS, "-o", folder)
    return folder, _digest_of(ended.out)


@pytest.fixture(scope="module")
def forth(window: Window, planned: tuple[Path, str], read_plan: Any) -> Ran:
    """The window itself."""
    folder, approved = planned
    return window.go(read_plan, folder, "apply", folder, "--approve", approved)


@pytest.fixture(scope="module")
def after_forth(forth: Ran, window: Window, run: Callable[..., Any]) -> dict[str, Any]:
    """What the commands say between the window and the way back."""
    return {
        "diagnose": run("diagnose", *window.farm.options, "--live"),
        "again": run(
            "apply", forth.folder, *window.farm.options, "--approve", forth.digest, ends=1
        ),
    }


@pytest.fixture(scope="module")
def back(
    forth: Ran, after_forth: Any, window: Window, run: Callable[..., Any], read_plan: Any
) -> Ran:
    """`rollback` shown first, then approved by the digest it showed and run."""
    shown = run("rollback", forth.folder, *window.farm.options)
    approved = _digest_of(shown.out)
    words = ("rollback", forth.folder, "--apply", "--approve", approved)
    return window.go(read_plan, forth.folder / "runs" / "2", *words)


@pytest.fixture(scope="module")
def to_the_start(
    back: Ran, forth: Ran, window: Window, run: Callable[..., Any], read_plan: Any
) -> Ran:
    """The rest of the way back, into the state that was broken."""
    accepted = ("--accept-broken", SEED)
    shown = run("rollback", forth.folder, *accepted, *window.farm.options)
    words = ("rollback", forth.folder, *accepted, "--apply", "--approve", _digest_of(shown.out))
    return window.go(read_plan, forth.folder / "runs" / "4", *words)


def _digest_of(out: str) -> str:
    return out.rpartition("Digest ")[2].split()[0]


def _broken(ran: Ran) -> list[dict[str, Any]]:
    return [request for request in ran.requests if request["outcome"] == "broken"]


# ---- nothing breaks ---------------------------------------------------------------------------


def test_no_answer_is_broken_but_those_of_the_path_that_was_before_its_repair(forth: Ran) -> None:
    repaired = {
        server: forth.work(step)[-1]["time"]
        for server, step in zip(
            BERLIN, ("upgrade-berlin-2010-1", "upgrade-berlin-2010-2"), strict=True
        )
    }
    broken = _broken(forth)
    assert broken, "the seed was never seen: the users were not there"
    for request in broken:
        assert request["source"] in ("par-cas-01", "par-cas-02"), request
        assert request["target"] in BERLIN, request
        assert (request["source_build"], request["target_build"]) == ("14.2.283.3", OLD), request
        assert request["time"] < repaired[request["target"]], request
        assert request["text"] == "Invalid user context cookie found in proxy response"


def test_an_answer_is_missing_only_while_a_server_is_worked_on(forth: Ran) -> None:
    _assert_missing_only_while_away(forth)


def _assert_missing_only_while_away(ran: Ran) -> None:
    missing = [r for r in ran.requests if r["outcome"] == "unavailable"]
    for request in missing:
        # Without a mailbox the source itself refused; else no target of the pool answered.
        servers = ran.pools.get(request["mailbox"], [request["source"]])
        assert all(ran.away(server, request["time"]) for server in servers), request
    for visit in ran.visits:
        if visit.outcome == "unavailable":
            servers = ran.pools[visit.mailbox]
            # The time is that of the beginning; the server may have gone just after.
            assert any(
                ran.away(visit.source, moment) or all(ran.away(s, moment) for s in servers)
                for moment in (visit.time, visit.time + 1)
            ), visit
    assert missing, "nobody noticed a restart: the users were not there"


def test_what_the_users_saw_is_what_the_farm_logged(forth: Ran) -> None:
    """Two witnesses: the pages users got, and the log the farm wrote."""
    logged = Counter(r["outcome"] for r in forth.requests if r["client"] == "user")
    seen = Counter(visit.outcome for visit in forth.visits)
    for outcome in ("ok", "redirect", "broken"):
        # An answer can be lost with its connection after it was logged.
        assert 0 <= logged[outcome] - seen[outcome] <= 5, (outcome, logged, seen)


# ---- every pair in every state ----------------------------------------------------------------


def test_every_pair_in_service_is_seen_in_every_state_of_the_plan(
    forth: Ran, user_paths: dict[str, list[str]]
) -> None:
    _assert_every_pair_seen(forth, user_paths)


def _assert_every_pair_seen(ran: Ran, user_paths: dict[str, list[str]]) -> None:
    periods = list(ran.periods())
    assert len(periods) == len(ran.changing) + 1
    assert periods[-1].state == ran.after
    for period in periods:
        seen = {
            (r["source"], r["target"], r["mode"], r["source_build"], r["target_build"])
            for r in ran.requests
            if period.began < r["time"] < period.ended and r["client"] == "user"
        }
        builds, urls = period.state.builds, period.state.urls
        wanted = {
            (s, t, "redirect" if urls[t] else "proxy", builds[s], builds[t])
            for s, mailboxes in user_paths.items()
            for mailbox in mailboxes
            for t in ran.pools[mailbox]
        }
        assert seen == wanted, f"after {period.after}: {sorted(seen ^ wanted)}"


# ---- the pair that proxies both ways ----------------------------------------------------------


def test_the_bidirectional_pair_goes_through_redirection_and_comes_back(forth: Ran) -> None:
    on = forth.work("enable-redirection-madrid-2010-owa")[-1]["time"]
    off = forth.times("restore-proxying-madrid-2010-owa")[0]
    done = forth.work("restore-proxying-madrid-2010-owa")[-1]["time"]
    begun = forth.times("enable-redirection-madrid-2010-owa")[0]
    to_madrid = [
        visit
        for visit in forth.visits
        if (visit.source, visit.mailbox) == ("rom-cas-01", "probe-madrid-2010@contoso.example")
        and visit.outcome != "unavailable"
    ]

    def outcomes(low: float, high: float) -> set[tuple[str, str]]:
        return {(v.outcome, v.detail) for v in to_madrid if low < v.time < high}

    directly = {("ok", "mad-cas-01"), ("ok", "mad-cas-02")}
    assert outcomes(0, begun - 1) == directly
    assert outcomes(on, off - 1) == {("redirect", MADRID_URL)}
    assert outcomes(done, float("inf")) == directly
    # While it was on, both ends changed, one after the other, in front of the users.
    for step in ("upgrade-rome-2010-1", "upgrade-madrid-2010-1", "upgrade-madrid-2010-2"):
        assert on < forth.times(step)[0] < forth.times(step)[1] < off


def test_every_external_address_is_what_it_was_before(forth: Ran) -> None:
    assert forth.after.urls == forth.before.urls
    assert forth.before.urls["mad-cas-01"] == ""


def test_every_server_that_may_is_on_its_goal(forth: Ran) -> None:
    expected = {
        name: "14.2.298.4" if build.startswith("14.") else "8.3.264.0"
        for name, build in forth.before.builds.items()
    }
    # Held, for reasons of its own.
    expected["ber-cas-71"] = "8.3.245.2"
    assert forth.after.builds == expected


# ---- plan and journal -------------------------------------------------------------------------


def test_the_journal_tells_the_run(forth: Ran) -> None:
    kinds = [(e.kind, e.step) for e in forth.journal if e.kind != "step-child"]
    steps = [step["id"] for step in forth.steps]
    ends = [(kind, None) for kind in ("state-read", "steps-verified", "run-finished")]
    begin = [
        (kind, None) for kind in ("plan-approved", "state-read", "run-started", "baseline-probed")
    ]
    probing = {step["id"] for step in forth.steps if step["probes"]}
    per_step = ("step-started", "paths-probed", "step-succeeded")
    middle = [(k, s) for s in steps for k in per_step if k != "paths-probed" or s in probing]
    assert kinds == [*begin, *middle, *ends]
    assert forth.journal[0].data["digest"] == forth.digest


def test_running_a_plan_leaves_what_was_approved_untouched(
    forth: Ran, planned: tuple[Path, str]
) -> None:
    assert forth.digest == planned[1]


def test_a_plan_is_applied_once(forth: Ran, after_forth: dict[str, Any]) -> None:
    again = after_forth["again"]
    assert "this plan was applied already: begun" in again.err
    assert "finished" in again.err
    assert "What to do: a plan is applied once: make a new plan" in again.err


def test_afterwards_nothing_is_broken(after_forth: dict[str, Any]) -> None:
    said = after_forth["diagnose"].out
    assert "None of 7 paths is known to be broken. Builds: read from the hosts just now." in said


# ---- the way back -----------------------------------------------------------------------------


def test_the_way_back_restores_builds_and_addresses_up_to_the_path_that_was_broken(
    forth: Ran, back: Ran
) -> None:
    expected = {**forth.before.builds, **dict.fromkeys(BERLIN, "14.2.298.4")}
    assert back.after == Farmland(expected, forth.before.urls)


def test_the_way_back_breaks_no_path(back: Ran, user_paths: dict[str, list[str]]) -> None:
    assert _broken(back) == []
    _assert_missing_only_while_away(back)
    _assert_every_pair_seen(back, user_paths)


def test_the_way_back_touches_nothing_but_its_own_folder(forth: Ran, to_the_start: Ran) -> None:
    assert sorted(p.name for p in (forth.folder / "runs").iterdir()) == ["1", "2", "3", "4"]
    assert digest(forth.folder) == forth.digest
    # Shown and run were the same plan, and only the one that ran has a journal.
    runs = [forth.folder / "runs" / str(number) for number in range(1, 5)]
    for shown, ran in zip(runs[::2], runs[1::2], strict=True):
        assert digest(shown) == digest(ran)
        assert (shown / JOURNAL_NAME).exists() < (ran / JOURNAL_NAME).exists()


def test_with_the_broken_path_accepted_the_way_back_ends_exactly_at_the_start(
    forth: Ran, to_the_start: Ran
) -> None:
    assert to_the_start.after == forth.before
    for request in _broken(to_the_start):
        assert request["source"].startswith("par-"), request
        assert request["target"] in BERLIN, request
    assert _broken(to_the_start), "paris -> berlin/2010 is broken again, as accepted"
