"""`diagnose` from logs and exports: exit codes, and mistakes as sentences."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from support import event_logs, exchange_exports
from support.iis_logs import head, log_on, poll

from orchestrator.cli.main import main
from orchestrator.cli.reading_progress import reading
from orchestrator.report.documents import schema_of

CONTOSO = Path(__file__).resolve().parents[3] / "inventories" / "contoso"


def write(folder: Path, name: str, text: str | bytes) -> str:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return str(path)


def test_without_any_input_it_says_what_to_give(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diagnose"]) == 1
    assert "-i FOLDER, or any of --events, --iis-logs and --exports" in capsys.readouterr().err
    assert main(["diagnose", "--live", "--events", "x"]) == 1
    assert "need an inventory" in capsys.readouterr().err


def test_logs_nobody_can_use_are_an_error_not_a_zero(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = write(tmp_path, "a.log", b"\x00\xff" * 100)
    assert main(["diagnose", "--iis-logs", log]) == 1
    shown = capsys.readouterr()
    assert "CAS-E812 the logs: none of 1 file could be used" in shown.err
    assert f"CAS-W812 file {log}" in shown.err
    assert "Affected" not in shown.out


def test_a_log_without_a_match_is_not_known_and_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = write(tmp_path, "a.log", head() + poll() * 500)
    assert main(["diagnose", "--iis-logs", log]) == 2
    shown = " ".join(capsys.readouterr().out.split())
    assert shown.startswith("Affected: not known.")
    assert "504 lines or records, 0 matter" in shown


def test_logs_are_judged_by_the_builds_of_an_inventory(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = write(tmp_path, "ber-cas-01/u_ex1.log", head() + log_on())
    events = write(tmp_path, "events.clixml", event_logs.clixml())
    command = ["diagnose", "-i", str(CONTOSO), "--iis-logs", str(tmp_path), "--events", events]
    assert main(command) == 2
    shown = " ".join(capsys.readouterr().out.split())
    assert log
    assert "par-cas-01 -> ber-cas-01" in shown
    assert "owa-cookie-ru1-to-older-2010 [doc] (14.2.283.3 -> 14.2.247.5)" in shown
    assert "Affected: yes. 1 source logged that" in shown


def test_exports_alone_give_verdicts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "s.csv", exchange_exports.csv(exchange_exports.servers(), ";"))
    write(tmp_path, "o.csv", exchange_exports.csv(exchange_exports.directories(), ";"))
    assert main(["diagnose", "--exports", str(tmp_path)]) == 2
    shown = capsys.readouterr().out
    assert "build-not-exact [open]" in shown
    assert "No export names the rollup of 3 servers" in shown
    write(tmp_path, "b.json", exchange_exports.as_json(exchange_exports.builds()))
    assert main(["diagnose", "--exports", str(tmp_path)]) == 2
    assert "owa-cookie-ru1-to-older-2010 [doc]" in capsys.readouterr().out


def test_a_wrong_zone_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = write(tmp_path, "a.log", head() + log_on())
    assert main(["diagnose", "--iis-logs", log, "--zone", "Paris"]) == 1
    assert 'CAS-E605 --zone: no such time zone: "Paris"' in capsys.readouterr().err


def test_progress_is_silent_at_first_and_then_says_how_far(
    capsys: pytest.CaptureFixture[str],
) -> None:
    now = [0.0]
    with reading("IIS logs", clock=lambda: now[0]) as on_progress:
        on_progress(10_000_000, 1_000_000_000)
        assert capsys.readouterr().err == ""
        now[0] = 3.0
        on_progress(20_000_000, 1_000_000_000)
        assert "Reading IIS logs: 0.0 of 1.0 GB, about 2 min left" in capsys.readouterr().err
        now[0] = 4.0
        on_progress(30_000_000, 1_000_000_000)
        assert capsys.readouterr().err == ""  # a line every half minute is enough for a log


def test_zones_of_sites_and_the_document(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, "ber-cas-01/u_ex1.log", head() + log_on() + log_on("2012-02-27 08:15:00"))
    command = ["diagnose", "-i", str(CONTOSO), "--iis-logs", str(tmp_path), "--json"]
    assert main([*command, "--zone", "UTC", "--zone", "berlin=Asia/Tokyo"]) == 2
    document = json.loads(capsys.readouterr().out)
    jsonschema.validate(document, schema_of("diagnose"))
    observed = document["observed"]
    (path,) = observed["paths"]
    assert (path["source"], path["target"], path["count"]) == ("par-cas-01", "ber-cas-01", 2)
    assert path["log_ons_by_hour"] == {
        "2012-02-20T08:00:00+00:00": 1,
        "2012-02-27T08:00:00+00:00": 1,
    }
    (week,) = observed["hours_of_the_week"]
    assert week["zone"] == "Asia/Tokyo"
    assert week["log_ons"].index(1.0) == 17  # Monday 08:00 UTC is 17:00 in Tokyo
    assert main([*command, "--zone", "atlantis=UTC"]) == 1
    assert "CAS-E606" in capsys.readouterr().out
