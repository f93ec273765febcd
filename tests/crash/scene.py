"""A small farm in the lab with users at its doors, and the program as a process that can die."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import ssl
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

from orchestrator.execution import process
from orchestrator.journal.entry import Entry
from orchestrator.journal.projection import RunView, view
from orchestrator.journal.steps import StepStatus
from orchestrator.journal.store import JOURNAL_NAME, Journal
from orchestrator.lab.lab import Lab
from orchestrator.lab.machine import Machine, Task
from orchestrator.planfile import digest

HERE = Path(__file__).parent
GOALS = ("--to", "2010 SP2 RU2", "--to", "2007 SP3 RU7")
Doors = tuple[tuple[str, str], ...]
DOORS: Doors = (("mad-cas-01", "rome"), ("rom-cas-01", "madrid"), ("mad-cas-01", "lisbon"))
LIMIT = 300
KILLED = -9


@dataclass(frozen=True)
class Boundary:
    """A place to die at: before or after the n-th entry of its kind in one process."""

    when: str
    kind: str
    step: str | None = None
    nth: int = 1

    def __str__(self) -> str:
        return " ".join([self.when, self.kind, *([self.step] if self.step else [])])


@dataclass(frozen=True)
class Ended:
    """How a process of the program ended."""

    code: int
    text: str


class Scene:
    """One lab, one copy of the plan, users who never stop."""

    goals: Sequence[str] = GOALS
    more: Sequence[str] = ()
    fresh = True

    def __init__(
        self, folder: Path, plan: Path | None = None, *, farm: str = "farm", doors: Doors = DOORS
    ) -> None:
        self.farm = folder / "farm"
        self._doors = doors
        self.copy_farm(farm)
        self.plan = folder / "plan"
        if plan is not None:
            skip = shutil.ignore_patterns("attempts", f"{JOURNAL_NAME}*")
            shutil.copytree(plan, self.plan, ignore=skip)
        self.lab = Lab(self.farm, folder / "lab", fresh=self.fresh)
        self.installations: Counter[str] = Counter()
        self._stop = threading.Event()
        self._users = threading.Thread(target=self._visit_all, name="users", daemon=True)

    def copy_farm(self, farm: str) -> None:
        shutil.copytree(HERE / farm, self.farm)

    def _count_installations(self) -> None:
        """What the module says of itself is no count: every look at an installer is a change."""
        start = Machine.start_task

        def counted(machine: Machine, task: Task) -> None:
            self.installations[f"{task.action} {machine.server.name} {task.build}"] += 1
            start(machine, task)

        Machine.start_task = counted  # type: ignore[method-assign]
        self._put_back = lambda: setattr(Machine, "start_task", start)

    def __enter__(self) -> Self:
        self._count_installations()
        self.lab.start()
        self._port = self.lab.port
        self._users.start()
        if not self.plan.exists():
            made = self.run("plan", *self.goals, "-o", str(self.plan), options=self.options)
            assert made.code == 0, made.text
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        process.end_run(self.plan.absolute())
        self._stop.set()
        self._users.join()
        self.lab.stop()
        self._put_back()

    @property
    def options(self) -> tuple[str, ...]:
        return ("-i", str(self.farm), "-e", f"@{self.lab.connection_file}", *self.more)

    def run(
        self, command: str, *arguments: str, at: Boundary | None = None, options: Sequence[str] = ()
    ) -> Ended:
        """Run a command to its end, or to its death."""
        program = ["-m", "orchestrator"]
        if at is not None:
            program = [str(HERE / "killed.py"), json.dumps(asdict(at))]
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("ANSIBLE_", "PYTHON"))}
        done = subprocess.run(
            [sys.executable, *program, command, *arguments, *options],
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            cwd=HERE.parents[1],
            env={**kept, "COLUMNS": "200"},
            timeout=LIMIT,
        )
        assert "Traceback" not in done.stdout, done.stdout
        return Ended(done.returncode, done.stdout)

    def apply(self, *more: str, at: Boundary | None = None) -> Ended:
        approved = ("--approve", digest(self.plan))
        return self.run("apply", str(self.plan), *approved, *more, at=at, options=self.options)

    def resume(self, *more: str, at: Boundary | None = None) -> Ended:
        arguments = (str(self.plan), "--take-over", *more)
        return self.run("resume", *arguments, at=at, options=self.options)

    # ---- what came of it ----------------------------------------------------------------------

    def steps(self) -> list[str]:
        document = json.loads((self.plan / "plan.json").read_text())
        return [step["id"] for step in document["steps"]]

    def entries(self) -> list[Entry]:
        with Journal.read(self.plan / JOURNAL_NAME) as journal:
            journal.verify()
            return journal.entries()

    def run_view(self) -> RunView:
        return view(self.entries())

    def picture(self) -> dict[str, Any]:
        """Builds, rollups and addresses of the farm as it truly is."""
        return {
            name: (self.lab.build(name), self.lab.rollups(name), self.lab.external_url(name))
            for name in sorted(self.lab.farm.servers)
        }

    def changes(self) -> Counter[str]:
        """How often each change was made: what the farm did, not what it was asked."""
        told = {"exchange_virtual_directory": "external_url", "exchange_restart": ""}
        made = [
            call
            for call in self.lab.module_calls()
            if call["module"] in told and call["result"] == "changed" and not call["check_mode"]
        ]
        return self.installations + Counter(
            f"{c['module']} {c['target']} {c['args'].get(told[c['module']], '')}" for c in made
        )

    def installs(self, server: str) -> int:
        """How often an installer was started on a server."""
        # A copy: the lab counts in threads of its own.
        return sum(n for what, n in self.installations.copy().items() if server in what.split())

    def asked(self, module: str) -> int:
        """How often a module has answered."""
        return sum(call["module"] == module for call in self.lab.module_calls())

    def outcomes(self) -> Counter[str]:
        return Counter(request["outcome"] for request in self.lab.requests())

    def faults(self, picture: dict[str, Any]) -> list[str]:
        """Everything that is not as after an undisturbed run."""
        found = []
        if self.picture() != picture:
            found.append(f"the farm is {self.picture()}, not {picture}")
        found += [f"{what}: {n} times" for what, n in self.changes().items() if n > 1]
        bad = {k: n for k, n in self.outcomes().items() if k in {"broken", "denied"}}
        found += [f"{n} requests were {outcome}" for outcome, n in bad.items()]
        run = self.run_view()
        found += run.impossible
        if not run.finished:
            found.append("the journal does not say finished")
        for step in self.steps():
            if run.status(step) is not StepStatus.VERIFIED:
                found.append(f"step {step} is {run.status(step)}")
        return found

    def faults_of_a_way_back(self, picture: dict[str, Any]) -> list[str]:
        """Everything that is not as after a way back that ended well."""
        found = []
        if self.picture() != picture:
            found.append(f"the farm is {self.picture()}, not {picture}")
        found += [f"{what}: {n} times" for what, n in self.installations.items() if n > 1]
        bad = {k: n for k, n in self.outcomes().items() if k in {"broken", "denied"}}
        found += [f"{n} requests were {outcome}" for outcome, n in bad.items()]
        run = self.run_view()
        found += run.impossible
        for step in run.steps:
            if run.status(step) is not StepStatus.COMPENSATED:
                found.append(f"step {step} is {run.status(step)}")
        return found

    # ---- users --------------------------------------------------------------------------------

    def _visit_all(self) -> None:
        self._tls = ssl.create_default_context(cafile=str(self.lab.ca_file))
        while not self._stop.is_set():
            for source, site in self._doors:
                self._visit(source, f"probe-{site}@contoso.example")
            self._stop.wait(1.5)

    def _visit(self, source: str, mailbox: str) -> None:
        """Log on; what came of it is in the lab's own record. A server may be down."""
        host = f"{source}.contoso.example"
        there = http.client.HTTPSConnection("127.0.0.1", self._port, timeout=20, context=self._tls)
        there.set_tunnel(host, 443)
        form = urlencode(
            {
                "destination": f"https://{host}/owa/",
                "username": mailbox,
                "password": self.lab.password(mailbox),
                "flags": "4",
            }
        )
        try:
            there.request("POST", "/owa/auth.owa", form, {"Host": host, "User-Agent": "user"})
            answer = there.getresponse()
            answer.read()
            lines = answer.headers.get_all("set-cookie", [])
            cookie = "; ".join(line.partition(";")[0] for line in lines)
            headers = {"Host": host, "User-Agent": "user", "Cookie": cookie}
            there.request("GET", "/owa/", headers=headers)
            there.getresponse().read()
        except (OSError, http.client.HTTPException):
            pass
        finally:
            there.close()


def at_once(scene: Scene, command: str, *arguments: str) -> subprocess.Popen[str]:
    """Start the program as a terminal does: in a process group of its own."""
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "orchestrator",
            command,
            str(scene.plan),
            *arguments,
            *scene.options,
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        cwd=HERE.parents[1],
        start_new_session=True,
    )


def until(true: Callable[[], bool], what: str) -> None:
    limit = time.monotonic() + 60
    while not true():
        assert time.monotonic() < limit, f"{what} never came"
        time.sleep(0.1)


def begun(scene: Scene, kind: str, step: str | None = None) -> Callable[[], bool]:
    def look() -> bool:
        try:
            return (kind, step) in {(entry.kind, entry.step) for entry in scene.entries()}
        except Exception:  # Not there yet.
            return False

    return look


def end(program: subprocess.Popen[str]) -> Ended:
    out, _ = program.communicate(timeout=120)
    assert "Traceback" not in out, out
    return Ended(program.returncode, out)
