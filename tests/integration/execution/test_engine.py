"""Whole runs of small plans with real playbooks; the farm is one JSON file on localhost."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import InvalidInput, OrchestratorError, RunStopped, StalePlan
from orchestrator.execution.attempts import AnsibleInputs, FarmReader, StepPlaybooks
from orchestrator.execution.engine import Approval, resume_plan, run_plan
from orchestrator.execution.observed import ObservedFarm, ServerFacts
from orchestrator.execution.ports import Ports
from orchestrator.execution.position import Position, Reading
from orchestrator.execution.results import TaskOutcome
from orchestrator.execution.run import Commands, RunReport
from orchestrator.execution.who import Who
from orchestrator.journal.entry import Entry, Kind
from orchestrator.journal.projection import view
from orchestrator.journal.steps import StepStatus
from orchestrator.journal.store import Journal
from orchestrator.model.build import Build
from orchestrator.model.plan import Plan, Step, StepKind
from orchestrator.model.state import State
from orchestrator.model.topology import PoolId, Protocol

from .conftest import Bench

OLD, NEW = Build.parse("14.2.247.5"), Build.parse("14.2.298.4")
URL = "https://mail-rome.contoso.example/owa"
ROME = PoolId("rome", "2010")
ADA = Who("ada", "node-1", 17, "")
COMMANDS = Commands("orchestrator resume DIR -i X", "orchestrator rollback DIR -i X --apply")

# Stands in for the PowerShell module of the same name; the answer is the documented one.
FACTS = """#!/usr/bin/python
import json
from ansible.module_utils.basic import AnsibleModule
module = AnsibleModule({"target": {"required": True}, "farm": {"required": True}})
with open(module.params["farm"]) as file:
    farm = json.load(file)
server = farm[module.params["target"]]
if "refuse" in server:
    module.fail_json(msg=server["refuse"])
module.exit_json(exchange_server={
    "name": module.params["target"].upper(),
    "fqdn": module.params["target"] + ".contoso.example",
    "build": server["build"], "ad_site": "rome", "roles": ["ClientAccess"],
    "pending_restart": False, "installer_running": False, "free_disk_mb": 9000,
    "automatic_updates": "disabled", "rollups": [], "services": [], "events": [],
    "virtual_directories": {"owa": {"internal_url": "https://x/owa",
                                    "external_url": server["url"] or None}},
})
"""

# Stands in for what a step changes.
CHANGE = """#!/usr/bin/python
import fcntl, json
from ansible.module_utils.basic import AnsibleModule
module = AnsibleModule({"server": {}, "farm": {}, "build": {}, "url": {}})
with open(module.params["farm"], "r+") as file:
    fcntl.flock(file, fcntl.LOCK_EX)
    farm = json.load(file)
    for key in ("build", "url"):
        if module.params[key] is not None:
            farm[module.params["server"]][key] = module.params[key]
    file.seek(0)
    file.truncate()
    json.dump(farm, file)
module.exit_json(changed=True)
"""


RESCUED = """block: [{ansible.builtin.fail: {msg: half}}]
      rescue: [{ansible.builtin.debug: {msg: fine}}]"""


class Ticking:
    """One second per look."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return datetime(2012, 4, 23, 22, 0, tzinfo=UTC) + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        self.seconds += 1
        return self.seconds


