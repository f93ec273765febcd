"""`check` and `explain` on a plan folder as `plan` writes it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from support.cases import FOLDER, load_case

from orchestrator.cli.main import main
from orchestrator.planfile.organization import organization_document
from orchestrator.planfile.organization_file import write_organization

Run = Callable[..., tuple[int, str]]


WINDOWS = """\
version: 1
zone: Europe/Paris
from: 2026-11-02
windows:
  - {days: [sat], start: "22:00", duration: 12h}
"""


@pytest.fixture
def timed(made: Path, tmp_path: Path) -> Path:
    (tmp_path / "w.yml").write_text(WINDOWS)
    document = ("--organization", str(made.parent / "o.json"), "--windows", str(tmp_path / "w.yml"))
    assert main(["plan", *document, "-o", str(tmp_path / "timed")]) == 0
    return tmp_path / "timed"


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def go(*arguments: object) -> tuple[int, str]:
        code = main([str(argument) for argument in arguments])
        shown = capsys.readouterr()
        assert "Traceback" not in shown.err
        return code, shown.out + shown.err

    return go


def test_a_plan_as_it_was_written_is_safe(plan: Path, run: Run) -> None:
    code, said = run("check", plan)
    assert code == 0
    assert "rollback/plan.json" in said
    assert "Digest" in said
    assert run("check", plan / "rollback")[0] == 0


@pytest.mark.parametrize(
    "name", ["playbooks/site.yml", "rollback/playbooks/site.yml", "plan.json", "rollback/plan.json"]
)
@pytest.mark.parametrize("how", ["a byte", "a line more"])
def test_a_changed_file_is_named_with_its_line(name: str, how: str, plan: Path, run: Run) -> None:
    text = (plan / name).read_text(encoding="utf-8")
    if how == "a byte":
        changed = text.replace("  ", " \t" if name.endswith("yml") else "   ", 1)
    else:
        changed = text + "\n"
    (plan / name).write_text(changed, encoding="utf-8")
    code, said = run("check", plan)
    assert code == 3
    assert f"{name.removeprefix('rollback/')} was changed: byte " in said
    assert ("in rollback/: " in said) is name.startswith("rollback")


def test_files_too_many_and_too_few_are_named(plan: Path, run: Run) -> None:
    (plan / "playbooks" / "extra.yml").write_text("[]")
    (plan / "rollback" / "playbooks" / "site.yml").unlink()
    code, said = run("check", plan)
    assert code == 3
    assert "playbooks/extra.yml is not part of the plan" in said
    assert "in rollback/: playbooks/site.yml is missing" in said


def edit(file: Path, change: Callable[[dict], None]) -> None:  # type: ignore[type-arg]
    data = json.loads(file.read_text(encoding="utf-8"))
    change(data)
    file.write_text(json.dumps(data, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def test_a_forgotten_after_is_unsafe_and_the_path_is_named(plan: Path, run: Run) -> None:
    def forget(data: dict) -> None:  # type: ignore[type-arg]
        for step in data["steps"]:
            if step["site"] == "rome":
                step["after"] = []
            elif step["id"] == "upgrade-madrid-2010-1":
                step["after"].append("enable-redirection-madrid-2010-owa")

    edit(plan / "plan.json", forget)
    code, said = run("check", plan)
    assert code == 3
    assert "rome/2010 -> madrid/2010 (owa): rome-2010-1 on 14.2.298.4 in front of" in said


def test_a_way_back_from_somewhere_else_is_seen(plan: Path, run: Run) -> None:
    def elsewhere(data: dict) -> None:  # type: ignore[type-arg]
        for pool in data["topology"]["pools"]:
            pool["servers"][0]["external_urls"] = {"owa": "https://else.example/owa"}

    edit(plan / "rollback" / "plan.json", elsewhere)
    code, said = run("check", plan)
    assert code == 3
    assert "does not begin where the plan ends" in said


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda d: d["topology"]["paths"][0].update(source="oslo/2010"), "CAS-E401"),
        (lambda d: d["rules_in_force"].update(packs=["exchange-1999"]), "CAS-E707"),
        (lambda d: d.update(format_version=7), "CAS-E401"),
    ],
)
def test_what_cannot_be_understood_is_an_error(
    change: Callable[[dict], None],  # type: ignore[type-arg]
    says: str,
    plan: Path,
    run: Run,
) -> None:
    edit(plan / "plan.json", change)
    code, said = run("check", plan)
    assert code == 1
    assert says in said


def test_a_rule_that_is_not_in_force_is_named(plan: Path, run: Run) -> None:
    edit(plan / "plan.json", lambda d: d["steps"][0].update(rules=["made-up"]))
    code, said = run("check", plan)
    assert code == 3
    assert "made-up" in said


def test_no_plan_is_an_error(tmp_path: Path, run: Run) -> None:
    code, said = run("check", tmp_path)
    assert code == 1
    assert "CAS-E401" in said


def test_a_plan_without_way_back_says_so(plan: Path, run: Run) -> None:
    shutil.rmtree(plan / "rollback")
    assert run("check", plan)[0] == 3  # the report names the digest of the whole
    run("report", plan)
    code, said = run("check", plan)
    assert code == 0
    assert "there is no complete way back" in said


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("upgrade-rome-2010-1", "Without this demand the first state that breaks is"),
        ("1", "Step 1, "),
        ("madrid/2010", "Others wait for its steps"),
        ("rome", "Pool rome/2010"),
        ("rome-2010-1", "upgrade-rome-2010-1, in stage"),
        ("rome/2010 -> madrid/2010 (owa)", "at the end: ok, proxy"),
        ("Rome/2010->madrid/2010", "after enable-redirection-madrid-2010-owa: ok, redirect"),
        ("verify-all-paths", "it looks at every path once all is done"),
        ("restore-proxying-madrid-2010-owa", "If it were left out"),
    ],
)
def test_every_kind_of_name_is_explained(word: str, says: str, plan: Path, run: Run) -> None:
    code, said = run("explain", plan, word)
    assert code == 0
    assert says in said


def test_an_explanation_names_path_users_rule_confidence_reference_and_symptom(
    plan: Path, run: Run
) -> None:
    _, said = run("explain", plan, "upgrade-rome-2010-1")
    for text in (
        "after enable-redirection-madrid-2010-owa:",
        "otherwise rome/2010 -> madrid/2010 (owa), 90 users",
        "owa-cookie-ru2-to-older-2010 [open]",
        "Exchange team blog of 2012-02-17, update of 2012-04-23",
        '"Invalid user context cookie found in proxy response"',
        "90 users, 2 of 2 server pairs",
    ):
        assert text in said


@pytest.mark.parametrize(
    ("word", "code", "says"),
    [
        ("upgrade-rom-2010-1", "CAS-E311", "did you mean upgrade-rome-2010-1"),
        ("zzz", "CAS-E311", "steps: "),
        ("99", "CAS-E311", ""),
        ("", "CAS-E311", ""),
        ("madrid-2010-1", "CAS-E312", '"upgrade-madrid-2010-1"'),
    ],
)
def test_a_name_that_fits_nothing_or_several_things(
    word: str, code: str, says: str, plan: Path, run: Run
) -> None:
    ended, said = run("explain", plan, word)
    assert ended == 1
    assert code in said
    assert says in said


def test_a_way_back_can_be_explained_too(plan: Path, run: Run) -> None:
    assert run("explain", plan / "rollback", "1")[0] == 0


def test_why_there_is_no_plan_can_be_had_as_a_file(tmp_path: Path, run: Run) -> None:
    case = load_case(FOLDER / "05-pair-none-capable.yml")
    document = organization_document(case.topology, case.start, case.goals, case.book)
    write_organization(document, tmp_path / "o.json")
    arguments = ("plan", "--organization", tmp_path / "o.json", "--certificate", tmp_path / "c.md")
    code, said = run(*arguments)
    assert code == 3
    text = (tmp_path / "c.md").read_text()
    assert "rome/2010 must change before madrid/2010" in text
    assert text.count(" -->|") == 2
    assert '["madrid/2010<br/>14.2.298.4"]' in text
    assert "20 users come in by owa of rome/2010" in text
    code, said = run(*arguments)
    assert code == 1
    assert "c.md was not written" in said
    assert "rome/2010 must change before madrid/2010" in said


def test_times_are_replayed_too(timed: Path, run: Run) -> None:
    assert run("check", timed)[0] == 0

    def earlier(data: dict) -> None:  # type: ignore[type-arg]
        last = data["schedule"]["steps"][-1]
        last.update(start="2026-11-07T21:00Z", end="2026-11-07T21:05Z")

    edit(timed / "plan.json", earlier)
    code, said = run("check", timed)
    assert code == 3
    assert "by its times: " in said


def test_a_step_with_a_time_says_when_and_what_it_could_not_begin_before(
    timed: Path, run: Run
) -> None:
    _, said = run("explain", timed, "1")
    assert "When: Sat 2026-11-07 22:00 +0100 to " in said
    assert "comes after" not in said
    _, said = run("explain", timed, "verify-all-paths")
    assert "The last step it comes after, restore-proxying-madrid-2010-owa, ends " in said
