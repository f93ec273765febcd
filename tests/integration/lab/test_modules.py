"""The modules by meaning: what they change, refuse, and report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.lab.lab import Lab

    from .conftest import Play

    Module = Callable[..., dict[str, Any]]

RU1, RU2 = "14.2.283.3", "14.2.298.4"
GOAL = "https://mail-madrid.contoso.example/owa"


def test_a_rollup_from_check_mode_to_restart_with_ansible(lab: Lab, play: Play) -> None:
    package = {**lab.package(RU2), "target": "par-cas-01", "state": "present"}
    ran = play(
        "mgmt-north",
        [
            {"name": "would", "exchange_rollup": package, "check_mode": True, "diff": True},
            {"name": "begin", "exchange_rollup": {**package, "wait_seconds": 0}},
            {
                "name": "finish",
                "exchange_rollup": package,
                "register": "rollup",
                "until": "rollup is failed or rollup.finished",
                "retries": 10,
                "delay": 1,
            },
            {"name": "again", "exchange_rollup": package},
            {"name": "restart", "exchange_restart": {"target": "par-cas-01"}},
            {"name": "health", "exchange_service_health": {"target": "par-cas-01"}},
            {"name": "facts", "exchange_server_facts": {"target": "par-cas-01"}},
        ],
    )
    would = ran.result("would")
    assert would["changed"] is True
    assert (would["before"]["build"], would["after"]["build"]) == (RU1, RU2)
    assert ran.result("begin")["finished"] is False
    finish = ran.result("finish")
    assert (finish["changed"], finish["finished"], finish["exit_code"]) == (True, True, 3010)
    assert (finish["before"]["build"], finish["after"]["build"]) == (RU1, RU2)
    assert finish["restart_required"] is True
    assert ran.result("again")["changed"] is False
    restart = ran.result("restart")
    assert restart["before"]["last_boot_time"] < restart["after"]["last_boot_time"]
    assert ran.result("health")["healthy"] is True
    facts = ran.result("facts")["exchange_server"]
    assert facts["pending_restart"] is False
    assert [row["build"] for row in facts["rollups"]] == [RU1, RU2]
    assert facts["admin_display_version"] == "Version 14.2 (Build 247.5)"
    assert facts["services"][0].keys() == {"name", "start_mode", "state", "required"}


def test_removing_a_rollup_leaves_what_is_underneath(lab: Lab, module: Module) -> None:
    lab.set("install_seconds=0")
    module("exchange_rollup", target="par-cas-01", **lab.package(RU2))
    code = lab.package(RU2)["patch_code"]
    absent = {"target": "par-cas-01", "state": "absent", "build": RU2, "patch_code": code}
    result = module("exchange_rollup", **absent)
    assert (result["changed"], result["after"]["build"]) == (True, RU1)
    assert lab.rollups("par-cas-01") == [RU1]
    assert module("exchange_rollup", **absent)["changed"] is False


def test_packages_that_are_refused_change_nothing(lab: Lab, module: Module) -> None:
    def refused(server: str, **changed: str) -> str:
        result = module("exchange_rollup", target=server, **{**lab.package(RU2), **changed})
        assert result["failed"] is True
        return str(result["msg"])

    assert "another service pack" in refused("lis-cas-71")
    assert "was altered" in refused("par-cas-01", sha256="0" * 64)
    assert "not exist" in refused("par-cas-01", path=r"\\files\nothing.msp")
    assert "patch code" in refused("par-cas-01", patch_code="{0}")
    assert "brings build" in refused("par-cas-01", build="14.2.309.2")
    lab.set(f"package.{RU2}=altered")
    assert "was altered" in refused("par-cas-01")
    lab.set(f"package.{RU2}=missing")
    assert "not exist" in refused("par-cas-01")
    assert lab.build("par-cas-01") == RU1
    assert lab.build("lis-cas-71") == "8.3.245.2"


def test_an_older_rollup_is_not_put_over_a_newer_one(lab: Lab, module: Module) -> None:
    lab.set("install_seconds=0")
    module("exchange_rollup", target="ber-cas-01", **lab.package(RU2))
    result = module("exchange_rollup", target="ber-cas-01", **lab.package(RU1))
    assert "newer than" in result["msg"]


def test_a_failed_installer_leaves_services_disabled_until_repaired(
    lab: Lab, module: Module
) -> None:
    lab.set("install_seconds=0")
    lab.set("install.ber-cas-01=fails")
    result = module("exchange_rollup", target="ber-cas-01", **lab.package(RU2))
    assert (result["failed"], result["exit_code"]) == (True, 1603)
    assert lab.build("ber-cas-01") == "14.2.247.5"
    assert module("exchange_service_health", target="ber-cas-01")["healthy"] is False
    would = module("exchange_service_health", check_mode=True, target="ber-cas-01", state="started")
    assert (would["changed"], would["healthy"]) == (True, True)
    assert module("exchange_service_health", target="ber-cas-01")["healthy"] is False
    done = module("exchange_service_health", target="ber-cas-01", state="started")
    assert (done["changed"], done["healthy"]) == (True, True)
    left_alone = [row for row in done["after"]["services"] if not row["required"]]
    assert {row["state"] for row in left_alone} == {"Stopped"}


def test_a_foreign_installer_means_waiting(lab: Lab, module: Module) -> None:
    lab.set("install_seconds=0")
    lab.set("install.ber-cas-01=busy")
    result = module("exchange_rollup", target="ber-cas-01", **lab.package(RU2))
    assert (result["finished"], result["exit_code"], result["changed"]) == (False, 1618, False)
    facts = module("exchange_server_facts", target="ber-cas-01")["exchange_server"]
    assert facts["installer_running"] is True
    lab.set("install.ber-cas-01=ok")
    assert module("exchange_rollup", target="ber-cas-01", **lab.package(RU2))["finished"] is True


def test_addresses_query_check_set_drift_clear(lab: Lab, module: Module) -> None:
    name = "exchange_virtual_directory"
    query = module(name, target="mad-cas-01")
    assert query["changed"] is False
    assert query["before"] == {
        "identity": "MAD-CAS-01\\owa (Default Web Site)",
        "internal_url": "https://mad-cas-01.contoso.example/owa",
        "external_url": None,
    }
    goal = {"target": "mad-cas-01", "external_url": GOAL, "expected_external_url": ""}
    would = module(name, check_mode=True, **goal)
    assert (would["changed"], would["after"]["external_url"]) == (True, GOAL)
    assert lab.external_url("mad-cas-01") == ""
    assert module(name, **goal)["changed"] is True
    assert module(name, **goal)["changed"] is False
    drift = module(
        name,
        target="mad-cas-01",
        external_url="",
        expected_external_url="https://other.example/owa",
    )
    assert (drift["failed"], drift["drift"]) == (True, True)
    assert GOAL in drift["msg"]
    assert "https://other.example/owa" in drift["msg"]
    assert lab.external_url("mad-cas-01") == GOAL
    cleared = module(name, target="mad-cas-01", external_url="", expected_external_url=GOAL)
    assert cleared["after"]["external_url"] is None
    assert lab.external_url("mad-cas-01") == ""


def test_domain_controllers_of_other_sites_know_later(lab: Lab, module: Module) -> None:
    lab.set("propagation_seconds.rome=600")
    name = "exchange_virtual_directory"
    module(
        name, target="mad-cas-01", external_url=GOAL, domain_controller="dc-madrid.contoso.example"
    )

    def seen(site: str) -> str | None:
        controller = f"dc-{site}.contoso.example"
        result = module(name, target="mad-cas-01", domain_controller=controller)
        address: str | None = result["before"]["external_url"]
        return address

    assert seen("madrid") == GOAL
    assert seen("rome") is None
    facts = module(
        "exchange_server_facts", target="mad-cas-01", domain_controller="dc-rome.contoso.example"
    )
    assert facts["exchange_server"]["virtual_directories"]["owa"]["external_url"] is None
    failed = module(name, target="mad-cas-01", domain_controller="dc-oslo.contoso.example")
    assert "could not be contacted" in failed["msg"]


def test_events_are_those_of_proxying_since_a_moment(
    lab: Lab, module: Module, browse: Callable[..., object]
) -> None:
    browse("par-cas-01", "berlin-2010")
    facts = module("exchange_server_facts", target="par-cas-01.contoso.example")["exchange_server"]
    event = facts["events"][-1]
    assert (event["id"], event["source"], event["log"]) == (
        4999,
        "MSExchange Common",
        "Application",
    )
    later = module(
        "exchange_server_facts", target="par-cas-01", events_since="2999-01-01T00:00:00Z"
    )
    assert later["exchange_server"]["events"] == []
    wrong = module("exchange_server_facts", target="par-cas-01", events_since="yesterday")
    assert "ISO 8601" in wrong["msg"]


def test_a_target_that_is_off_cannot_be_reached(lab: Lab, module: Module) -> None:
    lab.set("power.ber-cas-02=off")
    assert (
        "accessible over the network"
        in module("exchange_service_health", target="ber-cas-02")["msg"]
    )


def test_restart_is_not_for_the_machine_it_runs_on(module: Module) -> None:
    assert "win_reboot" in module("exchange_restart", target="mgmt-north")["msg"]