class Notebook:
    """A view that writes down what it is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.on_start: Callable[[], None] = lambda: None

    def on_run_started(self, plan: Plan, total_minutes: int) -> None:
        self.lines.append(f"run of {total_minutes} min")

    def on_step_started(self, step: Step, index: int, total: int) -> None:
        self.lines.append(f"{index}/{total} {step.id}")

    def on_task(self, step: Step, host: str, task: str, outcome: TaskOutcome) -> None:
        if outcome is TaskOutcome.STARTED:
            self.on_start()
        else:
            self.lines.append(f"{step.id} {host} {task} {outcome}")

    def on_step_finished(self, step: Step, seconds: float, outcome: StepStatus) -> None:
        self.lines.append(f"{step.id} {outcome} in {seconds:.0f} s")


def step(name: str, kind: StepKind, *after: str, **more: Any) -> Step:
    defaults: dict[str, Any] = {
        "pool": ROME,
        "servers": ("cas-01", "cas-02"),
        "protocols": (Protocol.OWA,),
        "estimated_minutes": 30,
        "reason": "",
    }
    return Step(id=name, kind=kind, after=after, **{**defaults, **more})


STEPS = (
    step(
        "redirect-rome",
        StepKind.ENABLE_REDIRECTION,
        prior_urls={"cas-01": "", "cas-02": ""},
        new_urls={"cas-01": URL, "cas-02": URL},
    ),
    step("upgrade-rome", StepKind.UPGRADE, "redirect-rome", from_build=OLD, to_build=NEW),
    step(
        "restore-rome",
        StepKind.RESTORE_PROXYING,
        "upgrade-rome",
        prior_urls={"cas-01": URL, "cas-02": URL},
        new_urls={"cas-01": "", "cas-02": ""},
    ),
    step("verify-rome", StepKind.VERIFY, "restore-rome", servers=(), estimated_minutes=5),
)


class Window:
    """A plan over two servers, its playbooks, and everything a run needs."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.farm_file = bench.folder / "farm.json"
        self.set_farm(build=str(OLD), url="")
        bench.write("books/library/exchange_server_facts.py", FACTS)
        bench.write("books/library/change.py", CHANGE)
        self.reading = bench.write(
            "books/read_state.yml",
            "- hosts: exchange\n  gather_facts: false\n  tasks:\n"
            "    - name: Read Exchange server state\n"
            f"      exchange_server_facts: {{target: '{{{{ inventory_hostname }}}}', "
            f"farm: {self.farm_file}}}\n",
        )
        self.books = {
            "redirect-rome": self.book("redirect-rome", self.change(url=URL)),
            "upgrade-rome": self.book("upgrade-rome", self.change(build=str(NEW))),
            "restore-rome": self.book("restore-rome", self.change(url="")),
            "verify-rome": self.book("verify-rome", None),
        }
        state = State({"cas-01": OLD, "cas-02": OLD}, {})
        end = state
        for each in STEPS:
            end = each.apply(end)
        self.plan = Plan(STEPS, state, end)
        self.cancel, self.pause = threading.Event(), threading.Event()
        self.view = Notebook()
        self.clock = Ticking()
        self.inputs = AnsibleInputs((bench.hosts,))
        self.reader = FarmReader(
            self.inputs, bench.folder / "runs", ("cas-01", "cas-02"), playbook=self.reading
        )

    def set_farm(self, **values: str) -> None:
        self.farm_file.write_text(json.dumps({n: dict(values) for n in ("cas-01", "cas-02")}))

    def change(self, only: str = "", **values: str) -> str:
        arguments = {"server": "{{ inventory_hostname }}", "farm": str(self.farm_file)}
        when = f", when: inventory_hostname == '{only}'" if only else ""
        return f"{{name: Change, change: {json.dumps(arguments | values)}{when}}}"

    def shorten(self, *names: str) -> None:
        """Fewer steps: each costs a run of Ansible."""
        steps = tuple(
            replace(s, after=tuple(a for a in s.after if a in names))
            for s in STEPS
            if s.id in names
        )
        end = self.plan.start
        for each in steps:
            end = each.apply(end)
        self.plan = Plan(steps, self.plan.start, end)

    def as_at_start(self) -> ObservedFarm:
        """The farm at the start, without asking Ansible for it."""
        answer = {
            "name": "x", "ad_site": "rome", "roles": [], "build": str(OLD), "rollups": [],
            "pending_restart": False, "installer_running": False, "free_disk_mb": 1,
            "automatic_updates": "disabled",
            "virtual_directories": {"owa": {"internal_url": None, "external_url": None}},
        }  # fmt: skip
        names = ("cas-01", "cas-02")
        return ObservedFarm({n: ServerFacts.from_answer(n, answer | {"fqdn": n}) for n in names})

    def book(self, name: str, *tasks: str | None, hosts: str = "cas-01,cas-02") -> Path:
        """A playbook as generated ones are: names checked first, then the servers."""
        text = (
            "- hosts: localhost\n  gather_facts: false\n  tasks:\n"
            "    - name: Check\n      ansible.builtin.assert: {that: true}\n"
        )
        if tasks != (None,):
            text += f"- hosts: {hosts}\n  gather_facts: false\n  tasks:\n"
            text += "".join(f"    - {task}\n" for task in tasks)
        return self.bench.write(f"books/{name}.yml", text)

    def ports(self, **more: Any) -> Ports:
        ports = Ports(
            run_playbook=StepPlaybooks(self.inputs, self.bench.folder / "runs", self.cancel),
            read_farm=self.reader,
            clock=self.clock,
            progress=self.view,
            pause_requested=self.pause.is_set,
            cancelled=self.cancel.is_set,
        )
        return replace(ports, **more)

    def resume(self, **more: Any) -> tuple[RunReport, Position]:
        where: list[Position] = []
        observed = more.pop("observed", None) or self.reader()
        with Journal.open(self.bench.folder / "journal.sqlite3", clock=self.clock) as journal:
            report = resume_plan(
                self.plan,
                self.books,
                approval=more.pop("approval", None) or Approval("sha256:abc", ADA),
                observed=observed,
                journal=journal,
                ports=self.ports(**more),
                commands=COMMANDS,
                on_position=where.append,
            )
        return report, where[0]

    def died_in(self, *done: str, step: str = "", approved: str = "sha256:abc") -> None:
        """The journal of a run that was killed in a step, without the time it takes."""
        with Journal.open(self.bench.folder / "journal.sqlite3", clock=self.clock) as journal:
            journal.append(Kind.PLAN_APPROVED, digest=approved, by="ada", host="node-1")
            journal.append(Kind.RUN_STARTED, digest=approved, who=ADA.data())
            for name in done:
                journal.append(Kind.STEP_STARTED, name)
                journal.append(Kind.STEP_SUCCEEDED, name, seconds=1)
            if step:
                journal.append(Kind.STEP_STARTED, step)

    def run(self, **more: Any) -> RunReport:
        with Journal.open(self.bench.folder / "journal.sqlite3", clock=self.clock) as journal:
            return run_plan(
                self.plan,
                self.books,
                approval=Approval("sha256:abc", ADA),
                observed=more.pop("observed", None) or self.reader(),
                journal=more.pop("journal", journal),
                ports=self.ports(**more),
                commands=COMMANDS,
            )

    def entries(self) -> list[Entry]:
        with Journal.read(self.bench.folder / "journal.sqlite3") as journal:
            journal.verify()
            return journal.entries()

    def kinds(self) -> list[str]:
        return [f"{e.kind} {e.step}" if e.step else e.kind for e in self.entries()]


