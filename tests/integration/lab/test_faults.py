"""Every kind of fault, as Ansible and the modules' callers meet it, before and after the change."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.lab import remote
from orchestrator.lab.lab import Lab
from orchestrator.lab.store import Store

if TYPE_CHECKING:
    from .conftest import Play, Ran

Module = Callable[..., dict[str, Any]]
BER, HOST = "ber-cas-01", "mgmt-north"
RU2 = "14.2.298.4"
URL = "https://mail.contoso.example/owa"
DIRECTORY = "exchange_virtual_directory"


def _publish(play: Play, **more: Any) -> Ran:
    arguments = {"target": BER, "external_url": URL}
    task = {"name": "publish", DIRECTORY: arguments, **more}
    return play(HOST, [task, {"name": "again", DIRECTORY: {"target": BER}}])


@pytest.mark.parametrize(
    ("kind", "when", "done", "answer", "said"),
    [
        ("reset", "after", True, "failed", "Task failed"),
        ("garbage", "after", True, "failed", ""),
        ("hang", "after", True, "failed", "timed out|timeout"),
        ("black-hole", "before", False, "failed", "timed out|timeout"),
        ("refused", "before", False, "unreachable", "onnect"),
        ("unauthorised", "before", False, "unreachable", "authenticate|rejected|401"),
        ("restart", "after", True, "failed", "Task failed"),
    ],
)
def test_a_call_is_spoiled(
    lab: Lab, play: Play, kind: str, when: str, done: bool, answer: str, said: str
) -> None:
    module = "" if kind in ("refused", "unauthorised") else DIRECTORY
    seconds = {"value": "30"} if kind in ("hang", "black-hole") else {}
    lab.arm(kind, at=HOST, when=when, module=module, **seconds)
    ran = _publish(play, timeout=4)
    assert ran.state("publish") == answer, ran.result("publish")
    assert (lab.external_url(BER) == URL) is done
    assert [strike["kind"] for strike in lab.strikes()] == [kind]


def test_the_connection_is_refused_once_the_change_is_made(lab: Lab, play: Play) -> None:
    lab.arm("refused", at=HOST, when="after", module=DIRECTORY)
    ran = _publish(play)
    assert (ran.state("publish"), ran.state("again")) == ("ok", "unreachable")
    assert lab.external_url(BER) == URL


@pytest.mark.parametrize("kind", ["refused", "unauthorised"])
def test_the_second_hop_fails(lab: Lab, module: Module, kind: str) -> None:
    lab.arm(kind, at=BER)
    said = module("exchange_server_facts", target=BER)
    assert "Connecting to remote server ber-cas-01 failed" in said["msg"]
    assert "exchange_server" in module("exchange_server_facts", target=BER)


def _install(module: Module, lab: Lab, **more: Any) -> dict[str, Any]:
    lab.set("install_seconds=0")
    return module("exchange_rollup", target=BER, **lab.package(RU2), **more)


@pytest.mark.parametrize(
    ("fault", "code", "said", "build", "healthy"),
    [
        ({"kind": "msiexec"}, 1603, "msiexec ended with 1603", "14.2.247.5", False),
        ({"kind": "msiexec", "when": "after"}, 1603, "ended with 1603", RU2, False),
        ({"kind": "msiexec", "value": "3010"}, 3010, "", RU2, True),
        ({"kind": "services-disabled"}, 3010, "", RU2, False),
        ({"kind": "wrong-build"}, 3010, "", "14.2.247.5", True),
        (
            {"kind": "wrong-build", "when": "after", "value": "14.2.283.3"},
            3010,
            "",
            "14.2.283.3",
            True,
        ),
        ({"kind": "disk-full", "when": "after"}, 1603, "ended with 1603", "14.2.247.5", False),
    ],
)
def test_an_installer_ends_badly(
    lab: Lab,
    module: Module,
    fault: dict[str, Any],
    code: int,
    said: str,
    build: str,
    healthy: bool,
) -> None:
    lab.arm(at=BER, **fault)
    result = _install(module, lab)
    assert (result["exit_code"], bool(result.get("failed"))) == (code, bool(said))
    assert said in str(result.get("msg") or "")
    assert lab.build(BER) == build
    assert module("exchange_service_health", target=BER)["healthy"] is healthy


def test_another_installer_and_a_slow_one(lab: Lab, module: Module) -> None:
    lab.arm("msiexec", at=BER, value="1618")
    lab.arm("slow-install", at=BER, value="2")
    assert _install(module, lab, wait_seconds=1)["exit_code"] == 1618
    slow = _install(module, lab, wait_seconds=1)
    assert (slow["finished"], lab.build(BER)) == (False, "14.2.247.5")
    lab.set("speed=10")
    assert _install(module, lab, wait_seconds=5)["finished"]


@pytest.mark.parametrize(("value", "build"), [("", "14.2.247.5"), ("late", RU2)])
def test_a_dropped_shell_takes_the_installer_with_it(
    lab: Lab, play: Play, module: Module, value: str, build: str
) -> None:
    lab.set("install_seconds=5")
    lab.arm("dropped-shell", at=BER, when="after", module="exchange_rollup", value=value)
    package = {**lab.package(RU2), "target": BER}
    ran = play(HOST, [{"name": "install", "exchange_rollup": package}])
    assert ran.state("install") == "failed"
    assert lab.build(BER) == build
    assert not module("exchange_service_health", target=BER)["healthy"]
    lab.set("install_seconds=0")
    again = module("exchange_rollup", target=BER, **lab.package(RU2))
    assert again["finished"] is True
    assert lab.build(BER) == RU2


def test_a_restart_in_the_middle_of_an_installation(lab: Lab, play: Play) -> None:
    lab.set("install_seconds=5")
    lab.arm("restart", at=BER, when="after", module="exchange_rollup")
    package = {**lab.package(RU2), "target": BER}
    ran = play(HOST, [{"name": "install", "exchange_rollup": package}])
    assert ran.state("install") == "failed"
    assert lab.build(BER) == "14.2.247.5"


def test_a_server_that_does_not_come_back_until_somebody_goes_there(
    lab: Lab, module: Module
) -> None:
    lab.arm("never-back", at=BER)
    said = module("exchange_restart", target=BER, timeout_seconds=1)
    assert "did not come back in 1 seconds" in said["msg"]
    assert "Connecting to remote" in module("exchange_server_facts", target=BER)["msg"]
    lab.stop()
    lab.start()
    assert "Connecting to remote" in module("exchange_server_facts", target=BER)["msg"]
    lab.disarm()
    assert "exchange_server" in module("exchange_server_facts", target=BER)


def test_conditions_of_a_server(lab: Lab, module: Module) -> None:
    def facts() -> dict[str, Any]:
        answer: dict[str, Any] = module("exchange_server_facts", target=BER)["exchange_server"]
        return answer

    true = facts()["clock_utc"]
    lab.arm("clock-skew", at=BER, value="-3600")
    lab.arm("disk-full", at=BER)
    assert facts()["clock_utc"] < true
    assert facts()["free_disk_mb"] == 0


def test_a_server_updates_itself_while_another_is_asked(lab: Lab, play: Play) -> None:
    lab.arm("windows-update", at=BER, value=RU2, module="exchange_server_facts")
    ask = {"name": "facts", "exchange_server_facts": {"target": "par-cas-01"}}
    assert play(HOST, [ask]).state("facts") == "ok"
    assert lab.build(BER) == RU2


def test_a_change_is_seen_late_or_never(lab: Lab, module: Module) -> None:
    lab.arm("replication", at="paris", value="1800")
    module(DIRECTORY, target=BER, external_url=URL)
    assert lab.external_url(BER, site="paris") != URL
    lab.set("speed=3600")
    assert module(DIRECTORY, target=BER)["before"]["external_url"] == URL
    while lab.external_url(BER, site="paris") != URL:
        pass
    lab.disarm()
    lab.arm("replication", at="paris")
    module(DIRECTORY, target=BER, external_url="")
    assert lab.external_url(BER, site="paris") == URL


def test_from_the_command_line_and_by_file(tmp_path: Path, farm_file: Path) -> None:
    def lab(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "orchestrator", "lab", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    state = ["--state", str(tmp_path / "state")]
    farm = farm_file.parent
    assert lab("up", "-i", str(farm), *state).returncode == 0
    try:
        armed = lab("fault", "reset", "--at", BER, "--when", "after", *state)
        assert "reset after the change at ber-cas-01, 1 times" in armed.stdout, armed.stderr
        file = tmp_path / "faults.yml"
        file.write_text("- {kind: msiexec, at: ber-cas-01, value: 1618, times: 3}\n")
        both = lab("faults", "--file", str(file), *state)
        assert "msiexec 1618 before the change at ber-cas-01, 3 times" in both.stdout
        assert "fault: reset" in lab("status", *state).stdout
        refused = lab("fault", "gremlin", *state)
        assert (refused.returncode, refused.stdout) == (1, "")
        assert 'unknown fault "gremlin"' in refused.stderr
        assert "No fault is armed." in lab("faults", "--clear", *state).stdout
    finally:
        remote.down(Store(tmp_path / "state"))


def test_a_starved_command_cannot_write(tmp_path: Path) -> None:
    write = f"open({str(tmp_path / 'file')!r}, 'wb').write(bytes(200_000))"
    command = [sys.executable, "-m", "orchestrator", "lab", "starve", "--kilobytes", "100", "--"]
    done = subprocess.run(
        [*command, sys.executable, "-c", write], capture_output=True, text=True, check=False
    )
    assert done.returncode != -signal.SIGXFSZ
    assert "File too large" in done.stderr
    assert (tmp_path / "file").stat().st_size <= 102_400
