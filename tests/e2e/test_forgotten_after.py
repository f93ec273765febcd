"""`after` alone keeps the order: each single one left out is tried on the checker and on the farm.

The farm judges by pages users get, knowing neither rules nor checker; the two must agree.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from orchestrator.checker import check
from orchestrator.lab.lab import Lab
from orchestrator.model.plan import Plan, Step
from orchestrator.planfile import SavedPlan, digest, read_plan
from orchestrator.rules.engine import RuleBook
from orchestrator.shipped import rule_pack

GOALS = ("--to", "2010 SP2 RU2", "--to", "2007 SP3 RU7")
Edge = tuple[str, str]

# Left out, these let some path break. The others are the pilot's, which is caution, those of paris,
# where "repair first" is a courtesy: the path is broken until then in any order, and those below.
NEEDED = {
    ("upgrade-berlin-2010-1", "verify-pilot"),
    ("upgrade-lisbon-2007-1", "upgrade-lisbon-2007-2"),
    ("enable-redirection-madrid-2010-owa", "upgrade-rome-2010-1"),
    ("upgrade-lisbon-2007-2", "upgrade-rome-2010-1"),
    ("upgrade-berlin-2010-2", "upgrade-madrid-2010-1"),
    ("upgrade-rome-2010-1", "upgrade-madrid-2010-1"),
    ("upgrade-madrid-2010-1", "upgrade-madrid-2010-2"),
    ("upgrade-madrid-2010-2", "restore-proxying-madrid-2010-owa"),
}
# Left out, these let a pool be without any server: no answer at all, but no broken one either, and
# not even that as long as steps are done one by one, as they are here.
TOGETHER = {
    ("verify-pilot", "upgrade-berlin-2010-2"),
    ("upgrade-paris-2010-1", "upgrade-paris-2010-2"),
}


@pytest.fixture(scope="module")
def folder(
    tmp_path_factory: pytest.TempPathFactory,
    run: Callable[..., Any],
    contoso: Callable[[Path], Path],
) -> Path:
    """The plan of contoso in `plan`, its inventory beside it."""
    root = tmp_path_factory.mktemp("forgotten")
    run("plan", "-i", contoso(root / "contoso"), *GOALS, "-o", root / "plan")
    return root / "plan"


@pytest.fixture(scope="module")
def saved(folder: Path) -> SavedPlan:
    return read_plan(folder)


def edges(plan: Plan) -> Iterator[Edge]:
    yield from ((first, step.id) for step in plan.steps for first in step.after)


def without(plan: Plan, edge: Edge) -> Plan:
    def forget(step: Step) -> Step:
        if step.id != edge[1]:
            return step
        return dataclasses.replace(step, after=tuple(n for n in step.after if n != edge[0]))

    return dataclasses.replace(plan, steps=tuple(map(forget, plan.steps)))


def put_off(plan: Plan, late: str) -> list[Step]:
    """Every step that need not wait for `late`, in plan order: as far as one can come without."""
    waiting = {late}
    for step in plan.steps:
        if waiting & {*step.after}:
            waiting.add(step.id)
    return [step for step in plan.steps if step.id not in waiting]


class TrueFarm:
    """The farm with servers changed directly, and what its users get in each state."""

    def __init__(self, root: Path, farm_of: Callable[[Path], Any], paths: Any) -> None:
        self._root, self._farm_of, self._paths = root, farm_of, paths
        self._known: dict[Any, dict[tuple[str, str], bool]] = {}
        self._labs = 0

    def breaks(self, steps: Sequence[Step]) -> bool:
        """Whether a pair that worked stops working when the steps are done in this order."""
        self._labs += 1
        state = self._root / str(self._labs)
        with Lab(self._farm_of(state).inventory, state, fresh=True) as lab:
            for switch in ("install_seconds=0", "restart_seconds=0"):
                lab.set(switch)
            for site in lab.farm.sites:
                lab.set(f"propagation_seconds.{site}=0")
            worked = {pair for pair, fine in self._look(lab).items() if fine}
            for step in steps:
                if step.kind == "verify":
                    continue
                self._do(lab, step)
                now = self._look(lab)
                if any(pair in worked and not fine for pair, fine in now.items()):
                    return True
                worked |= {pair for pair, fine in now.items() if fine}
        return False

    def _do(self, lab: Lab, step: Step) -> None:
        for server in step.servers:
            if step.to_build:
                arguments = {**lab.package(str(step.to_build)), "target": server}
                done = lab.carry_out("exchange_rollup", {**arguments, "wait_seconds": 5})
                assert done["finished"], done
                if done["restart_required"]:
                    lab.carry_out("exchange_restart", {"target": server})
                assert lab.build(server) == str(step.to_build)
            else:
                url = {"target": server, "external_url": step.new_urls[server]}
                done = lab.carry_out("exchange_virtual_directory", url)
            assert not done.get("failed"), done

    def _look(self, lab: Lab) -> dict[tuple[str, str], bool]:
        """Whether each source server in front of each target server works, as users see it."""
        status = lab.status()["servers"]
        key = tuple((row["server"], row["build"], row["external_url"]) for row in status)
        if key not in self._known:
            self._farm_of(lab.store.folder).users(self._paths).once()
            self._known[key] = {
                (r["source"], r["target"]): r["outcome"] in ("ok", "redirect")
                for r in lab.requests()
                if r["client"] == "user"
            }
        return self._known[key]


def test_each_after_left_out_is_judged_alike_by_checker_and_farm(
    saved: SavedPlan,
    tmp_path: Path,
    farm_of: Callable[[Path], Any],
    user_paths: dict[str, list[str]],
) -> None:
    book = RuleBook(rule_pack(), saved.policy)
    plan, farm = saved.plan, TrueFarm(tmp_path, farm_of, user_paths)
    assert check(saved.topology, plan, book).safe
    assert not farm.breaks(plan.steps), "the plan itself"
    rejected = {e for e in edges(plan) if not check(saved.topology, without(plan, e), book).safe}
    broken = {e for e in edges(plan) if farm.breaks(put_off(without(plan, e), e[0]))}
    assert rejected == NEEDED | TOGETHER
    assert broken == NEEDED
    assert rejected < {*edges(plan)}, "not everything is rejected, whatever it is"


def test_each_after_left_out_changes_the_digest(folder: Path, tmp_path: Path) -> None:
    approved, copy = digest(folder), tmp_path / "plan"
    copy.mkdir()
    for edge in edges(read_plan(folder).plan):
        _forget(folder, copy, edge)
        assert digest(copy) != approved, edge


@pytest.mark.parametrize(
    ("edge", "code", "says"),
    [
        (
            ("upgrade-rome-2010-1", "upgrade-madrid-2010-1"),
            3,
            "The independent check rejects what",
        ),
        (
            ("upgrade-lisbon-2007-2", "upgrade-rome-2010-1"),
            3,
            "rom-cas-01 on 14.2.298.4 in front of lis-cas-72 on 8.3.245.2 is unknown",
        ),
        (
            ("verify-pilot", "upgrade-lisbon-2007-1"),
            1,
            "something in the folder was changed after the approval",
        ),
    ],
)
def test_apply_refuses_a_plan_without_it(
    folder: Path, tmp_path: Path, run: Callable[..., Any], edge: Edge, code: int, says: str
) -> None:
    """No farm is needed: it is refused before anything is asked."""
    _forget(folder, tmp_path, edge)
    for part in ("playbooks", "rollback"):
        shutil.copytree(folder / part, tmp_path / part)
    inventory = ("-i", folder.parent / "contoso")
    ended = run("apply", tmp_path, *inventory, "--approve", digest(folder), ends=code)
    assert says in ended.err
    assert not (tmp_path / "attempts").exists()


def _forget(folder: Path, copy: Path, edge: Edge) -> None:
    document = json.loads((folder / "plan.json").read_text())
    (step,) = [step for step in document["steps"] if step["id"] == edge[1]]
    step["after"].remove(edge[0])
    (copy / "plan.json").write_text(json.dumps(document))