@pytest.fixture
def window(bench: Bench) -> Window:
    return Window(bench)


def test_a_whole_window_and_its_journal(window: Window) -> None:
    report = window.run()
    assert (report.exit_code, report.stop) == (0, None)
    assert report.done == tuple(s.id for s in STEPS)
    assert report.farm is not None
    assert report.farm.state == window.plan.end
    per_step = [
        f"{kind} {s.id}" for s in STEPS for kind in ("step-started", "step-child", "step-succeeded")
    ]
    assert window.kinds() == [
        *("plan-approved", "state-read", "run-started"),
        *per_step,
        *("state-read", "steps-verified", "run-finished"),
    ]
    assert window.view.lines[:2] == ["run of 95 min", "1/4 redirect-rome"]
    assert "upgrade-rome cas-02 Change changed" in window.view.lines
    approved = window.entries()[0]
    assert approved.data == {"digest": "sha256:abc", "by": "ada", "host": "node-1"}

    with pytest.raises(OrchestratorError, match=r"applied already: begun 2012-04-23 .* by ada"):
        window.run(observed=window.as_at_start())


def test_the_first_failure_stops_it_with_everything_a_person_needs(window: Window) -> None:
    window.book(
        "upgrade-rome",
        window.change(only="cas-01", build=str(NEW)),
        "{name: Ask, when: inventory_hostname == 'cas-02',"
        " ansible.builtin.fail: {msg: 'msiexec ended with 1603'}}",
    )
    report = window.run(observed=window.as_at_start())
    assert report.exit_code == 5
    stop = report.stop
    assert stop is not None
    assert stop.step is STEPS[1]
    assert stop.status is StepStatus.FAILED
    assert [str(f) for f in stop.failures] == ["cas-02: Ask: msiexec ended with 1603"]
    assert (stop.done, stop.remaining) == (("redirect-rome",), ("restore-rome", "verify-rome"))
    assert stop.redirections_on == (f"cas-01: {URL}", f"cas-02: {URL}")
    assert stop.unexpected == ("cas-01: build 14.2.298.4, expected 14.2.247.5",)
    said = "\n".join(stop.lines())
    for part in (
        "step upgrade-rome is failed",
        "cas-02: Ask: msiexec ended with 1603",
        "Redirections that are on and were not before",
        "orchestrator rollback DIR",
        "runs that step again, which repeats no change): orchestrator resume DIR",
    ):
        assert part in said
    assert window.kinds()[-4:] == [
        "step-failed upgrade-rome",
        *("state-read", "steps-verified", "run-stopped"),
    ]
    failed, _, verified, stopped = window.entries()[-4:]
    assert verified.data["steps"] == ["redirect-rome"]
    assert failed.data["failures"][0]["message"] == "msiexec ended with 1603"
    assert stopped.data["redirections"] == [f"cas-01: {URL}", f"cas-02: {URL}"]
    with pytest.raises(OrchestratorError, match=r"stopped .*upgrade-rome failed"):
        window.run(observed=window.as_at_start())


