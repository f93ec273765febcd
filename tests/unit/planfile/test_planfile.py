from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.cases import FOLDER, Case, load_case

from orchestrator.checker import check, check_timed
from orchestrator.errors import InvalidInput, OrchestratorError
from orchestrator.planfile import (
    SavedPlan,
    digest,
    from_document,
    plan_schema,
    read_plan,
    render,
    to_document,
    write_folder,
)
from orchestrator.planfile.document import FORMAT_VERSION, PlanDoc
from orchestrator.planner import make_plan
from orchestrator.shipped import catalogue

SCHEMA = Path(__file__).parents[3] / "orchestrator" / "schemas" / "plan.schema.json"


@pytest.fixture
def case() -> Case:
    return load_case(FOLDER / "03-pair-one-capable.yml")


def text_of(case: Case) -> str:
    asked = (case.topology, case.start, case.end, case.book, catalogue())
    plan = make_plan(*asked, timing=case.timing)
    saved = SavedPlan(case.topology, plan, case.book.policy, case.goals)
    return render(to_document(saved, case.book, check(case.topology, plan, case.book)))


def test_what_is_written_reads_back_to_the_same_bytes_and_the_same_plan(case: Case) -> None:
    text = text_of(case)
    saved = from_document(PlanDoc.model_validate_json(text))
    plan = make_plan(case.topology, case.start, case.end, case.book, catalogue())
    assert saved.plan == plan
    report = check(saved.topology, saved.plan, case.book)
    assert report.safe
    assert render(to_document(saved, case.book, report)) == text


def test_probes_name_servers_only_where_a_word_does_not_do() -> None:
    case = load_case(FOLDER / "02-seed-incident.yml")
    document = json.loads(text_of(case))
    probes = [probe for step in document["steps"] for probe in step["probes"]]
    assert {str(probe["answering"]) for probe in probes} >= {"all", "['rome-2010-1']"}
    assert {probe["through"] for probe in probes} == {"all", "step"}
    plan = make_plan(case.topology, case.start, case.end, case.book, catalogue())
    saved = from_document(PlanDoc.model_validate(document))
    assert [step.probes for step in saved.plan.steps] == [step.probes for step in plan.steps]


def test_the_fields_the_format_promises_are_there(case: Case) -> None:
    step = json.loads(text_of(case))["steps"][0]
    promised = {
        *("id", "kind", "site", "product_line", "protocols", "servers", "from_build", "to_build"),
        *("after", "estimated_minutes", "reversible", "rules", "prior_urls"),
    }
    assert promised <= step.keys()


def test_the_shipped_schema_is_that_of_the_code() -> None:
    assert json.loads(SCHEMA.read_text(encoding="utf-8")) == plan_schema()


def test_a_changed_byte_anywhere_changes_the_digest(case: Case, tmp_path: Path) -> None:
    files = {"plan.json": text_of(case), "playbooks/a.yml": "a", "rollback/plan.json": "b"}
    marks = set()
    for number, changed in enumerate([None, *files]):
        folder = tmp_path / str(number)
        write_folder(folder, {k: v + (" " if k == changed else "") for k, v in files.items()})
        marks.add(digest(folder))
    (tmp_path / "0" / "attempts").mkdir()
    (tmp_path / "0" / "attempts" / "log").write_text("not part of what is approved")
    assert digest(tmp_path / "0") in marks
    assert len(marks) == 4


def test_moving_text_between_files_changes_the_digest(tmp_path: Path) -> None:
    write_folder(tmp_path / "a", {"plan.json": "", "playbooks/x": "12", "playbooks/y": "3"})
    write_folder(tmp_path / "b", {"plan.json": "", "playbooks/x": "1", "playbooks/y": "23"})
    assert digest(tmp_path / "a") != digest(tmp_path / "b")


def test_a_plan_is_never_written_over_another(tmp_path: Path) -> None:
    write_folder(tmp_path / "plan", {"plan.json": "{}"})
    with pytest.raises(OrchestratorError, match="never written over"):
        write_folder(tmp_path / "plan", {"plan.json": "{}"})
    assert (tmp_path / "plan" / "plan.json").read_text() == "{}"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "no such file"),
        (b"", "not a plan"),
        (b"{", "not a plan"),
        (b"\xff\xfe\x00", "cannot be read"),
        (b"[]", "not a plan"),
        (b'{"format_version": 1}', "format_version 1, written by another version"),
        (b'{"format_version": 3}', "this one reads 2 ("),
        (b'{"format_version": 2}', "purpose: Field required"),
        (b'{"format_version": true}', "not a plan: "),
        (b"[" * 100_000, "not a plan: "),
    ],
)
def test_files_that_are_no_plan_are_refused_with_their_place(
    tmp_path: Path, content: bytes | None, says: str
) -> None:
    if content is not None:
        (tmp_path / "plan.json").write_bytes(content)
    with pytest.raises(InvalidInput) as refused:
        read_plan(tmp_path)
    assert says in refused.value.message
    assert str(tmp_path / "plan.json") in refused.value.message


@pytest.mark.parametrize("number", ["04", "114", "131"])
def test_a_plan_written_in_this_format_is_read(number: str) -> None:
    """If this fails, plans written before are not read any more: raise `FORMAT_VERSION`.

    Then write these files anew, with the new number in their names (`text_of`).
    """
    kept = Path(__file__).with_name(f"format-{FORMAT_VERSION}-of-{number}.json")
    saved = from_document(PlanDoc.model_validate_json(kept.read_text(encoding="utf-8")))
    (path,) = FOLDER.glob(f"{number}-*.yml")
    book = load_case(path).book
    assert check(saved.topology, saved.plan, book).safe
    assert check_timed(saved.topology, saved.plan, book).safe


def test_a_plan_with_a_field_changed_to_nonsense_is_refused(case: Case, tmp_path: Path) -> None:
    data = json.loads(text_of(case))
    data["steps"][0]["to_build"] = "soon"
    (tmp_path / "plan.json").write_text(json.dumps(data))
    with pytest.raises(InvalidInput, match="soon"):
        read_plan(tmp_path)


@pytest.mark.parametrize("number", ["131", "134", "136"])
def test_version_folders_are_kept_and_absent_where_there_are_none(number: str) -> None:
    (path,) = FOLDER.glob(f"{number}-*.yml")
    case = load_case(path)
    plan = make_plan(case.topology, case.start, case.end, case.book, catalogue())
    text = text_of(case)
    saved = from_document(PlanDoc.model_validate_json(text))
    assert saved.plan == plan
    for one, other in ((saved.plan.start, plan.start), (saved.plan.end, plan.end)):
        assert one.version_folders == other.version_folders
    assert plan.end.version_folders
    copies = sum(step.kind.copies_folder for step in plan.steps)
    assert text.count('"folder":') == copies
    assert text.count('"version_folders":') == len(plan.start.version_folders)
