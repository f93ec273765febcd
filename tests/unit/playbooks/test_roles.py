"""The roles do what the README says: order, refusals, second runs, check mode."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

STEPS = Path(__file__).parent / "steps"

PARIS = "par-cas-01 probe-berlin-2010@contoso.example"
MADRID = "mad-cas-01 probe-berlin-2010@contoso.example"
ROME = "rom-cas-01 probe-madrid-2010@contoso.example"
REDIRECT = {"as_expected": True, "outcome": "redirected", "why": "as expected: redirected 3"}
VERIFY = "verify.yml"
DRIVEN = ("exchange_rollup", "exchange_restart", "exchange_service_health")


@pytest.fixture
def berlin(stage, make_server, good_probe):
    """Sets the farm of the upgrade example."""

    def build(probes: dict[str, Any] | None = None, sources: dict[str, Any] | None = None, **own):
        stage.set_farm(
            make_server("ber-cas-01", **own),
            make_server("par-cas-01", **(sources or {})),
            make_server("mad-cas-01"),
            probes={PARIS: [good_probe], MADRID: [good_probe], **(probes or {})},
        )
        plays = yaml.safe_load((STEPS / "upgrade.yml").read_text())
        (stage.folder / VERIFY).write_text(yaml.safe_dump([plays[0], plays[2]]))
        return stage

    return build


def test_upgrade_polls_restarts_checks_and_is_harmless_the_second_time(berlin):
    stage = berlin(slow_polls=2, wants_restart=True, starting_polls=1)
    first = stage.run("upgrade.yml")
    assert first.rc == 0, first.messages("ber-cas-01") + first.messages("localhost")
    driven = [call["module"] for call in first.farm["calls"] if call["module"] in DRIVEN]
    assert driven == [
        "exchange_rollup",
        "exchange_rollup",
        "exchange_rollup",
        "exchange_restart",
        "exchange_service_health",
        "exchange_service_health",
    ]
    assert first.farm["servers"]["ber-cas-01"]["build"] == "14.2.298.4"
    assert len({str(call) for call in first.calls("exchange_rollup")}) == 1, "same arguments"
    assert [call["source"] for call in first.calls("owa_probe")] == ["par-cas-01", "mad-cas-01"]
    since = {call["target"]: call.get("events_since") for call in first.farm["calls"][-2:]}
    assert since == dict.fromkeys(("par-cas-01", "mad-cas-01"), "2012-04-23T20:15:00Z")

    second = stage.run("upgrade.yml")
    assert second.rc == 0
    assert second.changed() == 0
    assert second.calls("exchange_restart") == []


def test_check_mode_changes_nothing_and_does_not_trip_over_it(berlin):
    # Broken before the step, which check mode does not repair.
    broken = {"as_expected": False, "outcome": "broken", "why": "broken: cookie"}
    stage = berlin({PARIS: [broken]})
    run = stage.run("upgrade.yml", "--check", "--diff")
    assert run.rc == 0, run.messages("ber-cas-01") + run.messages("localhost")
    assert run.changed() == 1
    assert run.farm["servers"]["ber-cas-01"]["build"] == "14.2.247.5"
    assert all(call["check"] for call in run.farm["calls"])
    (told,) = [result["msg"] for name, _, result in run.results if "without the change" in name
               and "msg" in result and not result.get("skipped")]  # fmt: skip
    assert told[0] == "par-cas-01 to berlin/2010: broken: cookie"


def test_an_unknown_host_stops_the_step_before_anything_is_read(berlin):
    stage = berlin()
    text = (stage.folder / "hosts.yml").read_text().replace("mad-cas-01:", "mad-cas-99:")
    (stage.folder / "hosts.yml").write_text(text)
    run = stage.run("upgrade.yml")
    assert run.rc != 0
    assert run.farm["calls"] == []


def test_a_failing_pilot_names_every_probe_and_event_46(berlin):
    broken = {"as_expected": False, "outcome": "broken", "why": "broken: version (12 of 12 tries)"}
    event = {
        "time_utc": "2012-04-23T20:15:00Z",
        "log": "Application",
        "source": "MSExchange OWA",
        "id": 46,
        "level": "Error",
        "category": "Proxy",
        "message": "the proxying server must run a newer version",
    }
    stage = berlin({PARIS: [broken], MADRID: [broken]}, {"events": [event]})
    run = stage.run(VERIFY)
    (message,) = run.messages("localhost")
    assert "pilot step 010-upgrade-berlin-2010: 2 of 2 probes not as expected" in message
    assert "par-cas-01 refused by version (event 46)" in message
    assert "par-cas-01 to berlin/2010 as probe-berlin-2010@contoso.example: broken" in message
    assert "mad-cas-01 to berlin/2010 as probe-berlin-2010@contoso.example: broken" in message
    assert "par-cas-01 logged event 46 of MSExchange OWA" in message
    assert len(run.calls("owa_probe")) == 2, "a broken answer is never tried again"


def test_a_pilot_fails_on_event_46_even_where_every_probe_is_fine(berlin):
    event = {"time_utc": "t", "source": "MSExchange OWA", "id": 46, "message": "version"}
    run = berlin(sources={"events": [event]}).run(VERIFY)
    (message,) = run.messages("localhost")
    assert "0 of 2 probes not as expected, par-cas-01 refused by version (event 46)" in message


def test_event_4999_is_reported_and_does_not_fail_a_step_whose_probes_are_fine(berlin):
    event = {"time_utc": "t", "source": "MSExchange Common", "id": 4999, "message": "Watson"}
    run = berlin(sources={"events": [event, event]}).run(VERIFY)
    assert run.rc == 0
    (told,) = [result["msg"] for name, _, result in run.results if "Report events" in name]
    assert told == [
        "par-cas-01 logged event 4999 of MSExchange Common (2 times, last at t): Watson"
    ]


def test_nothing_answering_at_first_is_tried_again(berlin, good_probe):
    silent = {"as_expected": False, "outcome": "unavailable", "why": "unavailable"}
    run = berlin({PARIS: [silent, silent, good_probe]}).run(VERIFY)
    assert run.rc == 0
    assert [c["source"] for c in run.calls("owa_probe")] == ["par-cas-01"] * 3 + ["mad-cas-01"]


def test_a_probe_that_cannot_run_is_a_failure_with_its_own_message(berlin):
    broken = {"failed": True, "msg": "ca_path: cannot read certificates from /x"}
    run = berlin({PARIS: [broken]}).run(VERIFY)
    (message,) = run.messages("localhost")
    assert "1 of 2 probes not as expected" in message
    assert "probe-berlin-2010@contoso.example: ca_path: cannot read certificates" in message


def test_an_installer_that_does_not_end_leaves_a_message_and_no_restart(berlin):
    stage = berlin(slow_polls=99)
    run = stage.run("upgrade.yml", "-e", "exchange_poll_retries=3")
    assert run.rc != 0
    (message,) = run.messages("ber-cas-01")
    assert "has not ended after 3 looks" in message
    assert run.calls("exchange_service_health") == []
    assert run.calls("owa_probe") == [], "a failed step is not verified"


def test_services_that_do_not_start_are_named(berlin):
    stuck = {"name": "W3SVC", "start_mode": "Auto", "state": "Stopped", "required": True}
    run = berlin(services=[{**stuck, "stuck": True}]).run(
        "upgrade.yml", "-e", "exchange_health_retries=2"
    )
    (message,) = run.messages("ber-cas-01")
    assert "do not start by themselves: W3SVC." in message


PRECHECK = """
- name: Precheck alone
  hosts: exchange
  gather_facts: false
  vars:
    exchange_precheck_installer_retries: 2
    exchange_step:
      id: x
      kind: {kind}
      servers: []
      from_builds: {{ {builds} }}
      to_build: 14.2.283.3
  tasks:
    - name: Precheck
      ansible.builtin.import_role:
        name: exchange_precheck
