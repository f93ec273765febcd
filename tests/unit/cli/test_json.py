"""`--json` and `--plain`: every command, held against its schema; errors are documents, too."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import typer
from support.cases import FOLDER, load_case

from orchestrator.cli.main import add_commands, app
from orchestrator.cli.view import ViewTyper, begin
from orchestrator.execution.run import RunReport
from orchestrator.execution.stop import StopReport
from orchestrator.journal.steps import StepStatus
from orchestrator.planfile import digest, read_plan
from orchestrator.planfile.organization import organization_document
from orchestrator.planfile.organization_file import write_organization
from orchestrator.report.console import out
from orchestrator.report.documents import DOCUMENTS, SHIPPED, commands_schema, schema_of
from orchestrator.report.json_text import json_text
from orchestrator.report.results import Ran

Run = Callable[..., tuple[int, str, str]]
CONTOSO = Path(__file__).parents[3] / "inventories" / "contoso"
NO_DOCUMENT = {"serve"}


def valid(text: str, command: str, code: int) -> dict[str, Any]:
    """The one document of a command, as its schema has it."""
    document: dict[str, Any] = json.loads(text)
    jsonschema.validate(document, schema_of(command))
    assert document["exit_code"] == code
    assert document["schema_version"] == 1
    return document


def test_every_command_knows_both_and_has_a_schema(run: Run) -> None:
    add_commands()
    names = {one.name for one in app.registered_commands} - NO_DOCUMENT
    assert {"diagnose", "plan", "apply", "status", "graph"} <= names
    assert names <= set(DOCUMENTS)
    for name in names:
        command = typer.main.get_command(app).commands[name]  # type: ignore[attr-defined]
        options = {word for param in command.params for word in param.opts}
        assert {"--json", "--plain"} <= options, name
        code, said, _ = run(name, "--help", "--json")
        assert (code, said.lstrip()[:6]) == (0, "Usage:")


def test_the_shipped_schema_is_that_of_the_code() -> None:
    assert json.loads(SHIPPED.read_text(encoding="utf-8")) == commands_schema()
    jsonschema.Draft202012Validator.check_schema(commands_schema())
    assert set(commands_schema()["x-commands"]) == set(DOCUMENTS)


def test_diagnose(run: Run) -> None:
    code, out, _ = run("diagnose", "-i", CONTOSO, "--to", "2010 SP2 RU2", "--json")
    found = valid(out, "diagnose", code)
    assert (code, found["blocked"]) == (2, 1)
    assert found["paths"][0]["rule"] == "owa-cookie-ru1-to-older-2010"
    assert found["sources_first"]


def test_plan_check_explain_status_report_graph(plan: Path, run: Run, tmp_path: Path) -> None:
    source = ("--organization", plan.parent / "o.json")
    shutil.copy(plan / "plan.json", tmp_path / "before.json")
    case = load_case(FOLDER / "03-pair-one-capable.yml")
    write_organization(
        organization_document(case.topology, case.start, case.goals, case.book),
        plan.parent / "o.json",
    )
    code, out, _ = run("plan", *source, "-o", tmp_path / "new", "--json", "--detailed-exitcode")
    found = valid(out, "plan", code)
    assert code == 2
    assert found["plan"] == json.loads((tmp_path / "new" / "plan.json").read_text()) | {
        "schedule": None
    }
    code, out, _ = run("plan", *source, "--json")
    assert valid(out, "plan", code)["folder"] is None
    code, out, _ = run("show", plan, "--json")
    assert valid(out, "show", code)["digest"] == digest(plan)
    code, out, _ = run("check", plan, "--json")
    assert valid(out, "check", code)["safe"]
    code, out, _ = run("explain", plan, "1", "--json")
    assert valid(out, "explain", code)["kind"] == "step"
    code, out, _ = run("status", plan, "--json")
    assert len(valid(out, "status", code)["steps"]) == found["steps"]
    code, out, _ = run("report", plan, "--json")
    assert valid(out, "report", code)["file"] == str(plan / "report.html")
    code, out, _ = run("graph", plan, "--json")
    assert valid(out, "graph", code)["boxes"]


def test_what_is_wrong_is_a_document_too(plan: Path, run: Run, tmp_path: Path) -> None:
    for words, kind in (
        (("check", tmp_path), "InvalidInput"),
        (("pause", plan), "OrchestratorError"),
        (("graph", plan, "--site", "nowhere"), "InvalidInput"),
        (("plan",), "OrchestratorError"),
        (("status", plan, "--nonsense"), "OrchestratorError"),
        (("journal", plan), "OrchestratorError"),
        (("nonsense",), "OrchestratorError"),
        (("apply", plan, "-i", tmp_path), "InvalidInput"),
        (("resume", plan, "-i", tmp_path), "InvalidInput"),
        (("rollback", plan, "-i", tmp_path), "InvalidInput"),
    ):
        code, out, _ = run(*words, "--json")
        found = valid(out, "any, failed", code)
        assert code == 1
        assert found["command"] == words[0]
        assert found["error"]["kind"] == kind, words
        if kind == "InvalidInput":
            assert found["error"]["diagnostics"][0]["code"].startswith("CAS-E")


def test_no_safe_plan_is_exit_3_and_an_error(run: Run) -> None:
    refusal = CONTOSO.parent / "refusal"
    code, out, _ = run("plan", "-i", refusal, "--to", "2010 SP2 RU2", "--json")
    assert code == 3
    assert valid(out, "any, failed", code)["error"]["kind"] == "NoSafePlan"


def test_nothing_to_do_has_the_fields_of_a_plan(plan: Path, run: Run, tmp_path: Path) -> None:
    case = load_case(FOLDER / "22-nothing-to-do.yml")
    document = organization_document(case.topology, case.start, case.goals, case.book)
    write_organization(document, tmp_path / "n.json")
    code, out, _ = run("plan", "--organization", tmp_path / "n.json", "--json")
    assert valid(out, "plan", code)["plan"] is None


def test_how_a_run_ended(plan: Path) -> None:
    step = read_plan(plan).plan.steps[0]
    stop = StopReport(
        step=step, status=StepStatus.FAILED, reason="because", others=(), failures=(), output=(),
        artifacts=(), done=(), remaining=(), farm=None, unread_because="", changed=(),
        unexpected=(), redirections_on=(), redirections_possible=(), next_steps=("mend it",),
    )  # fmt: skip
    head = {"command": "apply", "exit_code": 5, "warnings": [], "messages": []}
    for report, code in ((RunReport((), 1.0, None, stop), 5), (RunReport((), 1.0, None), 0)):
        for command in ("apply", "resume"):
            text = json_text({**head, "exit_code": code, **Ran(report).document()})
            valid(text, command, code)


def test_plain_has_neither_boxes_nor_colour_and_a_line_per_row(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "40")
    code, out, _ = run("diagnose", "-i", CONTOSO, "--plain")
    assert code == 2
    assert "\x1b" not in out
    assert not re.search("[\u2500-\u257f]", out)
    rows = [line.split("\t") for line in out.splitlines() if "\t" in line]
    assert rows[0] == ["verdict", "source", "target", "protocol", "users", "route", rows[0][6]]
    assert {len(row) for row in rows} == {7}
    assert rows[1][:3] == ["BROKEN", "paris/2010", "berlin/2010"]
    code, out, _ = run("diagnose", "-i", CONTOSO)
    assert "\x1b" in out


def test_what_is_printed_besides_goes_with_the_document(
    capsys: pytest.CaptureFixture[str],
) -> None:
    own = ViewTyper()

    @own.command(name="talk")
    def talk() -> int:
        typer.echo("said by the way")
        out().print("and by the console")
        return 0

    begun = begin(["talk", "--json"])
    typer.main.get_command(own).main(args=["--json"], standalone_mode=False)
    begun.end("talk", 0)
    found = valid(capsys.readouterr().out, "any other", 0)
    assert found["messages"] == ["said by the way", "and by the console"]


def test_no_color_is_heeded(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[1;31m" in run("diagnose", "-i", CONTOSO)[1]
    monkeypatch.setenv("NO_COLOR", "1")
    assert not re.search("\x1b\\[[0-9;]*3[0-7]", run("diagnose", "-i", CONTOSO)[1])


def test_a_person_reads_the_same_without_options(run: Run, plan: Path) -> None:
    code, out, _ = run("status", plan)
    assert (code, "Not begun" in out) == (0, True)
