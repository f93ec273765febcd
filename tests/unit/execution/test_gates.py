"""What a look after a step says, held against the one before everything."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.pretended import PretendedFarm, plan_of, switch, upgrade, well

from orchestrator.execution.gates import Gates
from orchestrator.execution.looks import PROBES, Baseline, Logged, Look, Looks, looks_of
from orchestrator.execution.results import RunResult, RunStatus
from orchestrator.journal.steps import StepStatus
from orchestrator.model.plan import Outcome, Probe, Step
from orchestrator.model.thresholds import Response, Thresholds
from orchestrator.model.topology import Pool, PoolId, Protocol, ProxyPath, Server, Site, Topology

ROME, PARIS = PoolId("rome", "2010"), PoolId("paris", "2010")
PATH = ProxyPath(PARIS, ROME, Protocol.OWA, 10)
URL = "https://mail-rome.contoso.example/owa"
TARGETS = ("rome-cas-01", "rome-cas-02")
TOPOLOGY = Topology(
    organization="x",
    sites={"rome": Site("rome", domain_controller="dc-rome"), "paris": Site("paris")},
    servers={
        name: Server(name, PARIS if name.startswith("paris") else ROME, 30)
        for name in (*TARGETS, "paris-cas-01", "paris-cas-02")
    },
    pools={
        ROME: Pool(ROME, TARGETS, test_mailbox="probe-rome@contoso.example"),
        PARIS: Pool(PARIS, ("paris-cas-01", "paris-cas-02")),
    },
    paths=(PATH,),
)
GATES = Gates(TOPOLOGY)
PROBE = Probe(("paris-cas-01",), ROME, Protocol.OWA, (Outcome.PROXIED,), TARGETS)
UP = replace(upgrade("up", "rome-cas-01"), probes=(PROBE,))
ON = replace(switch("on", *TARGETS, urls=("", URL)), probes=(PROBE,))


def look(outcome: str = "proxied", source: str = "paris-cas-01", **more: Any) -> Look:
    defaults: dict[str, Any] = {"seen": TARGETS, "wanted": TARGETS, "why": "so it is"}
    return Look(str(PATH), source, outcome, **{**defaults, **more})


def judged(now: Look | Looks, before: Look | None, step: Step = UP, **limits: Any) -> Any:
    looks = now if isinstance(now, Looks) else Looks((now,))
    baseline = Baseline.of([before] if before else [])
    return Gates(TOPOLOGY, Thresholds(**limits)).judge(step, looks, baseline)


def test_what_works_as_before_is_no_reason_to_stop() -> None:
    assert judged(look(), look()).reasons == ()
    redirected = look("redirected", seen=(), wanted=())
    assert judged(redirected, look()).reasons == ()
    assert redirected.coverage == "redirected"


@pytest.mark.parametrize(
    "now",
    [
        look("broken", seen=(), broken=12, why="Invalid user context cookie"),
        look("unavailable", seen=()),
        look("denied", seen=()),
        # Excused by the rules, but here it worked.
        look("broken", seen=("rome-cas-02",), wanted=("rome-cas-02",), broken=3),
        look(seen=("rome-cas-01",)),
        look("unknown", seen=(), wanted=()),
    ],
    ids=["broken", "away", "denied", "partly broken", "one is missing", "nobody can tell"],
)
def test_a_path_that_worked_and_does_not_any_more_stops_the_run(now: Look) -> None:
    found = judged(now, look())
    assert len(found.lost) == 1
    assert "what worked before the run does not any more" in found.reasons[0]
    assert str(PATH) in found.reasons[0]
    reported = judged(now, look(), lost_path=Response.REPORT)
    assert (reported.reasons, reported.lost) == ((), found.lost)


@pytest.mark.parametrize(
    "before",
    [
        None,
        look("broken", seen=(), broken=12),
        look("not probed", seen=(), wanted=()),
        look("unknown", seen=(), wanted=()),
    ],
    ids=["not looked", "broken", "not probed", "unknown"],
)
def test_what_did_not_work_before_cannot_be_lost(before: Look | None) -> None:
    assert judged(look("broken", seen=(), broken=12), before).reasons == ()


def test_what_nobody_can_tell_is_shown_as_unknown_and_never_as_covered() -> None:
    blind = look("unknown", seen=(), wanted=TARGETS, why="no header X-DiagInfo")
    assert (blind.coverage, blind.works, blind.known) == ("unknown", False, False)
    found = judged(blind, None)
    assert found.reasons == ()
    assert found.unknown == (f"{PATH} through paris-cas-01: no header X-DiagInfo",)
    stopped = judged(blind, None, unknown_coverage=Response.STOP)
    assert "policy.yml stops at what is not known" in stopped.reasons[0]
    unread = judged(Looks((look(),), events_unread=("paris-cas-01",)), look())
    assert unread.unknown == ("the events of paris-cas-01 could not be read",)


@pytest.mark.parametrize(
    ("wanted", "seen", "coverage"),
    [
        (TARGETS, TARGETS, "covered"),
        (TARGETS, TARGETS[:1], "partly"),
        (TARGETS, (), "none"),
        ((), TARGETS, "covered"),
        ((), (), "none"),
    ],
)
def test_coverage(wanted: tuple[str, ...], seen: tuple[str, ...], coverage: str) -> None:
    assert look(seen=seen, wanted=wanted).coverage == coverage


def test_the_cookie_error_stops_only_where_nothing_was_broken_before() -> None:
    event = Logged("paris-cas-01", 4999, "2012-04-23T20:15:00Z", "UpdateProxyUserContextId")
    looks = Looks((look(),), (event,))
    assert "event 4999" in judged(looks, look()).reasons[0]
    assert judged(looks, look("broken", broken=1)).reasons == ()
    assert judged(looks, None).reasons == ()
    assert judged(looks, look(), event_4999=Response.REPORT).reasons == ()


def test_a_redirection_is_on_only_when_every_source_has_shown_it() -> None:
    shown = look("redirected", seen=(), wanted=())
    other = look("redirected", "paris-cas-02", seen=(), wanted=())
    whole = judged(Looks((shown, other)), look(), ON)
    assert whole.reasons == ()
    # Paris names no domain controller: nobody read the address back there.
    assert [line for line in whole.unknown if "paris names no domain_controller" in line]
    late = judged(Looks((shown, look("proxied", "paris-cas-02"))), look(), ON)
    assert late.reasons == ("paris-cas-02 does not redirect to rome/2010 yet",)
    unseen = judged(Looks((shown,)), look(), ON)
    assert f"{PATH} through paris-cas-02: no probe saw the redirection" in unseen.unknown


def test_the_baseline_asks_for_every_path_through_every_source() -> None:
    start = plan_of(UP, ON).start
    probes = GATES.baseline_probes(start)
    assert [(p.sources, p.target, p.targets) for p in probes] == [
        (("paris-cas-01", "paris-cas-02"), ROME, TARGETS),
    ]
    redirected = ON.apply(start)
    assert {p.targets for p in GATES.baseline_probes(redirected)} == {()}
    blind = replace(TOPOLOGY, pools={**TOPOLOGY.pools, ROME: Pool(ROME, TARGETS)})
    assert Gates(blind).baseline_probes(start) == ()
    assert Gates(blind).blind_spots() == (f"{PATH}: rome/2010 has no test mailbox",)


def test_a_look_survives_the_journal() -> None:
    whole = look("broken", seen=TARGETS[:1], broken=2)
    assert Look.from_data(json.loads(json.dumps(whole.data()))) == whole


def test_an_answer_that_is_none_is_not_probed() -> None:
    items = [
        {"item": [{"path": "p"}, "s"], "msg": "no such file of certificates"},
        {"item": None},
        "rubbish",
    ]
    result = RunResult(RunStatus.SUCCESSFUL, 0, results={PROBES: {"localhost": {"results": items}}})
    assert [(k.outcome, k.why) for k in looks_of(result).paths] == [
        ("not probed", "no such file of certificates")
    ]
    failed = RunResult(RunStatus.NO_STATS, 4, output=("ERROR! rubbish",))
    assert looks_of(failed).problem == "ERROR! rubbish"


# ---- in a run ---------------------------------------------------------------------------------


def seeing(*looks: Look, events: Sequence[dict[str, Any]] = ()) -> Callable[[Step], RunResult]:
    """A step that did its work, after which the sources see this."""
    items = [
        {
            "item": [{"path": each.path}, each.source],
            "outcome": each.outcome,
            "why": each.why,
            "counts": {"broken": each.broken},
            "coverage": {"seen": list(each.seen), "wanted": list(each.wanted)},
        }
        for each in looks
    ]

    def done(step: Step) -> RunResult:
        return replace(well(step), results={PROBES: {"localhost": {"results": items}}})

    return done


@pytest.fixture
def farm(tmp_path: Path) -> PretendedFarm:
    farm = PretendedFarm(tmp_path, plan_of(UP))
    farm.terms = replace(farm.terms, gates=GATES)

    def step(step: Step) -> RunResult:
        farm.state = step.apply(farm.state)
        return seeing(look())(step)

    farm.instead = {"up": step}
    return farm


def test_a_run_looks_before_its_first_change_and_keeps_what_it_saw(farm: PretendedFarm) -> None:
    asked: list[Sequence[Probe]] = []

    def baseline(probes: Sequence[Probe]) -> Looks:
        assert farm.ran == []
        asked.append(probes)
        return Looks((look(),))

    said: list[str] = []
    assert farm.run(look=baseline, say=said.append).exit_code == 0
    assert [len(probes) for probes in asked] == [1]
    kinds = farm.kinds()
    assert kinds.index("baseline-probed") < kinds.index("step-started up")
    assert kinds.index("paths-probed up") < kinds.index("step-succeeded up")
    assert farm.data("paths-probed", "up")["paths"][0]["coverage"] == "covered"
    assert "Before the run 1 of 1 ways through a source work" in said
    assert farm.data("run-started")["policy"]["lost_path"] == "stop"


def test_a_lost_path_fails_the_step_and_a_resume_remembers_the_baseline(
    farm: PretendedFarm,
) -> None:
    good = farm.instead["up"]

    def bad(step: Step) -> RunResult | None:
        good(step)
        return seeing(look("broken", seen=(), broken=12, why="Invalid user context cookie"))(step)

    farm.instead["up"] = bad
    report = farm.run(look=lambda probes: Looks((look(),)))
    assert report.exit_code == 5
    assert report.stop is not None
    assert report.stop.status is StepStatus.FAILED
    assert "Invalid user context cookie" in report.stop.reason
    assert len(farm.data("paths-probed", "up")["lost"]) == 1

    def nobody(probes: Sequence[Probe]) -> Looks:
        pytest.fail("the baseline is looked at once, before the first change")

    assert farm.resume(look=nobody).exit_code == 5
    farm.instead["up"] = good
    assert farm.resume(look=nobody).exit_code == 0


def test_without_a_baseline_the_run_says_so_or_stops(farm: PretendedFarm) -> None:
    said: list[str] = []
    assert farm.run(say=said.append).exit_code == 0
    assert "Not known how the paths are before the run: nobody can look at paths here" in said
    assert farm.data("baseline-probed")["unread"] == "nobody can look at paths here"


def test_a_policy_that_stops_at_the_unknown_changes_nothing(farm: PretendedFarm) -> None:
    strict = replace(GATES, thresholds=Thresholds(unknown_coverage=Response.STOP))
    farm.terms = replace(farm.terms, gates=strict)
    report = farm.run()
    assert report.exit_code == 5
    assert farm.ran == []


def test_a_baseline_that_is_not_wanted_is_not_taken(farm: PretendedFarm) -> None:
    farm.terms = replace(farm.terms, gates=replace(GATES, thresholds=Thresholds(baseline=False)))
    assert farm.run().exit_code == 0
    assert "baseline-probed" not in farm.kinds()