"""
NAMES = ("par-cas-01", "ber-cas-01", "ber-cas-02", "mad-cas-01", "rom-cas-01")


def precheck(stage, kind, *servers):
    """Run the precheck alone over five servers."""
    builds = ", ".join(f"{name}: 14.2.247.5" for name in NAMES)
    (stage.folder / "precheck.yml").write_text(PRECHECK.format(kind=kind, builds=builds))
    stage.set_farm(*servers)
    return stage.run("precheck.yml")


def test_precheck_refuses_what_cannot_take_a_rollup(stage, make_server):
    refusal = (
        "This module cannot run as it requires a minimum PowerShell version of 5.1, "
        'actual was "2.0"'
    )
    run = precheck(
        stage,
        "upgrade",
        make_server("par-cas-01", unreadable=refusal),
        make_server("ber-cas-01", build="14.2.298.4"),
        make_server("ber-cas-02", roles=["ClientAccess", "Mailbox"], dag_member=True),
        make_server("mad-cas-01", pending_restart=True),
        make_server("rom-cas-01", free_disk_mb=10),
    )
    said = {name: run.messages(name)[0] for name in NAMES}
    assert said["par-cas-01"].startswith(f"par-cas-01 cannot be read through mgmt-north: {refusal}")
    assert (
        "runs 14.2.298.4, this step was planned for 14.2.247.5 or 14.2.283.3"
        in (said["ber-cas-01"])
    )
    assert "ClientAccess, Mailbox and is a member of a database avail" in said["ber-cas-02"]
    assert "waits for a restart" in said["mad-cas-01"]
    assert "has 10 MiB free, 3072 are needed" in said["rom-cas-01"]
    assert run.changed() == 0


def test_precheck_lets_pass_what_is_left_by_an_earlier_run(stage, make_server):
    run = precheck(
        stage,
        "upgrade",
        make_server("par-cas-01", build="14.2.283.3", pending_restart=True),
        make_server("ber-cas-01", busy_reads=2, installer_running=True),
        make_server("ber-cas-02", installer_running=True),
        make_server("mad-cas-01", automatic_updates="install"),
        make_server("rom-cas-01"),
    )
    assert run.messages("par-cas-01") == []
    assert run.messages("ber-cas-01") == []
    assert "Windows Installer has been busy" in run.messages("ber-cas-02")[0]
    assert run.messages("mad-cas-01") == []
    warned = [host for name, host, result in run.results if "may install" in str(result.get("msg"))]
    assert warned == ["mad-cas-01"]


def test_precheck_of_a_way_back_accepts_what_a_cut_off_removal_left(stage, make_server):
    run = precheck(
        stage,
        "downgrade",
        make_server("par-cas-01", build="14.2.100.1"),
        make_server("ber-cas-01", build="14.1.218.15"),
        make_server("ber-cas-02"),
        make_server("mad-cas-01", unreadable="no route to host"),
        make_server("rom-cas-01"),
    )
    assert run.messages("par-cas-01") == []
    assert "14.1.218.15" in run.messages("ber-cas-01")[0], "another service pack"
    assert "no route to host" in run.messages("mad-cas-01")[0]


REMOVAL = """
- name: Way back
  hosts: [ber-cas-01, ber-cas-02, mad-cas-01]
  gather_facts: false
  vars:
    goals: {ber-cas-01: 14.2.283.3, ber-cas-02: 14.2.283.3, mad-cas-01: 14.2.247.5}
    exchange_step:
      id: y
      kind: downgrade
      from_build: 14.2.298.4
      to_build: "{{ goals[inventory_hostname] }}"
      packages:
        14.2.283.3: {path: C:\\ru1.msp, sha256: "00", patch_code: "{RU1}"}
        14.2.298.4: {path: C:\\ru2.msp, sha256: "00", patch_code: "{RU2}"}
  tasks:
    - name: Remove
      ansible.builtin.import_role:
        name: exchange_rollup