@pytest.mark.parametrize(
    ("hosts", "tasks", "status", "reason"),
    [
        ("cas-01", ["{ansible.builtin.debug: {msg: x}}"], "failed", "did not run on cas-02"),
        ("exchange,away", ["{ansible.builtin.ping: }"], "failed", "gone-01 could not be reached"),
        (
            "exchange",
            [RESCUED],
            "failed",
            "failed",
        ),
        ("[", [], "in-doubt", "without saying what it did"),
    ],
    ids=["absent", "unreachable", "rescued", "unparsable"],
)
def test_a_step_counts_only_if_everything_says_so(
    window: Window, hosts: str, tasks: list[str], status: str, reason: str
) -> None:
    window.book("redirect-rome", *tasks, hosts=hosts)
    window.shorten("redirect-rome")
    stop = window.run(observed=window.as_at_start()).stop
    assert stop is not None
    assert (stop.status, stop.done) == (StepStatus(status), ())
    assert reason in stop.reason
    assert stop.changed == ()
    if status == "in-doubt":
        assert any("YAML parsing failed" in line for line in stop.lines())


def test_an_interrupted_step_is_in_doubt_and_the_farm_is_read(window: Window) -> None:
    window.book(
        "upgrade-rome", window.change(build=str(NEW)), "{ansible.builtin.pause: {seconds: 60}}"
    )
    seen = threading.Event()

    def interrupt() -> None:
        # The change is on disk, the step is not over.
        if str(NEW) in window.farm_file.read_text() and not seen.is_set():
            seen.set()
            window.cancel.set()

    window.view.on_start = interrupt
    report = window.run(observed=window.as_at_start())
    assert report.exit_code == 130
    assert report.stop is not None
    assert report.stop.status is StepStatus.IN_DOUBT
    assert report.farm is not None
    assert report.farm.state.builds["cas-01"] == NEW
    assert "step-in-doubt upgrade-rome" in window.kinds()


@pytest.mark.parametrize(("wish", "code"), [("pause", 5), ("cancel", 130)])
def test_a_wish_between_steps_starts_nothing_more(window: Window, wish: str, code: int) -> None:
    getattr(window, wish).set()
    report = window.run(observed=window.as_at_start())
    assert report.exit_code == code
    assert report.stop is not None
    assert report.stop.paused is (wish == "pause")
    assert report.stop.remaining == tuple(s.id for s in STEPS)
    assert not any(kind.startswith("step") for kind in window.kinds())


