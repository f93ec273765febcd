"""A whole window in the lab against a playbook a person would write: ``make bench``.

    python -m benchmarks.window [SITES [SERVERS [SECONDS]]]

Both do the same: the same roles, probes and readings, in the same order, with the same hosts at
once. The third is the habit of today, one server after the other.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from benchmarks.window_farm import write_farm
from orchestrator.journal.store import JOURNAL_NAME, Journal
from orchestrator.lab.lab import Lab
from orchestrator.model.plan import Plan, Step
from orchestrator.planfile import digest, read_plan
from orchestrator.playbook.values import step_values

SITES, SERVERS, SECONDS = 5, 10, 1.0
ROLES = ("exchange_precheck", "exchange_rollup", "exchange_restart", "exchange_health")
FORKS = 50
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Window:
    """Wall seconds of one window, three ways, and the longest chain of its steps."""

    hosts: int
    steps: int
    engine: float
    by_hand: float
    one_by_one: float
    critical_path: float

    def lines(self) -> Iterator[str]:
        """The figures as text."""
        yield f"a window over {self.hosts} hosts in {self.steps} steps, wall seconds"
        yield f"apply                              {self.engine:8.1f}"
        yield f"a playbook written by hand         {self.by_hand:8.1f}"
        yield f"the same with serial: 1            {self.one_by_one:8.1f}"
        yield f"critical path of the plan          {self.critical_path:8.1f}"
        yield f"apply / by hand                    {self.engine / self.by_hand:8.2f}"
        yield f"apply / critical path              {self.engine / self.critical_path:8.2f}"
        yield f"apply / serial: 1                  {self.engine / self.one_by_one:8.2f}"


def measure(folder: Path, sites: int, servers: int, seconds: float) -> Window:
    """Run the three, each on a farm of its own."""
    hosts = sites * servers
    # About 12 calls of modules per host; only the last of the three takes one host after another.
    least = hosts * 12 * (seconds + 0.3)
    _progress(f"{hosts} hosts: about {least / 60 + 5:.0f} minutes, most of them for serial: 1")
    inventory = folder / "farm"
    write_farm(inventory, sites, servers, module_seconds=seconds)
    plan_folder = folder / "plan"
    with Lab(inventory, folder / "lab-plan", fresh=True) as lab:
        _ours(lab, "plan", "-i", inventory, "--to", "2010 SP2 RU2", "-o", plan_folder)
    saved = read_plan(plan_folder)
    approved = digest(plan_folder)
    with Lab(inventory, folder / "lab-engine", fresh=True) as lab:
        words = ("apply", plan_folder, "-i", inventory, "--approve", approved)
        engine = _ours(lab, *words, "--max-parallel", sites)
    _progress(f"apply {engine:.0f} s")
    with Journal.read(plan_folder / JOURNAL_NAME) as journal:
        took = {
            entry.step: float(entry.data["seconds"])
            for entry in journal.entries()
            if entry.kind == "step-succeeded" and entry.step
        }
    hand = {}
    for name, serial in (("by-hand", None), ("one-by-one", 1)):
        shutil.copytree(plan_folder / "playbooks", folder / name)
        shutil.copy(ROOT / "playbooks" / "read_state.yml", folder / name)
        book = folder / name / "window.yml"
        book.write_text(yaml.safe_dump(_by_hand(saved.plan, saved.topology, serial)))
        with Lab(inventory, folder / f"lab-{name}", fresh=True) as lab:
            hand[name] = _ansible(lab, book, inventory)
        _progress(f"{name} {hand[name]:.0f} s")
    return Window(
        hosts=sites * servers,
        steps=len(saved.plan.steps),
        engine=engine,
        by_hand=hand["by-hand"],
        one_by_one=hand["one-by-one"],
        critical_path=_critical_path(saved.plan, took),
    )


def _progress(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _critical_path(plan: Plan, took: dict[str, float]) -> float:
    """The longest chain of steps, each with the seconds it took."""
    ends: dict[str, float] = {}
    for step in plan.steps:
        ends[step.id] = max((ends[name] for name in step.after), default=0.0) + took[step.id]
    return max(ends.values())


def _generations(plan: Plan) -> list[list[Step]]:
    level: dict[str, int] = {}
    for step in plan.steps:
        level[step.id] = max((level[name] + 1 for name in step.after), default=0)
    found: list[list[Step]] = [[] for _ in range(max(level.values()) + 1)]
    for step in plan.steps:
        found[level[step.id]].append(step)
    return found


def _by_hand(plan: Plan, topology: Any, serial: int | None) -> list[dict[str, Any]]:
    """Read, then generation after generation change and probe, then read again."""
    read = {"ansible.builtin.import_playbook": "read_state.yml"}
    plays: list[dict[str, Any]] = [read]
    for steps in _generations(plan):
        values = {step.id: step_values(topology, step) for step in steps}
        changing = [step for step in steps if step.servers]
        if changing:
            of_host = {name: values[step.id] for step in changing for name in step.servers}
            slow = {"serial": serial} if serial else {}
            plays.append(
                {
                    "hosts": sorted(of_host),
                    "gather_facts": False,
                    "any_errors_fatal": True,
                    "vars": {
                        "exchange_steps": of_host,
                        "exchange_step": "{{ exchange_steps[inventory_hostname] }}",
                    },
                    "roles": list(ROLES),
                    **slow,
                }
            )
        probes = [probe for step in steps for probe in values[step.id]["probes"]]
        urls = {k: v for step in steps for k, v in values[step.id].get("source_urls", {}).items()}
        seen = {"id": "seen", "kind": "verify", "probes": probes, "source_urls": urls}
        plays.append(
            {
                "hosts": "localhost",
                "connection": "local",
                "gather_facts": False,
                "vars": {"exchange_step": seen},
                "roles": ["exchange_verify"],
            }
        )
    return [*plays, read]


def _ours(lab: Lab, *words: object) -> float:
    options = ["-e", f"@{lab.connection_file}"]
    return _timed([sys.executable, "-m", "orchestrator", *map(str, words), *options])


def _ansible(lab: Lab, book: Path, inventory: Path, *given: str) -> float:
    options = ["-i", str(inventory / "hosts.yml"), "-e", f"@{lab.connection_file}"]
    command = [sys.executable, "-m", "ansible", "playbook", str(book), *options]
    more = [word for one in given for word in ("-e", one)]
    return _timed([*command, "--forks", str(FORKS), *more])


def _timed(command: list[str]) -> float:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("ANSIBLE_")}
    began = time.monotonic()
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT, env=kept)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}\n{done.stdout[-3000:]}\n{done.stderr[-2000:]}")
    return time.monotonic() - began


def engine_memory(folder: Path, sites: int, servers: int) -> dict[str, Any]:
    """Peak memory of the command line itself over a window, its Ansible runs left out."""
    inventory, plan = folder / "farm", folder / "plan"
    write_farm(inventory, sites, servers)
    given = folder / "given.yml"
    given.write_text(f"exchange_secrets_folder: {folder}\n")
    options = ["-i", str(inventory), "-e", f"@{given}"]
    ours = [sys.executable, "-m", "orchestrator"]
    _timed([*ours, "plan", "--to", "2010 SP2 RU2", "-o", str(plan), *options])
    command = [sys.executable, "-m", "benchmarks.only_the_engine", "apply", str(plan), *options]
    done = subprocess.run(
        [*command, "--approve", digest(plan)],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'tests'}{os.pathsep}{ROOT}"},
    )
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    if figures["code"]:
        raise RuntimeError(done.stdout[-3000:])
    return figures


def main() -> None:
    given = sys.argv[1:]
    sites = int(given[0]) if given else SITES
    servers = int(given[1]) if len(given) > 1 else SERVERS
    seconds = float(given[2]) if len(given) > 2 else SECONDS
    with tempfile.TemporaryDirectory(prefix="window-") as name:
        for line in measure(Path(name), sites, servers, seconds).lines():
            sys.stdout.write(f"{line}\n")
    with tempfile.TemporaryDirectory(prefix="memory-") as name:
        figures = engine_memory(Path(name), 50, 20)
        said = f"the engine's own peak memory at 1,000 hosts: {figures['peak_mb']} MB"
        sys.stdout.write(f"{said}\n")


if __name__ == "__main__":
    main()
