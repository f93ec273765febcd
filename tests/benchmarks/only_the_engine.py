"""The command line with its Ansible runs replaced by what they would say; prints its peak memory.

    python -m benchmarks.only_the_engine apply PLAN -i INVENTORY --approve DIGEST

Everything else is real: reading the inventory, plan, lock, journal, gates, verdicts.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import ansible_runner  # noqa: F401 - a real run imports it

from orchestrator.cli import running
from orchestrator.cli.main import main
from orchestrator.execution.attempts import FarmReader, StepPlaybooks
from orchestrator.execution.observed import ObservedFarm, ServerFacts
from orchestrator.execution.results import HostStats, RunResult, RunStatus
from orchestrator.model.build import Build
from orchestrator.planfile import read_plan

PLAN = read_plan(Path(sys.argv[2])).plan
STATE = {"now": PLAN.start}


def farm() -> ObservedFarm:
    builds = STATE["now"].builds
    return ObservedFarm({name: _facts(name, build) for name, build in builds.items()})


def _facts(name: str, build: Build) -> ServerFacts:
    owa = {"internal_url": f"https://{name}.contoso.example/owa", "external_url": None}
    answer: dict[str, Any] = {
        "name": name, "fqdn": f"{name}.contoso.example", "build": str(build), "ad_site": "x",
        "roles": ["ClientAccess"], "virtual_directories": {"owa": owa}, "pending_restart": False,
        "installer_running": False, "free_disk_mb": 9999, "automatic_updates": "disabled",
        "rollups": [], "services": [], "events": [],
    }  # fmt: skip
    return ServerFacts.from_answer(name, answer)


def step(_self: StepPlaybooks, _playbook: Path, ident: str, **_: object) -> RunResult:
    found = next((s for s in PLAN.steps if s.id == ident), None)
    if found is not None:
        STATE["now"] = found.apply(STATE["now"])
    hosts = found.servers if found is not None and found.kind != "verify" else ()
    stats = {name: HostStats(ok=1) for name in (*hosts, "localhost")}
    return RunResult(RunStatus.SUCCESSFUL, 0, stats, {}, (), None, (), Path("nowhere"))


StepPlaybooks.__call__ = step  # type: ignore[method-assign,assignment]
FarmReader.__call__ = lambda _self: farm()  # type: ignore[method-assign]
running.read_farm = lambda *_: farm()  # type: ignore[assignment]

code = main(sys.argv[1:])
status = Path("/proc/self/status").read_text().splitlines()
peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
figures = {"code": code, "peak_mb": round(peak / 1024, 1), "steps": len(PLAN.steps)}
sys.stdout.write(f"{json.dumps(figures)}\n")