"""


def test_removal_ends_at_the_recorded_build_whatever_it_leaves(stage, make_server):
    (stage.folder / "removal.yml").write_text(REMOVAL)
    stage.set_farm(
        make_server("ber-cas-01", build="14.2.298.4", left="14.2.283.3"),
        make_server("ber-cas-02", build="14.2.298.4", left="14.2.247.5"),
        make_server("mad-cas-01", build="14.2.298.4", left="14.2.283.3"),
    )
    run = stage.run("removal.yml")
    assert run.rc == 0, run.results
    did: dict[str, list[tuple[str, str]]] = {}
    for call in run.calls("exchange_rollup"):
        did.setdefault(call["target"], []).append((call["state"], call["build"]))
    assert did == {
        "ber-cas-01": [("absent", "14.2.298.4")],
        "ber-cas-02": [("absent", "14.2.298.4"), ("present", "14.2.283.3")],
        "mad-cas-01": [("absent", "14.2.298.4"), ("absent", "14.2.283.3")],
    }


def test_redirection_waits_for_every_site_and_for_the_probe(stage, make_server):
    proxied = {"as_expected": False, "outcome": "proxied", "why": "proxied (3 of 3 tries)"}
    stage.set_farm(
        make_server("mad-cas-01", replicas={"rom-dc-01.contoso.example": 2}),
        make_server("rom-cas-01"),
        probes={ROME: [proxied, proxied, REDIRECT]},
    )
    run = stage.run("enable-redirection.yml")
    assert run.rc == 0, run.messages("mad-cas-01") + run.messages("localhost")
    calls = run.calls("exchange_virtual_directory")
    assert calls[0]["external_url"] == "https://mail-madrid.contoso.example/owa"
    assert calls[0]["expected_external_url"] == ""
    assert calls[0]["domain_controller"] == "mad-dc-01.contoso.example"
    asked = [call["domain_controller"].split("-")[0] for call in calls[1:]]
    assert asked == ["mad", "rom", "rom", "rom"]
    assert all("external_url" not in call for call in calls[1:])
    assert len(run.calls("owa_probe")) == 3

    again = stage.run("enable-redirection.yml")
    assert again.rc == 0
    assert again.changed() == 0


def test_restore_gives_every_server_back_its_own_address_also_without_domain_controllers(
    stage, make_server
):
    plays = yaml.safe_load((STEPS / "enable-redirection.yml").read_text())
    step = plays[0]["vars"]["exchange_step"]
    del step["domain_controllers"]
    step |= {"kind": "restore-proxying", "prior": step["new"], "new": step["prior"], "probes": []}
    (stage.folder / "restore.yml").write_text(yaml.safe_dump(plays))
    owa = {"identity": "x", "internal_url": None}
    live = {**owa, "external_url": "https://mail-madrid.contoso.example/owa"}
    stage.set_farm(make_server("mad-cas-01", virtual_directories={"owa": live}))
    run = stage.run("restore.yml")
    assert run.rc == 0, run.messages("mad-cas-01") + run.messages("localhost")
    (call,) = run.calls("exchange_virtual_directory")
    assert call["external_url"] == ""
    assert call["expected_external_url"] == "https://mail-madrid.contoso.example/owa"

    step["new"] = {}
    (stage.folder / "restore.yml").write_text(yaml.safe_dump(plays))
    run = stage.run("restore.yml")
    assert "does not say what the external address is to be" in run.messages("mad-cas-01")[0]
    assert run.farm["calls"] == []


def test_redirection_stops_at_drift_and_touches_nothing(stage, make_server):
    owa = {"identity": "x", "internal_url": None, "external_url": "https://else.example/owa"}
    stage.set_farm(make_server("mad-cas-01", virtual_directories={"owa": owa}))
    run = stage.run("enable-redirection.yml")
    assert run.rc != 0
    assert "drift" in run.messages("mad-cas-01")[0]
    assert run.farm["servers"]["mad-cas-01"]["virtual_directories"]["owa"] == owa


def test_replication_that_never_comes_is_named_with_its_site(stage, make_server):
    stage.set_farm(make_server("mad-cas-01", replicas={"rom-dc-01.contoso.example": 99}))
    run = stage.run("enable-redirection.yml", "-e", "exchange_settle_retries=2")
    assert run.rc != 0
    (message,) = run.messages("mad-cas-01")
    assert "rome (rom-dc-01.contoso.example) still reads another external address" in message
    assert run.calls("owa_probe") == []


def test_drain_runs_the_operators_tasks_and_undrain_the_others(berlin):
    stage = berlin()
    for name in ("drain", "undrain"):
        (stage.folder / f"{name}.yml").write_text(
            f"- name: Operator {name}\n  ansible.builtin.debug:\n    msg: here\n"
        )
    extra = '{"exchange_drain_tasks": "%s/drain.yml", "exchange_undrain_tasks": "%s/undrain.yml"}'
    run = stage.run("upgrade.yml", "-e", extra % (stage.folder, stage.folder))
    names = [name for name, _, _ in run.results]
    assert run.rc == 0
    drain = next(i for i, name in enumerate(names) if "Operator drain" in name)
    install = next(i for i, name in enumerate(names) if "Install the rollup" in name)
    undrain = next(i for i, name in enumerate(names) if "Operator undrain" in name)
    assert drain < install < undrain


def test_read_state_asks_every_server_through_its_management_host(stage, make_server):
    stage.set_farm(*(make_server(name) for name in NAMES))
    run = stage.run("read_state.yml")
    assert run.rc == 0
    read = {host for name, host, _ in run.results if name == "Read Exchange server state"}
    assert read == set(NAMES)
    assert {call["target"] for call in run.calls("exchange_server_facts")} == set(NAMES)