def test_every_step_succeeded_but_the_farm_is_elsewhere(window: Window) -> None:
    window.shorten("upgrade-rome")
    window.book("upgrade-rome", "{ansible.builtin.debug: {msg: nothing done}}")
    report = window.run(observed=window.as_at_start())
    assert report.exit_code == 5
    assert report.stop is not None
    assert report.stop.unexpected == (
        "cas-01: build 14.2.247.5, expected 14.2.298.4",
        "cas-02: build 14.2.247.5, expected 14.2.298.4",
    )
    assert window.kinds()[-1] == "run-stopped"


def test_a_farm_that_moved_is_stale_and_the_plan_stays_unused(window: Window) -> None:
    window.set_farm(build=str(NEW), url="")
    with pytest.raises(StalePlan, match=r"cas-01: build 14.2.298.4, expected 14.2.247.5"):
        window.run()
    window.farm_file.write_text(
        json.dumps({"cas-01": {"refuse": "Ansible requires PowerShell v5.1"}, "cas-02": {}})
    )
    with pytest.raises(InvalidInput) as caught:
        window.run()
    codes = {d.code: d for d in caught.value.diagnostics}
    assert "exchange_management_host" in codes["CAS-E503"].remedy
    assert codes["CAS-E503"].subject == "host cas-01"
    assert codes["CAS-E504"].subject == "host cas-02"
    assert window.entries() == []
    window.set_farm(build=str(OLD), url="")
    window.shorten("verify-rome")
    assert window.run(observed=window.as_at_start()).exit_code == 0


def test_a_farm_that_cannot_be_read_after_a_stop_names_what_may_be_on(window: Window) -> None:
    window.book("upgrade-rome", "{name: Burn, ansible.builtin.fail: {msg: fire}}")
    window.bench.write("books/read_state.yml", "- hosts: [")
    stop = window.run(observed=window.as_at_start()).stop
    assert stop is not None
    assert stop.redirections_possible == (f"cas-01: {URL}", f"cas-02: {URL}")
    said = "\n".join(stop.lines())
    assert "CAS-E507 hosts cas-01, cas-02" in said
    assert "Redirections that may be on, not read" in said


def test_a_view_that_breaks_does_not_stop_the_run(window: Window) -> None:
    def broken() -> None:
        raise BrokenPipeError

    window.view.on_start = broken
    window.shorten("verify-rome")
    assert window.run(observed=window.as_at_start()).exit_code == 0


def test_a_journal_that_fills_up_stops_the_run_before_the_next_step(window: Window) -> None:
    path = window.bench.folder / "other.sqlite3"
    with Journal.open(path, clock=window.clock) as journal:
        original = window.view.on_step_finished

        def fill(each: Step, seconds: float, outcome: StepStatus) -> None:
            original(each, seconds, outcome)
            journal._connection.execute("PRAGMA max_page_count = 1")

        window.view.on_step_finished = fill  # type: ignore[method-assign]
        with pytest.raises(RunStopped, match=r"upgrade-rome .*disk is full"):
            window.run(observed=window.as_at_start(), journal=_Padded(journal))
    assert str(NEW) not in window.farm_file.read_text()


