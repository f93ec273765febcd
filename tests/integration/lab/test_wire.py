"""The psrp plug-in, NTLM and unmodified playbooks against simulated Windows hosts."""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING

import pytest
from pypsrp.exceptions import AuthenticationError, WinRMTransportError, WSManFaultError
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.wsman import WSMan
from requests.exceptions import ProxyError

if TYPE_CHECKING:
    from orchestrator.lab.lab import Lab

    from .conftest import Play


def _connection(lab: Lab, host: str, **options: object) -> WSMan:
    settings = {
        "auth": "ntlm",
        "username": "Administrator",
        "password": lab.administrator_password,
        "proxy": lab.proxy_url,
        "cert_validation": str(lab.ca_file),
        "connection_timeout": 5,
    }
    return WSMan(f"{host}.contoso.example", **{**settings, **options})


def test_unmodified_playbook_on_a_management_host(lab: Lab, play: Play) -> None:
    ran = play(
        "mgmt-north",
        [
            {"name": "wait", "wait_for_connection": {"timeout": 10}},
            {"name": "facts", "setup": {}},
            {"name": "ping", "ansible.windows.win_ping": {"data": "hello"}},
            {"name": "read", "exchange_server_facts": {"target": "ber-cas-01"}},
            {"name": "typo", "exchange_server_facts": {"target": "ber-cas-01", "evnts": "x"}},
            {"name": "missing", "exchange_rollup": {"target": "ber-cas-01"}},
            {
                "name": "choice",
                "exchange_service_health": {"target": "ber-cas-01", "state": "running"},
            },
            {"name": "shell", "ansible.windows.win_shell": "dir"},
            {
                "name": "background",
                "ansible.windows.win_ping": {},
                "async": 5,
                "poll": 1,
            },
            {"name": "nowhere", "exchange_server_facts": {"target": "no-such-server"}},
        ],
    )
    assert ran.status == "successful"
    assert ran.state("wait") == "ok"
    assert ran.result("facts")["ansible_facts"]["ansible_hostname"] == "MGMT-NORTH"
    assert ran.result("ping")["ping"] == "hello"
    assert ran.result("read")["exchange_server"]["build"] == "14.2.247.5"
    assert ran.state("typo") == "failed"
    assert (
        "Unsupported parameters for (exchange_server_facts) module: evnts"
        in (ran.result("typo")["msg"])
    )
    assert ran.result("missing")["msg"] == "missing required arguments: build"
    assert "must be one of: query, started" in ran.result("choice")["msg"]
    assert ran.state("shell") == "failed"
    assert "ansible.windows.win_shell" in ran.result("shell")["msg"]
    assert ran.state("background") == "failed"
    assert "name cannot be resolved" in ran.result("nowhere")["msg"]
    calls = [(c["module"], c["target"], c["result"]) for c in lab.module_calls()]
    assert ("exchange_server_facts", "ber-cas-01", "ok") in calls
    assert ("ansible.windows.win_shell", None, "failed") in calls


def test_old_powershell_refuses_modules_in_ansibles_own_words(lab: Lab, play: Play) -> None:
    ran = play("ber-cas-01", [{"name": "ping", "ansible.windows.win_ping": {}}])
    assert ran.state("ping") == "failed"
    assert ran.result("ping")["msg"] == "Ansible requires PowerShell v5.1"
    assert lab.module_calls()[-1]["msg"] == "Ansible requires PowerShell v5.1"


def test_wrong_password_is_unreachable(lab: Lab, play: Play) -> None:
    ran = play("mgmt-north", [{"name": "ping", "ansible.windows.win_ping": {}}], password="wrong")
    assert ran.state("ping") == "unreachable"
    assert "failed to authenticate" in ran.result("ping")["msg"]
    assert lab.module_calls() == []


def test_reboot_of_a_management_host(lab: Lab, play: Play) -> None:
    lab.set("restart_seconds=0.5")
    ran = play(
        "mgmt-south",
        [
            {"name": "reboot", "ansible.windows.win_reboot": {"reboot_timeout": 30}},
            {"name": "ping", "ansible.windows.win_ping": {}},
        ],
    )
    assert ran.result("reboot")["rebooted"] is True
    assert ran.state("ping") == "ok"


@pytest.mark.parametrize(
    ("port", "ssl", "auth"),
    [(5985, False, "ntlm"), (5986, True, "ntlm"), (5986, True, "negotiate")],
)
@pytest.mark.parametrize("encryption", ["always", "auto"])
def test_psrp_over_ntlm(lab: Lab, port: int, ssl: bool, auth: str, encryption: str) -> None:
    with (
        _connection(
            lab, "mgmt-north", port=port, ssl=ssl, auth=auth, encryption=encryption
        ) as connection,
        RunspacePool(connection) as pool,
    ):
        shell = PowerShell(pool).add_script("whoami")
        shell.invoke()
        assert "does not know this script: whoami" in str(shell.streams.error[0])


def test_plain_http_without_message_encryption_is_refused(lab: Lab) -> None:
    options = {"port": 5985, "ssl": False, "encryption": "never"}
    with (
        _connection(lab, "mgmt-north", **options) as connection,
        pytest.raises(WinRMTransportError, match="403"),
    ):
        RunspacePool(connection).open()


def test_wrong_password_over_psrp(lab: Lab) -> None:
    with (
        _connection(lab, "mgmt-north", password="wrong") as connection,
        pytest.raises(AuthenticationError),
    ):
        RunspacePool(connection).open()


def test_unknown_and_switched_off_hosts_refuse_connections(lab: Lab) -> None:
    lab.set("power.mgmt-south=off")
    for host in ("mgmt-nowhere", "mgmt-south"):
        with _connection(lab, host) as connection, pytest.raises(ProxyError, match="502"):
            RunspacePool(connection).open()


def test_shells_end_with_the_host(lab: Lab) -> None:
    with _connection(lab, "mgmt-north") as connection:
        pool = RunspacePool(connection)
        pool.open()
        lab.set("power.mgmt-north=off")
        lab.set("power.mgmt-north=on")
        with pytest.raises((WSManFaultError, ConnectionError, OSError)):
            PowerShell(pool).add_script("anything").invoke()


def test_the_listener_guards_its_own_controls(lab: Lab) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", lab.port, timeout=5)
    try:
        connection.request("GET", "/lab/status")
        answer = connection.getresponse()
        assert answer.status == 403
        answer.read()
    finally:
        connection.close()
