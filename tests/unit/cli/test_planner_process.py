"""Planning in a process of its own: answers, errors for people, and a child that is killed."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support.cases import FOLDER, load_case

from orchestrator.cli.planner_process import in_planner_process
from orchestrator.cli.planning import checked_plan, way_back
from orchestrator.diagnostic import Diagnostic
from orchestrator.errors import InvalidInput, NoSafePlan, OrchestratorError

TESTS = Path(__file__).parents[2]

# A farm whose cycles go to the solver, and a timetable: everything planning may load.
QUESTION = """
import sys
from benchmarks.families import family
from orchestrator.cli.planner_process import in_planner_process
from orchestrator.cli.planning import checked_plan

if __name__ == "__main__":
    farm = family("scale-free", 300, 1)
    plan, report = in_planner_process(checked_plan, farm.topology, farm.start, farm.end, farm.book)
    assert report.safe and plan.steps
    print(sorted({"scipy", "numpy", "ortools", "highspy"} & sys.modules.keys()))
    checked_plan(farm.topology, farm.start, farm.end, farm.book)
    print(sorted({"scipy", "numpy", "ortools", "highspy"} & sys.modules.keys()))
"""


def test_the_answer_is_that_of_the_same_process() -> None:
    case = load_case(FOLDER / "03-pair-one-capable.yml")
    plan, _ = checked_plan(case.topology, case.start, case.end, case.book)
    asked = case.topology, plan, plan.end, case.book, frozenset[str]()
    assert in_planner_process(way_back, *asked) == way_back(*asked)


def test_no_solver_is_loaded_where_it_is_asked(tmp_path: Path) -> None:
    """The second line shows that the question does need one: the first is no accident."""
    script = tmp_path / "question.py"
    script.write_text(QUESTION)
    done = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS.parent)])},
    )
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert first == "[]"
    assert "scipy" in second


def refuse() -> None:
    raise NoSafePlan("no order", "publish owa", "graph LR")


def killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_refusal_comes_back_whole() -> None:
    with pytest.raises(NoSafePlan, match="no order") as refused:
        in_planner_process(refuse)
    assert (refused.value.remedy, refused.value.diagram) == ("publish owa", "graph LR")


def test_a_killed_child_is_an_error_a_person_can_act_on() -> None:
    with pytest.raises(OrchestratorError, match="ended without an answer") as told:
        in_planner_process(killed)
    assert told.value.exit_code == 1
    assert "memory" in told.value.remedy


def test_findings_and_states_cross_a_process() -> None:
    error = InvalidInput([Diagnostic("CAS-E101", "host a", "is odd")])
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    assert (str(again), again.diagnostics) == (str(error), error.diagnostics)
    case = load_case(FOLDER / "02-seed-incident.yml")
    assert pickle.loads(pickle.dumps(case.start)) == case.start  # noqa: S301