def test_a_pause_asked_for_through_the_journal_stops_before_the_next_step(window: Window) -> None:
    original = window.view.on_step_finished

    def ask(each: Step, seconds: float, outcome: StepStatus) -> None:
        original(each, seconds, outcome)
        if each.id == "redirect-rome":
            with Journal.open(window.bench.folder / "journal.sqlite3", clock=window.clock) as other:
                other.append(Kind.PAUSE_REQUESTED, by="grace", host="node-2")

    window.view.on_step_finished = ask  # type: ignore[method-assign]
    report = window.run(observed=window.as_at_start())
    assert report.exit_code == 5
    assert report.stop is not None
    lines = report.stop.lines()
    assert lines[0] == "Paused: before step upgrade-rome, as grace asked."
    assert "  Go on with this plan: orchestrator resume DIR -i X" in lines
    assert not any("Remove the cause" in line for line in lines)
    assert report.stop.redirections_on == (f"cas-01: {URL}", f"cas-02: {URL}")

    report, where = window.resume()
    assert report.exit_code == 0
    assert [s.id for s in where.done] == ["redirect-rome"]
    assert where.redirections == tuple(
        f"{name}: {URL} (step restore-rome turns it off)" for name in ("cas-01", "cas-02")
    )
    run = view(window.entries())
    assert (run.finished, run.impossible) == (True, ())
    assert {s.status for s in run.steps.values()} == {StepStatus.VERIFIED}
    assert {s.attempt for s in run.steps.values()} == {1}
    with pytest.raises(OrchestratorError, match="this plan was finished 2012-04-23"):
        window.resume(observed=window.as_at_start())


@pytest.mark.parametrize(
    ("builds", "reading"),
    [((OLD, OLD), "not begun"), ((NEW, OLD), "partly done"), ((NEW, NEW), "done")],
)
def test_a_step_that_was_cut_off_is_read_and_run_again(
    window: Window, builds: tuple[Build, Build], reading: str
) -> None:
    window.shorten("upgrade-rome")
    window.died_in(step="upgrade-rome")
    first, second = ({"build": str(build), "url": ""} for build in builds)
    window.farm_file.write_text(json.dumps({"cas-01": first, "cas-02": second}))
    report, where = window.resume()
    assert report.exit_code == 0
    assert [begun.reading for begun in where.begun] == [Reading(reading)]
    assert window.kinds()[3:] == [
        *("step-in-doubt upgrade-rome", "state-read", "step-read upgrade-rome", "run-resumed"),
        *("step-started upgrade-rome", "step-child upgrade-rome", "step-succeeded upgrade-rome"),
        *("state-read", "steps-verified", "run-finished"),
    ]
    run = view(window.entries())
    assert run.impossible == ()
    assert run.steps["upgrade-rome"].attempt == 2
    assert [e.attempt for e in window.entries() if e.step][-3:] == [2, 2, 2]


def test_a_farm_that_moved_is_drift_and_nothing_is_started(window: Window) -> None:
    window.died_in("redirect-rome", step="upgrade-rome")
    other = "14.2.309.2"
    farm = {"cas-01": {"build": str(NEW), "url": URL}, "cas-02": {"build": other, "url": URL}}
    window.farm_file.write_text(json.dumps(farm))
    with pytest.raises(StalePlan, match=f"cas-02: build {other}, expected {OLD}") as caught:
        window.resume()
    assert "cas-01: build" not in caught.value.message
    assert f"cas-01: {URL} (step restore-rome turns it off)" in caught.value.message
    assert window.kinds()[-1] == "drift-found"
    assert "run-resumed" not in window.kinds()
    assert view(window.entries()).drift == (f"cas-02: build {other}, expected {OLD}",)
    # Put back, it can be resumed: nothing was lost by the refusal.
    window.set_farm(build=str(NEW), url=URL)
    report, _ = window.resume()
    assert report.exit_code == 0
    assert view(window.entries()).drift == ()


def test_what_cannot_be_resumed_says_why(window: Window) -> None:
    with pytest.raises(OrchestratorError, match="never begun"):
        window.resume(observed=window.as_at_start())
    window.died_in(approved="sha256:other")
    with pytest.raises(OrchestratorError, match="has the digest sha256:other, but that of the fol"):
        window.resume(observed=window.as_at_start())
    window.set_farm(refuse="Access is denied")
    with pytest.raises(InvalidInput, match="CAS-E502"):
        window.resume(approval=Approval("sha256:other", ADA))


class _Padded(Journal):
    """Entries as large as a page: none fits into what is left of the last one."""

    def __init__(self, inner: Journal) -> None:
        super().__init__(inner.path, inner._connection, inner._clock)

    def append(self, *args: Any, **data: Any) -> Entry:
        return super().append(*args, padding="x" * 5000, **data)
