"""The same bytes whatever the hash seed and the order things are given in, solvers included."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[2]

# One farm whose labels HiGHS chooses, one whose core CP-SAT solves with its windows, the same as if
# it were too large for that, so that it is improved piece by piece, and one that copies folders.
PLANS = """
import hashlib, json, pathlib, random, sys, tempfile
from benchmarks.families import LINE, NEW, family, small
from support.cases import FOLDER, load_case
from orchestrator.checker import check
from orchestrator.planfile import SavedPlan, render, to_document
from orchestrator.planfile.organization import organization_document
from orchestrator.planfile.organization_file import read_organization
from orchestrator.planner import choice, core, goal_state, make, make_plan
from orchestrator.shipped import catalogue, rule_pack

chance = random.Random(int(sys.argv[1]))

def shuffled(value):
    if isinstance(value, dict):
        return {key: shuffled(value[key]) for key in chance.sample(list(value), len(value))}
    if isinstance(value, list) and all(isinstance(item, dict) for item in value):
        return chance.sample([shuffled(item) for item in value], len(value))
    return value

def improved(*asked):
    global better
    found = improve(*asked)
    better += found is not None
    return found

better, improve, choice.improve = 0, choice.improve, improved
farm, timing = small(5)
folders = load_case(FOLDER / "131-folders-of-three-builds.yml")
for farm, timing, goals, most in (
    (family("scale-free", 300, 1), None, {LINE: NEW}, core.MOST_STEPS),
    (farm, timing, {LINE: NEW}, core.MOST_STEPS),
    (farm, timing, {LINE: NEW}, 3),
    (folders, None, folders.goals, core.MOST_STEPS),
):
    core.MOST_STEPS = make.MOST_STEPS = most
    document = organization_document(farm.topology, farm.start, goals, farm.book)
    file = pathlib.Path(tempfile.mkdtemp(), "farm.json")
    file.write_text(json.dumps(shuffled(json.loads(document.model_dump_json()))))
    read = read_organization(file, catalogue(), rule_pack)
    end = goal_state(read.topology, read.state, read.goals, catalogue())
    plan = make_plan(read.topology, read.state, end, farm.book, catalogue(), timing=timing)
    saved = SavedPlan(read.topology, plan, farm.book.policy, read.goals)
    text = render(to_document(saved, farm.book, check(read.topology, plan, farm.book)))
    print(hashlib.sha256(text.encode()).hexdigest(), "scipy" in sys.modules, len(plan.steps))
print("copies", sum(step.kind.copies_folder for step in plan.steps), "improved", better)
print("ortools" in sys.modules)
"""


def plans(order: int, hash_seed: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", PLANS, str(order)],
        capture_output=True,
        text=True,
        check=False,
        env={
            **os.environ,
            "PYTHONHASHSEED": hash_seed,
            "PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS.parent)]),
        },
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def first() -> str:
    said = plans(0, "0")
    assert said.endswith("True\n"), "the core did not go to CP-SAT"
    assert "copies 2 improved 1" in said
    assert " True " in said.splitlines()[0], "the labels did not go to HiGHS"
    return said


@pytest.mark.parametrize("order", [1, 2])
def test_order_and_hash_seed_change_no_byte(order: int, first: str) -> None:
    assert plans(order, str(order)) == first
