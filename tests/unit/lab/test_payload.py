"""Payloads made by the installed Ansible itself, read back."""

from __future__ import annotations

import json

from ansible.executor.powershell.module_manifest import (
    _bootstrap_powershell_script,
    _get_powershell_script,
)

from orchestrator.lab.wire.payload import Bootstrap, ModuleCall, Unsupported, decode

BOOTSTRAP = _get_powershell_script("bootstrap_wrapper.ps1").decode()


def _lines(manifest: dict[str, object], **wrapper: object) -> list[str]:
    head = {"name": "exec_wrapper", "script": "", "params": wrapper}
    return [json.dumps(head), "\0\0\0\0", json.dumps(manifest)]


def _module(script: str, **arguments: object) -> dict[str, object]:
    values = {"_ansible_check_mode": True, "_ansible_verbosity": 0, **arguments}
    variables = [{"Name": "complex_args", "Value": values, "Scope": "Global"}]
    action = {"name": "module_wrapper.ps1", "params": {"Script": script, "Variables": variables}}
    return {"scripts": {script: {"path": f"/x/{script}", "script": ""}}, "actions": [action]}


def test_the_bootstrap_tells_its_own_refusal() -> None:
    payload = decode(BOOTSTRAP, _lines(_module("ansible.legacy.x.ps1")))
    assert payload is not None
    assert payload.bootstrap is not None
    assert payload.bootstrap == Bootstrap(
        "5.1", '{"failed":true,"msg":"Ansible requires PowerShell v5.1"}'
    )


def test_a_module_of_a_library_folder() -> None:
    lines = _lines(_module("ansible.legacy.exchange_rollup.ps1", target="a"), MinPSVersion="5.1")
    payload = decode(BOOTSTRAP, lines)
    assert payload is not None
    call = payload.call
    assert isinstance(call, ModuleCall)
    assert (call.name, call.arguments, call.check_mode) == (
        "exchange_rollup",
        {"target": "a"},
        True,
    )
    assert (call.minimum_powershell, call.asynchronous) == ("5.1", False)
    assert str(call.path) == "/x/ansible.legacy.exchange_rollup.ps1"


def test_a_module_of_a_collection() -> None:
    script = "ansible_collections.ansible.windows.plugins.modules.win_ping.ps1"
    payload = decode(BOOTSTRAP, _lines(_module(script)))
    assert payload is not None
    assert isinstance(payload.call, ModuleCall)
    assert payload.call.name == "ansible.windows.win_ping"


def test_file_transfers_are_named() -> None:
    script, data = _bootstrap_powershell_script("psrp_put_file.ps1", {"Path": "x"}, has_input=True)
    payload = decode(script, [*data.decode().splitlines(), "QUJD"])
    assert payload is not None
    assert payload.call == Unsupported("Ansible's psrp_put_file.ps1")


def test_bare_scripts_and_broken_payloads() -> None:
    assert decode("whoami", []) is None
    assert decode("whoami", ["input"]) is None
    payload = decode(BOOTSTRAP, ["{", "\0\0\0\0", "{}"])
    assert payload is not None
    assert isinstance(payload.call, Unsupported)
    assert "another Ansible version" in payload.call.what
