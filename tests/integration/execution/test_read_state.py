"""The shipped reading playbook against simulated Windows hosts, good ones and bad ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.execution.attempts import AnsibleInputs, FarmReader
from orchestrator.lab import remote
from orchestrator.lab.store import Store
from orchestrator.model.build import Build
from orchestrator.model.topology import Protocol

CONTOSO = Path(__file__).resolve().parents[3] / "inventories" / "contoso"

BAD = """
all:
  vars:
    ansible_connection: ansible.builtin.psrp
    ansible_port: 5986
    ansible_psrp_protocol: https
    ansible_psrp_auth: ntlm
    ansible_user: Administrator
    ansible_host: "{{ inventory_hostname }}.contoso.example"
    ansible_password: >-
      {{ lookup('ansible.builtin.file', exchange_secrets_folder ~ '/administrator.password') }}
  children:
    management:
      hosts:
        mgmt-north: {ansible_host: mgmt-north.contoso.example}
        mgmt-denied: {ansible_host: mgmt-north.contoso.example, ansible_password: wrong}
    exchange:
      hosts:
        ber-cas-01: {exchange_management_host: mgmt-north}
        ber-alias: {exchange_management_host: mgmt-north, exchange_server_name: ber-cas-01}
        ber-cas-02: {}
        par-cas-01: {exchange_management_host: mgmt-denied}
        nowhere-01: {ansible_host: nowhere-01.contoso.example}
        unknown-01: {exchange_management_host: mgmt-north}
"""


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A lab in a process of its own: forking beside its threads would be unsafe."""
    store = Store(tmp_path_factory.mktemp("lab") / "state")
    remote.up(CONTOSO / "lab.yml", store, fresh=True)
    try:
        yield store.folder / "connection.yml"
    finally:
        remote.down(store)


def test_the_whole_farm_is_read(connection: Path, tmp_path: Path) -> None:
    servers = {"par-cas-01", "par-cas-02", "ber-cas-71", "lis-cas-72", "mad-cas-01"}
    inputs = AnsibleInputs((CONTOSO / "hosts.yml",), (f"@{connection}",))
    farm = FarmReader(inputs, tmp_path / "runs", servers)()
    assert farm.problems == ()
    assert farm.complete
    assert len(farm.servers) == 10  # Every host of the group, not only those asked for.
    paris = farm.servers["par-cas-01"]
    assert paris.build == Build.parse("14.2.283.3")
    assert (paris.ad_site, paris.fqdn) == ("paris", "par-cas-01.contoso.example")
    assert "ClientAccess" in paris.roles
    assert paris.free_disk_mb > 0
    assert farm.state.builds["lis-cas-72"] == Build.parse("8.3.245.2")
    owa = farm.state.external_urls
    assert owa["ber-cas-71", Protocol.OWA] == "https://legacy-berlin.contoso.example/owa"
    assert ("mad-cas-01", Protocol.OWA) not in owa


def test_every_host_that_is_not_read_is_named_with_a_remedy(
    connection: Path, tmp_path: Path
) -> None:
    hosts = tmp_path / "hosts.yml"
    hosts.write_text(BAD)
    expected = {"ber-cas-01", "ghost-01", "ber-cas-02"}
    farm = FarmReader(AnsibleInputs((hosts,), (f"@{connection}",)), tmp_path / "runs", expected)()
    assert not farm.complete
    assert set(farm.servers) == set(farm.state.builds) == {"ber-cas-01", "ber-alias"}
    found = {problem.subject: problem for problem in farm.problems}
    codes = {subject: problem.code for subject, problem in found.items()}
    assert codes == {
        "host nowhere-01": "CAS-E501",
        "host par-cas-01": "CAS-E502",
        "host ber-cas-02": "CAS-E503",
        "host unknown-01": "CAS-E504",
        "host ghost-01": "CAS-E505",
        "hosts ber-alias, ber-cas-01": "CAS-E508",
    }
    assert "exchange_management_host" in found["host ber-cas-02"].remedy
    assert "ansible_password" in found["host par-cas-01"].remedy
    assert "wrong" not in str(farm.problems)


def test_ansible_that_cannot_begin_is_quoted(tmp_path: Path) -> None:
    hosts = tmp_path / "hosts.yml"
    hosts.write_text("exchange: [unclosed")
    farm = FarmReader(AnsibleInputs((hosts,)), tmp_path / "runs", {"a"})()
    (problem,) = farm.problems
    assert (problem.code, problem.subject) == ("CAS-E507", "host a")
    assert "hosts.yml" in problem.message
