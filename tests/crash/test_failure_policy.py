"""`apply --on-failure rollback`: the way back is a run of its own, from the farm as it is read."""

from __future__ import annotations

from pathlib import Path

from orchestrator.journal.projection import view
from orchestrator.journal.steps import StepStatus
from orchestrator.journal.store import JOURNAL_NAME, Journal
from orchestrator.planfile import digest

from .scene import Scene, at_once, begun, end, until

REDIRECT = "enable-redirection-madrid-2010-owa"
ROME = "upgrade-rome-2010-1"
POLICY = ("--on-failure", "rollback")
URL = "https://mail-madrid.contoso.example/owa"


def test_a_failed_step_is_rolled_back(tmp_path: Path) -> None:
    with Scene(tmp_path) as scene:
        before = scene.picture()
        scene.lab.set("package.14.2.298.4=missing")
        ended = scene.apply(*POLICY)
        assert ended.code == 6, ended.text
        assert f"Stopped: step {ROME} is failed" in ended.text
        assert "Going back, as --on-failure rollback asks." in ended.text
        assert scene.picture() == before
        run = scene.run_view()
        assert {run.status(name) for name in (REDIRECT, ROME)} == {StepStatus.COMPENSATED}
        with Journal.read(scene.plan / "runs" / "1" / JOURNAL_NAME) as journal:
            back = journal.entries()
        assert view(back).finished
        assert back[0].data["because"].startswith("--on-failure rollback of the plan ")
        assert scene.outcomes()["broken"] == 0


def test_a_way_back_that_cannot_be_planned_leaves_the_commands(tmp_path: Path) -> None:
    with Scene(tmp_path) as scene:
        scene.lab.set("package.14.2.298.4=missing")
        program = at_once(scene, "apply", "--approve", digest(scene.plan), *POLICY)
        until(begun(scene, "step-child", ROME), "the step that fails")
        scene.lab.set("power.lis-cas-71=off")
        ended = end(program)
        assert ended.code == 5, ended.text
        assert "The way back was not begun: CAS-E50" in ended.text
        assert f"remove the cause, then orchestrator rollback {scene.plan}" in ended.text
        assert f"mad-cas-01: {URL}" in ended.text
        assert scene.picture()["mad-cas-01"][2] == URL
        assert scene.run_view().status(ROME) is StepStatus.FAILED


def test_only_the_site_of_the_step_goes_back(tmp_path: Path) -> None:
    doors = (("mad-cas-01", "berlin"), ("mad-cas-01", "lisbon"))
    with Scene(tmp_path, farm="leaves", doors=doors) as scene:
        before = scene.picture()
        scene.lab.arm("reset", at="lis-cas-71", module="exchange_service_health")
        ended = scene.apply("--on-failure", "rollback-site")
        assert ended.code == 6, ended.text
        assert "Going back at lisbon, as --on-failure rollback-site asks." in ended.text
        after = scene.picture()
        assert after["lis-cas-71"] == before["lis-cas-71"]
        assert after["ber-cas-01"][0] == after["rom-cas-01"][0] == "14.2.298.4"
        assert after["mad-cas-01"] == before["mad-cas-01"]
        run = scene.run_view()
        assert run.status("upgrade-lisbon-2007-1") is StepStatus.COMPENSATED
        assert run.status("upgrade-berlin-2010-1").done
        assert scene.outcomes()["broken"] == 0
        with Journal.read(scene.plan / "runs" / "1" / JOURNAL_NAME) as journal:
            back = {entry.kind for entry in journal.entries()}
        # Going back waits for no look at every path; each of its steps looks at its own.
        assert "baseline-probed" not in back
        assert {"paths-probed", "run-finished"} <= back
        again = scene.resume()
        assert again.code == 1
        assert "a way back of this plan was begun in runs/1" in again.text
