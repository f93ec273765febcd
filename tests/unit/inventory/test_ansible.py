"""The hosts file means here what it means to Ansible: group_vars, host_vars, vault, folders."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.inventory import Inventory
from orchestrator.model.topology import PoolId, Protocol

VAULT = Path(sys.executable).with_name("ansible-vault")


def vault(*arguments: str, text: str = "") -> str:
    Path("password").write_text("right\n", encoding="utf-8")
    Path("other").write_text("wrong\n", encoding="utf-8")
    command = [str(VAULT), *arguments, "--vault-password-file", "password"]
    run = subprocess.run(command, input=text, text=True, capture_output=True, check=True)
    return run.stdout


def test_host_vars_beat_group_vars_and_templates_are_resolved(
    folder: Path, change: Callable[..., None], load: Callable[..., Inventory]
) -> None:
    change(
        folder,
        {
            "hosts.yml": [
                ("        exchange_estimated_minutes: 40\n", ""),
                ("        exchange_owa_internal_url: https://cas.example/owa\n", ""),
            ],
            "group_vars/exchange.yml": [
                (
                    "",
                    (
                        "exchange_estimated_minutes: 25\n"
                        "exchange_owa_internal_url: "
                        '"https://{{ inventory_hostname }}.example/owa"\n'
                        "exchange_password: \"{{ lookup('file', '/nowhere') }}\"\n"
                    ),
                )
            ],
            "host_vars/mx-ber-01.yml": [("", "exchange_estimated_minutes: '55'\n")],
        },
    )
    servers = load(folder).topology.servers
    assert {name: server.minutes for name, server in servers.items()} == {
        "mx-ber-01": 55,
        "mx-par-01": 25,
    }
    assert servers["mx-par-01"].internal_url == "https://mx-par-01.example/owa"


def test_places_in_group_vars_and_host_vars(
    folder: Path, change: Callable[..., None], faults: Callable[..., list[str]]
) -> None:
    change(
        folder,
        {
            "group_vars/exchange/main.yml": [("", "# note\nexchange_dag: DAG1\n")],
            "host_vars/mx-ber-01": [("", "\n\nexchange_owa_external_url: nowhere\n")],
        },
    )
    assert [fault.split("(x/")[1].split(")")[0] for fault in faults(folder)] == [
        "group_vars/exchange/main.yml:2",
        "host_vars/mx-ber-01:3",
    ]


def test_values_encrypted_one_by_one(
    folder: Path,
    change: Callable[..., None],
    load: Callable[..., Inventory],
    faults: Callable[..., list[str]],
) -> None:
    secret = vault("encrypt_string", "--stdin-name", "exchange_build", text="14.2.298.4")
    change(folder, {"hosts.yml": [("          exchange_build: 14.2.283.3\n", "")]})
    change(folder, {"host_vars/mx-par-01.yml": [("", f"other: 1\n{secret}\n")]})
    inventory = load(folder, vault_password_file=Path("password"))
    assert str(inventory.declared.builds["mx-par-01"]) == "14.2.298.4"
    for options in ({"vault_password_file": Path("other")}, {}):
        (fault,) = faults(folder, **options)
        assert fault.startswith("CAS-E009 host mx-par-01: vault: ")
        assert fault.endswith("(x/host_vars/mx-par-01.yml:2); pass the right --vault-password-file")


def test_encrypted_files(
    folder: Path,
    change: Callable[..., None],
    load: Callable[..., Inventory],
    faults: Callable[..., list[str]],
) -> None:
    change(folder, {"hosts.yml": [("          exchange_build: 14.2.283.3\n", "")]})
    change(folder, {"host_vars/mx-par-01.yml": [("", "exchange_build: 14.2.298.4\n")]})
    vault("encrypt", "x/host_vars/mx-par-01.yml")
    inventory = load(folder, vault_password_file=Path("password"))
    assert str(inventory.declared.builds["mx-par-01"]) == "14.2.298.4"
    for options in ({"vault_password_file": Path("other")}, {}):
        (fault,) = faults(folder, **options)
        assert fault.startswith("CAS-E009 host mx-par-01: vault: ")
        assert fault.endswith("(x/host_vars/mx-par-01.yml); pass the right --vault-password-file")


def test_a_password_nobody_needs_yet_may_stay_locked(
    folder: Path, change: Callable[..., None], load: Callable[..., Inventory]
) -> None:
    secret = vault("encrypt_string", "--stdin-name", "ansible_password", text="hidden")
    change(folder, {"host_vars/mx-par-01.yml": [("", f"{secret}\n")]})
    assert len(load(folder).topology.servers) == 2


@pytest.mark.parametrize("name", ["nowhere", "."])
def test_vault_password_file_that_is_none(
    name: str, folder: Path, faults: Callable[..., list[str]]
) -> None:
    (fault,) = faults(folder, vault_password_file=Path(name))
    assert fault.startswith(f"CAS-E009 vault password file {name}: ")


def test_hosts_folder_with_its_own_group_vars(
    folder: Path, change: Callable[..., None], faults: Callable[..., list[str]]
) -> None:
    hosts = (folder / "hosts.yml").read_text(encoding="utf-8")
    (folder / "hosts.yml").unlink()
    change(
        folder,
        {
            "hosts/main.yml": [("", hosts)],
            "hosts/more": [("", "[exchange]\nmx-ber-02 exchange_build=14.2.28 ad_site=berlin\n")],
            "hosts/group_vars/exchange.yml": [("", "exchange_dag: DAG1\n")],
        },
    )
    assert [fault.partition(": ")[0] for fault in faults(folder)] == [
        "CAS-E108 hosts mx-ber-01, mx-ber-02, mx-par-01",
        "CAS-E101 host mx-ber-02",
    ]
    assert "(x/hosts/more:2)" in faults(folder)[1]


def test_ini_file(folder: Path, load: Callable[..., Inventory]) -> None:
    (folder / "hosts.yml").unlink()
    (folder / "hosts.ini").write_text(
        "[management]\nmgmt\n[exchange]\n"
        "mx-ber-[01:02] exchange_build=14.2.247.5 ad_site=berlin\n"
        "mx-par-01 exchange_build='2010 SP2 RU1' ad_site=paris exchange_estimated_minutes=20\n"
        "[exchange:vars]\nexchange_roles=ClientAccess,HubTransport\n"
        "exchange_management_host=mgmt\nexchange_owa_internal_url=https://cas.example/owa\n"
        "exchange_owa_external_url=https://mail.example/owa\n",
        encoding="utf-8",
    )
    inventory = load(folder)
    assert inventory.hosts_source == Path("x/hosts.ini")
    assert inventory.topology.pools[PoolId("berlin", "2010")].servers == ("mx-ber-01", "mx-ber-02")
    assert inventory.topology.servers["mx-par-01"].minutes == 20
    assert inventory.declared.external_urls["mx-ber-01", Protocol.OWA] == "https://mail.example/owa"


def test_extra_variables_come_last(
    folder: Path, load: Callable[..., Inventory], faults: Callable[..., list[str]]
) -> None:
    Path("extra.yml").write_text("# lab\nexchange_estimated_minutes: 1\n", encoding="utf-8")
    extra = ["@extra.yml", "exchange_build=14.2.298.4", '{"ad_site": "{{ \'berlin\' }}"}']
    Path("x/organization.yml").write_text(
        "{version: 1, organization: o, sites: {berlin: }, paths: []}", encoding="utf-8"
    )
    inventory = load(folder, extra_vars=extra)
    assert {s.minutes for s in inventory.topology.servers.values()} == {1}
    assert {str(build) for build in inventory.declared.builds.values()} == {"14.2.298.4"}
    Path("extra.yml").write_text("# lab\nexchange_estimated_minutes: 0\n", encoding="utf-8")
    (fault,) = faults(folder, extra_vars=extra)
    assert "extra.yml:2)" in fault


@pytest.mark.parametrize("argument", ["@nowhere.yml", "@x", "[1]", "{a: [", "@list.yml"])
def test_extra_variables_that_are_none(
    argument: str, folder: Path, faults: Callable[..., list[str]]
) -> None:
    Path("list.yml").write_text("- a\n", encoding="utf-8")
    (fault,) = faults(folder, extra_vars=[argument])
    assert fault.startswith(f"CAS-E011 extra variables {argument.partition('=')[0]}: ")


def test_each_load_sees_the_files_as_they_are(
    folder: Path, change: Callable[..., None], load: Callable[..., Inventory]
) -> None:
    assert load(folder).topology.servers["mx-par-01"].minutes == 40
    change(folder, {"host_vars/mx-par-01.yml": [("", "exchange_estimated_minutes: 7\n")]})
    assert load(folder).topology.servers["mx-par-01"].minutes == 7


def test_nothing_is_printed_and_ansible_s_display_is_given_back(
    folder: Path,
    change: Callable[..., None],
    load: Callable[..., Inventory],
    capfd: pytest.CaptureFixture[str],
) -> None:
    change(folder, {"hosts.yml": [("    exchange:\n", "    exchange:\n      host: {a: }\n")]})
    warnings = [str(w) for w in load(folder).warnings]
    assert capfd.readouterr() == ("", "")
    assert len(warnings) == 1
    assert warnings[0].startswith("CAS-W008 Ansible: Skipping unexpected key (host)")

    from ansible.parsing.vault import VaultSecretsContext
    from ansible.utils.display import Display

    assert not {"warning", "error_as_warning"} & set(vars(Display()))
    assert VaultSecretsContext.current(optional=True) is None


def test_ansible_is_imported_only_when_an_inventory_is_read() -> None:
    code = "import sys, orchestrator.inventory; sys.exit('ansible' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_broken_ansible_cfg_is_a_finding(folder: Path) -> None:
    Path("ansible.cfg").write_text("[defaults\n", encoding="utf-8")
    code = (
        "from pathlib import Path\n"
        "from orchestrator.inventory import load_inventory\n"
        "from orchestrator.errors import InvalidInput\n"
        "from orchestrator.shipped import catalogue\n"
        "try: load_inventory(Path('x'), catalogue=catalogue())\n"
        "except InvalidInput as error: print(error)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.stderr == ""
    assert run.stdout.startswith("CAS-E010 Ansible: cannot be used: ")
    assert "ansible.cfg" in run.stdout


def test_ansible_is_imported_in_one_module_only() -> None:
    import orchestrator

    package = Path(orchestrator.__file__).parent
    importing = [
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if "lab" not in path.parts
        and any(
            line.split()[:2] in (["import", "ansible"], ["from", "ansible"])
            or line.strip().startswith(("import ansible.", "from ansible."))
            for line in path.read_text(encoding="utf-8").splitlines()
        )
    ]
    assert importing == ["inventory/ansible_source.py"]
