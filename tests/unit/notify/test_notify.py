"""Notifications against a real HTTP sink: they arrive, and a bad sink costs a run nothing."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from ansible.parsing.vault import VaultLib, VaultSecret

from orchestrator.cli.notices import notices
from orchestrator.errors import OrchestratorError
from orchestrator.execution.run import RunReport
from orchestrator.notify.sinks import read_urls, sinks
from orchestrator.notify.teller import Teller

TOKEN = "s3cr3t-token"


class Sink(ThreadingHTTPServer):
    """Keeps what it is sent; answers late, or with an error, if told so."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got: list[dict[str, str]] = []
        self.status, self.delay = 200, 0.0
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"json://127.0.0.1:{self.server_address[1]}/{TOKEN}"


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        sink: Sink = self.server  # type: ignore[assignment]
        body = self.rfile.read(int(self.headers["Content-Length"]))
        time.sleep(sink.delay)
        sink.got.append(json.loads(body))
        self.send_response(sink.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def sink() -> Iterator[Sink]:
    server = Sink()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def file(tmp_path: Path, sink: Sink) -> Path:
    path = tmp_path / "urls"
    path.write_text(f"# where the team looks\n\n{sink.url}\n")
    path.chmod(0o600)
    return path


def test_start_and_end_of_a_run_arrive_in_order(file: Path, sink: Sink) -> None:
    with notices(file, "contoso", "sha256:" + "a" * 64) as told:
        told.started("6 steps")
        told.ended(RunReport(("a", "b"), 12.0, None))
    titles = [message["title"] for message in sink.got]
    assert titles == ["Exchange upgrade started: contoso", "Exchange upgrade finished: contoso"]
    assert sink.got[1]["message"] == "Plan sha256:aaaaaaaaaaaa: 2 steps in 12 s"


def test_a_run_that_is_left_by_an_error_is_told_only_if_it_had_begun(
    file: Path, sink: Sink
) -> None:
    for begun in (False, True):
        with contextlib.suppress(RuntimeError), notices(file, "contoso", "sha256:x") as told:
            if begun:
                told.started("6 steps")
            raise RuntimeError("with a password in it")
    assert [message["title"].split()[2] for message in sink.got] == ["started:", "failed:"]
    assert "password" not in str(sink.got)


def test_a_way_back_is_told_as_one(file: Path, sink: Sink) -> None:
    with notices(file, "contoso", "sha256:x", way_back=True) as told:
        told.started("3 steps")
        told.ended(RunReport(("a",), 5.0, None))
    titles = [message["title"] for message in sink.got]
    assert titles == [
        "Exchange upgrade going back: contoso",
        "Exchange upgrade rolled back: contoso",
    ]


def test_urls_may_be_kept_in_a_vault(file: Path, sink: Sink, tmp_path: Path) -> None:
    password, other = tmp_path / "password", tmp_path / "other"
    password.write_text("open sesame\n")
    other.write_text("something else\n")
    secret = VaultSecret(b"open sesame")
    file.write_bytes(VaultLib([("default", secret)]).encrypt(file.read_bytes(), secret))
    file.chmod(0o644)
    with notices(file, "contoso", "sha256:x", vault_password_file=password) as told:
        told.started("6 steps")
    assert len(sink.got) == 1
    for given, said in ((None, "--vault-password-file"), (other, "cannot be decrypted")):
        with (
            pytest.raises(OrchestratorError) as refused,
            notices(file, "contoso", "sha256:x", vault_password_file=given),
        ):
            pass
        assert said in f"{refused.value.message} {refused.value.remedy}"


@pytest.mark.parametrize("trouble", ["slow", "error", "gone"])
def test_a_sink_in_trouble_delays_nothing_and_is_told_without_its_url(
    file: Path, sink: Sink, trouble: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if trouble == "slow":
        sink.delay = 30
    elif trouble == "error":
        sink.status = 500
    else:
        sink.shutdown()
        sink.server_close()
    teller = Teller(sinks(read_urls(file)))
    began = time.monotonic()
    teller.tell("a", "b")
    assert time.monotonic() - began < 0.5
    said = teller.close(seconds=2)
    assert time.monotonic() - began < 4
    assert said == ["notification sink 1: not every message arrived"]
    assert TOKEN not in "".join(capsys.readouterr())
    sink.delay = 0


def test_one_dead_sink_keeps_nothing_from_another(file: Path, sink: Sink) -> None:
    def dead(_title: str, _body: str) -> bool:
        raise OSError("no")

    teller = Teller([dead, *sinks(read_urls(file))])
    teller.tell("a", "b")
    assert teller.close() == ["notification sink 1: not every message arrived"]
    assert len(sink.got) == 1


@pytest.mark.parametrize(
    ("text", "mode", "said"),
    [
        ("json://127.0.0.1/tok", 0o644, "others can read it"),
        ("# nothing\n", 0o600, "it holds no URL"),
        ("json://127.0.0.1/a\nno-such-scheme://tok", 0o600, "URL number 2 is none"),
    ],
)
def test_a_file_that_will_not_do_is_refused_before_anything_begins(
    tmp_path: Path, text: str, mode: int, said: str
) -> None:
    path = tmp_path / "urls"
    path.write_text(text)
    path.chmod(mode)
    with pytest.raises(OrchestratorError, match=said) as refused, notices(path, "o", "m"):
        pass
    assert "/tok" not in refused.value.message.replace(str(path), "")
    with pytest.raises(OrchestratorError, match="cannot be read"):
        read_urls(tmp_path / "missing")
