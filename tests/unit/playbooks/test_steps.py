"""Whole steps as the generator writes them, with the real roles, twice and in check mode."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

PARIS = "par-cas-01 probe-berlin-2010@contoso.example"
MADRID = "mad-cas-01 probe-berlin-2010@contoso.example"
ROME = "rom-cas-01 probe-madrid-2010@contoso.example"
REDIRECT = {"as_expected": True, "outcome": "redirected", "why": "as expected: redirected 3"}
DRIVEN = ("exchange_rollup", "exchange_restart", "exchange_service_health")


@pytest.fixture
def berlin(stage, make_server, good_probe):
    """Sets the farm of the upgrade example."""

    def build(paris=None, **own):
        stage.set_farm(
            make_server("ber-cas-01", **own),
            make_server("par-cas-01"),
            make_server("mad-cas-01"),
            probes={PARIS: [paris or good_probe], MADRID: [good_probe]},
        )
        return stage

    return build


def test_upgrade_drains_installs_restarts_checks_and_is_harmless_the_second_time(berlin):
    stage = berlin(wants_restart=True, starting_polls=1)
    for name in ("drain", "undrain"):
        (stage.folder / f"{name}.yml").write_text(
            f"- name: Operator {name}\n  ansible.builtin.debug:\n    msg: here\n"
        )
    hooks = ["-e", f"exchange_drain_tasks={stage.folder}/drain.yml"]
    hooks += ["-e", f"exchange_undrain_tasks={stage.folder}/undrain.yml"]
    first = stage.run("upgrade.yml", *hooks)
    assert first.rc == 0, first.messages("ber-cas-01") + first.messages("localhost")
    driven = [call["module"] for call in first.farm["calls"] if call["module"] in DRIVEN]
    assert driven == [*DRIVEN[:2], DRIVEN[2], DRIVEN[2]]
    assert first.farm["servers"]["ber-cas-01"]["build"] == "14.2.298.4"
    names = [name for name, _, _ in first.results]
    order = [
        next(position for position, name in enumerate(names) if part in name)
        for part in ("Operator drain", "Install the rollup", "wait until they run", "Operator un")
    ]
    assert order == sorted(order)
    assert [call["source"] for call in first.calls("owa_probe")] == ["par-cas-01", "mad-cas-01"]
    asked = {call["target"]: call["events_seconds"] for call in first.farm["calls"][-2:]}
    assert set(asked) == {"par-cas-01", "mad-cas-01"}
    began = datetime(2012, 4, 23, 20, 15, tzinfo=UTC)
    seconds = (datetime.now(UTC) - began).total_seconds()
    assert all(0 <= seconds + 2 - given < 60 for given in asked.values())

    second = stage.run("upgrade.yml", *hooks)
    assert second.rc == 0
    assert second.changed() == 0
    assert second.calls("exchange_restart") == []


def test_check_mode_changes_nothing_and_does_not_trip_over_it(berlin):
    # Broken before the step, which check mode does not repair.
    broken = {"as_expected": False, "outcome": "broken", "why": "broken: cookie"}
    run = berlin(broken).run("upgrade.yml", "--check", "--diff")
    assert run.rc == 0, run.messages("ber-cas-01") + run.messages("localhost")
    assert run.changed() == 1
    assert run.farm["servers"]["ber-cas-01"]["build"] == "14.2.247.5"
    assert all(call["check"] for call in run.farm["calls"])
    (told,) = [
        result["msg"]
        for name, _, result in run.results
        if "without the change" in name and not result.get("skipped")
    ]
    assert told[0] == "par-cas-01 to berlin/2010: broken: cookie"


def test_a_failed_installation_is_neither_restarted_nor_verified(berlin):
    run = berlin(slow_polls=99).run("upgrade.yml", "-e", "exchange_poll_retries=2")
    assert run.rc != 0
    assert {call["module"] for call in run.farm["calls"]} == {
        "exchange_server_facts",
        "exchange_rollup",
    }


def test_an_unknown_host_stops_the_step_before_anything_is_read(berlin):
    stage = berlin()
    text = (stage.folder / "hosts.yml").read_text().replace("mad-cas-01:", "mad-cas-99:")
    (stage.folder / "hosts.yml").write_text(text)
    run = stage.run("upgrade.yml")
    assert run.rc != 0
    assert run.farm["calls"] == []


def test_redirection_is_on_only_when_a_probe_has_seen_it(stage, make_server):
    proxied = {"as_expected": False, "outcome": "proxied", "why": "proxied (3 of 3 tries)"}
    stage.set_farm(
        make_server("mad-cas-01"),
        make_server("rom-cas-01"),
        probes={ROME: [proxied, REDIRECT]},
    )
    run = stage.run("enable-redirection.yml")
    assert run.rc == 0, run.messages("mad-cas-01") + run.messages("localhost")
    (probe, again) = run.calls("owa_probe")
    assert probe == again
    assert probe["redirect_url"] == "https://mail-madrid.contoso.example/owa"


def test_read_state_asks_every_server(stage, make_server):
    names = {"par-cas-01", "ber-cas-01", "ber-cas-02", "mad-cas-01", "rom-cas-01"}
    stage.set_farm(*(make_server(name) for name in names))
    run = stage.run("read_state.yml")
    assert run.rc == 0
    read = {host for name, host, _ in run.results if name == "Read Exchange server state"}
    assert read == names
    assert {call["target"] for call in run.calls("exchange_server_facts")} == names


OLD = "8.3.245.2"
NEW = "8.3.264.0"
FROM_PARIS = "par-cas-01 probe-berlin-2007@contoso.example"


@pytest.fixture
def folders(stage, make_server, good_probe):
    """Sets the farm of the example that copies a version folder."""

    def build(**origin):
        stage.set_farm(
            make_server("ber-cas-01", build=OLD, **{"owa_version_folders": [OLD], **origin}),
            make_server("par-cas-01", build=NEW, owa_version_folders=[NEW]),
            make_server("rom-cas-01", build=NEW, owa_version_folders=[NEW, OLD]),
            probes={FROM_PARIS: [good_probe]},
        )
        return stage

    return build


def test_a_version_folder_comes_to_each_server_that_lacks_it_and_once(folders):
    stage = folders()
    first = stage.run("copy-owa-resources.yml")
    assert first.rc == 0, first.messages("par-cas-01") + first.messages("localhost")
    assert first.farm["servers"]["par-cas-01"]["owa_version_folders"] == [NEW, OLD]
    assert first.stats["par-cas-01"]["changed"] == 1
    assert first.stats["rom-cas-01"]["changed"] == 0
    (told,) = [
        item["msg"]
        for name, host, result in first.results
        if "files come from" in name and host == "par-cas-01"
        for item in result["results"]
    ]
    assert told == f"owa\\{OLD} came from ber-cas-01, 3 files"
    assert [call["source"] for call in first.calls("owa_probe")] == ["par-cas-01"]
    assert stage.run("copy-owa-resources.yml").changed() == 0


def test_check_mode_copies_nothing_and_says_from_where_it_would(folders):
    run = folders().run("copy-owa-resources.yml", "--check")
    assert run.rc == 0, run.messages("par-cas-01") + run.messages("localhost")
    assert run.farm["servers"]["par-cas-01"]["owa_version_folders"] == [NEW]
    assert any("would come from ber-cas-01" in str(result) for _, _, result in run.results)
