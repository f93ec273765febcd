"""`orchestrator serve` over real sockets: who may do what, and what the journal gets of it."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from support.served import Command, Served, begin, write_journal

from orchestrator.cli.main import main
from orchestrator.cli.serve import Options
from orchestrator.execution.who import Who
from orchestrator.journal.entry import Kind
from orchestrator.journal.store import JOURNAL_NAME, Journal
from orchestrator.planfile import digest

REDIRECT, UPGRADE = "enable-redirection-madrid-2010-owa", "upgrade-rome-2010-1"
ACTIONS = ("approve", "pause", "resume")


def kinds(folder: Path) -> list[str]:
    if not (folder / JOURNAL_NAME).exists():
        return []
    with Journal.read(folder / JOURNAL_NAME) as journal:
        journal.verify()
        return [entry.kind for entry in journal.entries()]


def test_every_answer_forbids_what_a_page_does_not_need(served: Served) -> None:
    for path in ("/", "/what-if", "/api/scene", "/static/absent", "/api/at?seq=99"):
        headers = served.ask("GET", path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"


def test_a_request_under_a_foreign_name_gets_nothing(served: Served) -> None:
    for name in ("evil.example", "127.0.0.1.evil.example", "", "[::1", "localhost@evil.example"):
        answer = served.ask("GET", "/api/scene", Host=name or " ")
        assert answer.status in {400, 421}, name
        assert "pools" not in answer.text
    assert served.ask("GET", "/api/scene", Host=f"localhost:{served.port}").status == 200


@pytest.mark.parametrize("action", ACTIONS)
def test_no_button_without_the_token(served: Served, folder: Path, action: str) -> None:
    body = {"by": "mallory", "digest": digest(folder)}
    assert served.ask("POST", f"/api/{action}", body).status == 401
    made_up = f"orchestrator-{served.port}=9999999999.{'0' * 64}"
    assert served.ask("POST", f"/api/{action}", body, Cookie=made_up).status == 401
    assert served.ask("POST", "/api/session", {"token": "guess"}).status == 403
    assert kinds(folder) == []


@pytest.mark.parametrize("action", ACTIONS)
def test_no_button_from_another_site(served: Served, folder: Path, action: str) -> None:
    served.sign_in()
    body = {"by": "ada", "digest": digest(folder)}
    wrong: list[dict[str, str]] = [
        {"X_CSRF_Token": ""},
        {"X_CSRF_Token": "0" * 64},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Content_Type": "text/plain"},
        {"Content_Type": "application/x-www-form-urlencoded"},
    ]
    for headers in wrong:
        assert served.ask("POST", f"/api/{action}", body, **headers).status in {403, 415}, headers
    assert kinds(folder) == []


def test_an_approval_is_written_and_apply_takes_it(
    served: Served, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    served.sign_in()
    answer = served.ask("POST", "/api/approve", {"by": "Ada Lovelace", "digest": digest(folder)})
    assert answer.status == 200, answer.text
    with Journal.read(folder / JOURNAL_NAME) as journal:
        (entry,) = journal.entries()
    assert entry.kind == Kind.PLAN_APPROVED
    assert entry.data == {
        "by": "Ada Lovelace", "host": "127.0.0.1", "via": "live page", "digest": digest(folder)
    }  # fmt: skip
    assert main(["status", str(folder)]) == 0
    assert "Not begun" in capsys.readouterr().out


def test_what_was_changed_since_it_was_shown_is_not_approved(served: Served, folder: Path) -> None:
    served.sign_in()
    shown = served.ask("GET", "/api/scene").json["digest"]
    playbook = next((folder / "playbooks").glob("001-*.yml"))
    playbook.write_text(playbook.read_text() + "# one more line\n")
    answer = served.ask("POST", "/api/approve", {"by": "ada", "digest": shown})
    assert answer.status == 409
    assert "was changed" in answer.json["error"]
    assert kinds(folder) == []


def test_a_plan_that_was_begun_is_not_approved_again(served: Served, folder: Path) -> None:
    with write_journal(folder) as journal:
        begin(journal, folder)
    served.sign_in()
    answer = served.ask("POST", "/api/approve", {"by": "ada", "digest": digest(folder)})
    assert answer.status == 409
    assert "applied already" in answer.json["error"]


def test_a_pause_is_written_for_the_run_to_read(served: Served, folder: Path) -> None:
    served.sign_in()
    refused = served.ask("POST", "/api/pause", {"by": "ada"})
    assert refused.status == 409
    with write_journal(folder) as journal:
        begin(journal, folder)
    assert served.ask("POST", "/api/pause", {"by": " "}).status == 422
    assert served.ask("POST", "/api/pause", {"by": "ada"}).status == 200
    with Journal.read(folder / JOURNAL_NAME) as journal:
        last = journal.entries()[-1]
    assert (last.kind, last.data["by"]) == (Kind.PAUSE_REQUESTED, "ada (live page)")


def test_resume_needs_an_inventory(served: Served, folder: Path) -> None:
    with write_journal(folder) as journal:
        begin(journal, folder, replace(Who.here(), identity="earlier-boot/17"))
    served.sign_in()
    answer = served.ask("POST", "/api/resume", {"by": "ada"})
    assert answer.status == 409
    assert "without an inventory" in answer.json["error"]


def test_pages_follow_the_journal(served: Served, folder: Path) -> None:
    updates = served.updates()
    with closing(updates):  # type: ignore[type-var]
        number, first = next(updates)
        assert (number, first["standing"]["tone"]) == (0, "ask")
        with write_journal(folder) as journal:
            begin(journal, folder)
            journal.append(Kind.STEP_STARTED, REDIRECT)
            number, update = next(u for u in updates if u[1]["standing"]["seq"] == 3)
            assert (number, update["standing"]["tone"]) == (3, "run")
            assert "redirecting users of madrid/2010" in update["standing"]["text"]
            assert update["standing"]["redirection"]["users"] == 90
            assert update["standing"]["steps"][0][0] == "started"
            journal.append(Kind.STEP_SUCCEEDED, REDIRECT, seconds=3)
            number, update = next(u for u in updates if u[0] == 4)
            assert [row[0] for row in update["journal"]] == [4]
            assert "redirect" in {path[2] for path in update["standing"]["paths"]}


def test_nothing_is_lost_or_said_twice_over_a_restart(folder: Path) -> None:
    with write_journal(folder) as journal, Command(folder=folder) as served:
        begin(journal, folder)
        updates = served.updates()
        with closing(updates):  # type: ignore[type-var]
            number, _ = next(u for u in updates if u[0] == 2)
        served.restart()
        journal.append(Kind.STEP_STARTED, REDIRECT)
        updates = served.updates(last=number)
        with closing(updates):  # type: ignore[type-var]
            seen: list[int] = []
            for number, update in updates:
                seen += [row[0] for row in update["journal"]]
                if number == 3:
                    break
        assert seen == [3]


def test_a_journal_that_was_changed_is_not_believed(served: Served, folder: Path) -> None:
    import sqlite3

    updates = served.updates()
    with closing(updates):  # type: ignore[type-var]
        next(updates)
        with write_journal(folder) as journal:
            begin(journal, folder)
            next(u for u in updates if u[0] == 2)
            with sqlite3.connect(folder / JOURNAL_NAME) as raw:
                raw.execute(
                    "INSERT INTO entries VALUES (3, '2026-01-01T00:00:00+00:00', "
                    "'run-finished', NULL, 1, '{}', 'made-up')"
                )
            raw.close()
        _, update = next(u for u in updates if u[1]["standing"]["trouble"])
    assert "entry 3 was changed, added or removed" in update["standing"]["trouble"]
    assert update["standing"]["tone"] != "good"


def test_a_servers_word_is_kept_to_what_a_page_shows(served: Served, folder: Path) -> None:
    """Arguments, results and texts of an attempt hold secrets; the page has chosen fields."""
    with write_journal(folder) as journal:
        begin(journal, folder)
        journal.append(Kind.STEP_STARTED, UPGRADE)
        attempt = folder / "attempts" / f"{UPGRADE}-1"
        events = attempt / "artifacts" / attempt.name / "job_events"
        events.mkdir(parents=True)
        updates = served.updates()
        with closing(updates):  # type: ignore[type-var]
            next(updates)
            journal.append(
                Kind.STEP_CHILD, UPGRADE, pid=1, identity="", folder=f"/elsewhere/{attempt.name}"
            )
            event = {
                "created": "2026-11-25T18:48:20+00:00",
                "event": "runner_on_failed",
                "stdout": "hunter2hunter2",
                "event_data": {
                    "host": "rom-cas-01",
                    "task": "Install",
                    "task_args": "password=hunter2hunter2",
                    "res": {
                        "msg": "https://ada:hunter2hunter2@files.example/ is refused",
                        "invocation": {"module_args": {"password": "hunter2hunter2"}},
                        "stdout": "hunter2hunter2",
                    },
                },
            }
            (events / "1-a.json").write_text(json.dumps(event))
            (events / "2-b.json").write_text("{half of it")
            _, update = next(u for u in updates if u[1]["tasks"])
        assert [row[2:5] for row in update["tasks"]] == [["rom-cas-01", "Install", "failed"]]
        assert "is refused" in update["tasks"][0][5]
        assert "hunter2" not in json.dumps(update)
        answer = served.ask("GET", f"/api/steps/{UPGRADE}/1")
        assert answer.json["tasks"] == update["tasks"]
    assert served.ask("GET", "/api/steps/..%2f..%2fetc/1").status == 404


def test_elsewhere_nothing_is_shown_without_the_token(folder: Path) -> None:
    with Served(options=Options(folder, port=0, private=True)) as served:
        for path in ("/api/scene", "/api/events", "/api/frames", "/api/at?seq=0"):
            answer = served.ask("GET", path)
            assert answer.status == 401, path
            assert "madrid" not in answer.text
        assert "madrid" not in served.ask("GET", "/").text
        served.sign_in()
        assert "madrid" in served.ask("GET", "/api/scene").text


def test_a_session_outlives_the_server_if_the_token_does(folder: Path, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("a token that is long enough")
    token.chmod(0o600)
    kept = Options(folder, port=0, token_file=token)
    with Served(options=kept) as served:
        served.sign_in()
    # cookies belong to a port
    again = replace(kept, port=served.port)
    with Served(options=again, cookie=served.cookie) as served:
        assert served.ask("GET", "/api/session").json["signed_in"]
    with Served(options=Options(folder, port=served.port), cookie=served.cookie) as served:
        assert not served.ask("GET", "/api/session").json["signed_in"]


def test_a_replay_shows_every_moment_and_does_nothing(folder: Path) -> None:
    with write_journal(folder) as journal:
        begin(journal, folder)
        journal.append(Kind.STEP_STARTED, REDIRECT)
        journal.append(Kind.STEP_SUCCEEDED, REDIRECT, seconds=3)
    with Served(options=Options(folder, port=0, replay=True)) as served:
        assert served.ask("GET", "/api/scene").json["mode"] == "replay"
        assert [f[0] for f in served.ask("GET", "/api/frames").json["frames"]] == [1, 2, 3, 4]
        tones = [served.ask("GET", f"/api/at?seq={n}").json["tone"] for n in (0, 1, 3)]
        assert tones == ["ask", "wait", "run"]
        for bad in ("5", "-1", "x", ""):
            assert served.ask("GET", f"/api/at?seq={bad}").status == 404
        served.sign_in()
        for action in ACTIONS:
            body = {"by": "ada", "digest": digest(folder)}
            assert served.ask("POST", f"/api/{action}", body).status == 409
    assert len(kinds(folder)) == 4


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--host", "192.0.2.1"], "the token would travel in clear"),
        (["--tls-certificate", "x.pem"], "belong together"),
        (["--token-file", "absent"], "cannot be read"),
        (["--host", "192.0.2.1", "--without-tls"], "cannot listen on 192.0.2.1"),
    ],
)
def test_what_it_refuses_to_start_with(
    folder: Path, options: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", str(folder), *options]) == 1
    assert said in capsys.readouterr().err


def test_without_its_packages_it_says_how_to_get_them(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert main(["serve", str(folder)]) == 1
    said = capsys.readouterr().err
    assert "the live page is not installed" in said
    assert "[web]" in said
