"""A machine brought to the present: rollups, services, restarts."""

from __future__ import annotations

import json

import pytest

from orchestrator.lab.builds import parse_build
from orchestrator.lab.farm import Server
from orchestrator.lab.machine import FATAL, KEPT_EVENTS, WEB_SERVICE, Event, Machine, Task, restore
from orchestrator.lab.machine import fresh as fresh_machine

BASE, RU1, RU2 = (parse_build(text) for text in ("14.2.247.5", "14.2.283.3", "14.2.298.4"))


@pytest.fixture
def machine() -> Machine:
    server = Server(
        name="a",
        site="s",
        base=BASE,
        rollups=(RU1,),
        internal_url="",
        external_url="",
        powershell="2.0",
        redirect_type="Manual",
        roles=("ClientAccess",),
        dag="",
        free_disk_mb=1,
        automatic_updates="disabled",
    )
    return fresh_machine(server, now=1000.0)


def _task(action: str = "present", exit_code: int = 0) -> Task:
    return Task(action, str(RU2), 1000.0, 1010.0, exit_code, "log")


def test_an_installation_takes_iis_away_and_gives_it_back(machine: Machine) -> None:
    assert machine.serves_web(1000.0)
    machine.start_task(_task())
    assert not machine.settle(1009.0)
    assert not machine.serves_web(1009.0)
    assert machine.up(1009.0)
    assert machine.build == RU1
    assert machine.settle(1010.0)
    assert machine.serves_web(1010.0)
    assert machine.build == RU2
    assert machine.services["MSExchangePOP3"].state == "Stopped"


def test_removals_uncover_what_is_underneath(machine: Machine) -> None:
    machine.rollups.append(RU2)
    machine.start_task(_task("absent"))
    machine.settle(1010.0)
    assert machine.build == RU1
    machine.start_task(Task("absent", str(RU1), 1010.0, 1020.0, 0, "log"))
    machine.settle(1020.0)
    assert machine.build == BASE


def test_a_failure_changes_no_build_and_disables_services(machine: Machine) -> None:
    machine.start_task(_task(exit_code=FATAL))
    machine.settle(1010.0)
    assert machine.build == RU1
    assert machine.services[WEB_SERVICE].start_mode == "Disabled"
    machine.schedule_restart(1020.0, 5.0)
    machine.settle(1030.0)
    assert not machine.serves_web(1030.0)


def test_a_restart_takes_its_time_and_completes_the_rollup(machine: Machine) -> None:
    machine.start_task(_task(exit_code=3010))
    machine.settle(1010.0)
    assert machine.pending_restart
    machine.schedule_restart(1020.0, 5.0)
    machine.settle(1019.0)
    assert machine.up(1019.0)
    machine.settle(1020.0)
    assert not machine.up(1024.0)
    assert machine.up(1025.0)
    assert machine.boot_time == 1025.0
    assert not machine.pending_restart


def test_a_restart_cuts_the_installer_off(machine: Machine) -> None:
    machine.start_task(_task())
    machine.schedule_restart(1005.0, 1.0)
    machine.settle(1006.0)
    assert machine.build == RU1
    assert machine.result is not None
    assert machine.result.exit_code == FATAL


def test_saved_and_restored_it_is_the_same(machine: Machine) -> None:
    machine.start_task(_task())
    machine.record(Event(1.0, "MSExchange OWA", 46, "Error", "Proxy", "text"))
    again = restore(machine.server, json.loads(json.dumps(machine.dump())))
    assert again == machine


def test_the_log_keeps_the_newest(machine: Machine) -> None:
    for number in range(KEPT_EVENTS + 5):
        machine.record(Event(float(number), "x", 1, "Error", "y", ""))
    assert len(machine.events) == KEPT_EVENTS
    assert machine.events[-1].time == KEPT_EVENTS + 4


def test_a_service_pack_takes_the_rollups_away_and_stays(machine: Machine) -> None:
    sp3 = parse_build("14.3.123.4")
    machine.start_task(Task("present", str(sp3), 1000.0, 1010.0, 0, "log"))
    machine.settle(1010.0)
    assert (machine.build, machine.base, machine.rollups) == (sp3, sp3, [])
    again = restore(machine.server, json.loads(json.dumps(machine.dump())))
    assert again.stack == [sp3]
