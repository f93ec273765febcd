"""What each role does and refuses: one run per role, one host per scenario."""

from __future__ import annotations

import pytest

RU1, RU2, RTM = "14.2.283.3", "14.2.298.4", "14.2.247.5"
TOO_OLD = (
    'This module cannot run as it requires a minimum PowerShell version of 5.1, actual was "2.0"'
)
PACKAGES = {
    RU1: {"path": "C:\\ru1.msp", "sha256": "00", "patch_code": "{RU1}"},
    RU2: {"path": "C:\\ru2.msp", "sha256": "00", "patch_code": "{RU2}"},
}
MADRID = "https://mail-madrid.contoso.example/owa"


@pytest.fixture(scope="module")
def precheck(make_stage, make_server):
    servers = [
        make_server("fine"),
        make_server("unreadable", unreadable="no route to host."),
        make_server("too-old", unreadable=TOO_OLD),
        make_server("mgmt-too-old", unreadable=TOO_OLD),
        make_server("moved", build=RU2),
        make_server("mailbox", roles=["ClientAccess", "Mailbox"], dag_member=True),
        make_server("pending", pending_restart=True),
        make_server("full", free_disk_mb=10),
        make_server("done-but-pending", build=RU1, pending_restart=True),
        make_server("cut-off", pending_restart=True),
        make_server("soon-idle", busy_reads=2, installer_running=True),
        make_server("busy", installer_running=True),
        make_server("updating", automatic_updates="install"),
        make_server("removal-cut-off", build="14.2.100.1"),
        make_server("other-service-pack", build="14.1.218.15"),
    ]
    hosts = {one["name"].lower(): {} for one in servers}
    hosts["too-old"] = {"exchange_management_host": "too-old"}
    hosts["lost"] = {"exchange_management_host": "nowhere"}
    for name in ("removal-cut-off", "other-service-pack", "cut-off"):
        hosts[name] = {"kind": "downgrade"}
    stage = make_stage()
    stage.set_hosts(hosts)
    stage.set_farm(*servers)
    step = {
        "id": "x",
        "kind": "{{ kind | default('upgrade') }}",
        "from_build": RTM,
        "to_build": RU1,
    }
    stage.set_play(
        "precheck.yml",
        "exchange_precheck",
        exchange_step=step,
        # Text, as a number given with -e is.
        exchange_precheck_installer_retries="2",
    )
    return stage.run("precheck.yml")


@pytest.mark.parametrize(
    ("host", "message"),
    [
        ("lost", "exchange_management_host is nowhere, which is not in the inventory."),
        ("unreadable", "cannot be read through mgmt: no route to host. Check name, remoting"),
        ("too-old", f"{TOO_OLD}. "),
        ("mgmt-too-old", f"{TOO_OLD}. The management host needs PowerShell 5.1"),
        ("moved", f"runs {RU2}, this step was planned for {RTM} or {RU1}. Somebody else"),
        ("mailbox", "ClientAccess, Mailbox and is a member of a database availability group"),
        ("pending", "waits for a restart from before this step. Restart it, or set"),
        ("full", "has 10 MiB free, 3072 are needed (exchange_precheck_free_disk_mb)."),
        ("busy", "Windows Installer has been busy for 0 seconds. Wait until it has ended"),
        ("other-service-pack", f"runs 14.1.218.15, this step was planned for {RTM} or {RU1}"),
    ],
)
def test_precheck_refuses(precheck, host, message):
    (said,) = precheck.messages(host)
    assert said.startswith(host)
    assert message in said


@pytest.mark.parametrize(
    "host", ["fine", "done-but-pending", "cut-off", "soon-idle", "updating", "removal-cut-off"]
)
def test_precheck_lets_pass(precheck, host):
    assert precheck.messages(host) == []
    assert precheck.stats[host]["failures"] == 0


def test_precheck_reports_automatic_updates_and_changes_nothing(precheck):
    said = [h for name, h, r in precheck.results if "may install updates" in str(r.get("msg"))]
    assert said == ["updating"]
    assert precheck.changed() == 0
    assert {call["module"] for call in precheck.farm["calls"]} == {"exchange_server_facts"}


def precheck_of_first(stage, peers, minimum, **more):
    """The precheck of an upgrade of ber-cas-01, the others of its pool staying."""
    stage.set_hosts({"ber-cas-01": {}, **{name: {"elsewhere": True} for name in peers}})
    step = {
        "id": "x",
        "kind": "upgrade",
        "site": "berlin",
        "product_line": "2010",
        "from_build": RTM,
        "to_build": RU1,
        "peers": peers,
        "minimum_in_service": minimum,
        **more,
    }
    stage.set_play("precheck.yml", "exchange_precheck", exchange_step=step)
    return stage.run("precheck.yml", "--limit", "ber-cas-01")


@pytest.mark.parametrize(("minimum", "refused"), [(1, False), (2, True), (0, False)])
def test_precheck_keeps_the_pool_at_its_minimum(stage, make_server, minimum, refused):
    stopped = {"name": "W3SVC", "start_mode": "Auto", "state": "Stopped", "required": True}
    stage.set_farm(
        make_server("ber-cas-01"),
        make_server("ber-cas-02"),
        make_server("ber-cas-03", services=[stopped]),
        make_server("ber-cas-04", unreadable="no route to host."),
    )
    peers = ["ber-cas-02", "ber-cas-03", "ber-cas-04"]
    run = precheck_of_first(stage, peers, minimum)
    looked = [call["target"] for call in run.calls("exchange_service_health")]
    assert looked == (peers if minimum else [])
    assert {call.get("state") for call in run.calls("exchange_service_health")} <= {"query"}
    said = run.messages("ber-cas-01")
    assert bool(said) is refused
    if refused:
        assert "berlin/2010: 1 of its other servers have all required services running" in said[0]
        assert "Not in service: ber-cas-03, ber-cas-04." in said[0]


@pytest.mark.parametrize("minimum", [1, 0])
def test_precheck_keeps_every_balanced_name_at_its_minimum(stage, make_server, minimum):
    stopped = {"name": "W3SVC", "start_mode": "Auto", "state": "Stopped", "required": True}
    stage.set_farm(
        make_server("ber-cas-01"),
        make_server("ber-cas-02", services=[stopped]),
        make_server("ber-cas-03"),
    )
    peers = ["ber-cas-02", "ber-cas-03"]
    balanced = [
        {"name": "mail-b", "peers": ["ber-cas-03"], "minimum_in_service": 1},
        {"name": "mail-a", "peers": ["ber-cas-02"], "minimum_in_service": 1},
    ]
    run = precheck_of_first(stage, peers, minimum, balanced=balanced)
    said = " ".join(run.messages("ber-cas-01"))
    assert "mail-a: 0 of the other servers behind it have all required services running" in said
    assert "Not in service: ber-cas-02. Nothing was taken out of service." in said
    assert "mail-b" not in said


@pytest.fixture(scope="module")
def rollup(make_stage, make_server):
    """First and second run of installations and removals."""
    servers = [
        make_server("install", slow_polls=2),
        make_server("never-ends", slow_polls=99),
        make_server("no-package", build=RU2),
        make_server("exact", build=RU2, left=RU1),
        make_server("older-left", build=RU2, left=RTM),
        make_server("beneath", build=RU2, left=RU1),
        make_server("cut-off", build=RU2, left=RU1, pending_restart=True),
    ]
    up, down = {"kind": "upgrade", "goal": RU2}, {"kind": "downgrade", "goal": RU1}
    stage = make_stage()
    stage.set_hosts(
        {
            "install": up,
            "never-ends": up,
            "no-package": {"kind": "upgrade", "goal": "14.2.309.2"},
            "exact": down,
            "older-left": down,
            "beneath": {"kind": "downgrade", "goal": RTM},
            "cut-off": down,
        }
    )
    stage.set_farm(*servers)
    step = {"id": "x", "kind": "{{ kind }}", "to_build": "{{ goal }}", "packages": PACKAGES}
    stage.set_play(
        "rollup.yml", "exchange_rollup", exchange_step=step, exchange_rollup_poll_retries="4"
    )
    changed = "install,exact,older-left,beneath,cut-off"
    return stage.run("rollup.yml"), stage.run("rollup.yml", "--limit", changed)


@pytest.mark.parametrize(
    ("host", "done", "build"),
    [
        ("install", [("present", RU2)] * 3, RU2),
        ("exact", [("absent", RU2)], RU1),
        ("older-left", [("absent", RU2), ("present", RU1)], RU1),
        ("beneath", [("absent", RU2), ("absent", RU1)], RTM),
        ("cut-off", [("absent", RU2)], RU1),
    ],
)
def test_rollup_ends_at_the_goal_and_stays_there(rollup, host, done, build):
    first, second = rollup
    calls = first.calls("exchange_rollup", host)
    assert [(call["state"], call["build"]) for call in calls] == done
    assert first.farm["servers"][host]["build"] == build
    assert second.stats[host]["changed"] == 0


def test_a_removal_begins_with_the_restart_the_server_waits_for(rollup):
    calls = [c["module"] for c in rollup[0].farm["calls"] if c.get("target") == "cut-off"]
    assert calls.index("exchange_restart") < calls.index("exchange_rollup")
    assert rollup[0].calls("exchange_restart", "exact") == []


def test_a_poll_repeats_the_same_arguments(rollup):
    calls = rollup[0].calls("exchange_rollup", "install")
    assert all(call == calls[0] for call in calls)


def test_an_installer_that_does_not_end_and_a_missing_package_are_told(rollup):
    (slow,) = rollup[0].messages("never-ends")
    assert f"never-ends: the installation of {RU2} has not ended after 4 looks" in slow
    assert "run this step again to attach to it" in slow
    (missing,) = rollup[0].messages("no-package")
    assert "no-package: the plan holds no package for build 14.2.309.2." in missing
    assert rollup[0].calls("exchange_rollup", "no-package") == []


@pytest.fixture(scope="module")
def health(make_stage, make_server):
    stopped = {"name": "W3SVC", "start_mode": "Auto", "state": "Stopped", "required": True}
    stage = make_stage()
    stage.set_hosts({"fine": {}, "stuck": {}, "wrong-build": {}})
    stage.set_farm(
        make_server("fine", build=RU2, starting_polls=1),
        make_server("stuck", build=RU2, services=[stopped]),
        make_server("wrong-build"),
    )
    step = {"id": "x", "kind": "upgrade", "to_build": RU2}
    stage.set_play("health.yml", "exchange_health", exchange_step=step, exchange_health_retries="2")
    return stage.run("health.yml")


def test_health_waits_for_services_and_insists_on_the_build(health):
    assert health.messages("fine") == []
    assert len(health.calls("exchange_service_health", "fine")) == 2
    assert "do not start by themselves: W3SVC. See" in health.messages("stuck")[0]
    assert (
        f"wrong-build runs {RTM} and not {RU2} after the step"
        in (health.messages("wrong-build")[0])
    )


@pytest.fixture(scope="module")
def redirection(make_stage, make_server):
    """First and second run of setting and clearing addresses."""

    def owa(url):
        return {"owa": {"identity": "x", "internal_url": None, "external_url": url}}

    stage = make_stage()
    stopped = {"name": "W3SVC", "start_mode": "Auto", "state": "Stopped", "required": True}
    goals = {"set": MADRID, "late": MADRID, "drift": MADRID, "back": "", "aimless": None}
    goals["sick"] = MADRID
    prior = {"back": {"external_url": MADRID}, "set": {"external_url": None}}
    hosts = {name: {"dcs": {}} for name in [*goals, "unrecorded"]}
    hosts["set"] = hosts["late"] = {"dcs": {"madrid": "mad-dc", "rome": "rom-dc"}}
    stage.set_hosts(hosts)
    stage.set_farm(
        make_server("set", replicas={"rom-dc": 2}),
        make_server("late", replicas={"rom-dc": 99}),
        make_server("drift", virtual_directories=owa("https://else.example/owa")),
        make_server("back", virtual_directories=owa(MADRID)),
        make_server("aimless"),
        make_server("unrecorded"),
        make_server("sick", services=[stopped]),
    )
    step = {
        "id": "x",
        "kind": "enable-redirection",
        "site": "madrid",
        "protocols": ["owa"],
        "prior": {**{name: {"external_url": ""} for name in goals}, **prior},
        "new": {name: {"external_url": url} for name, url in goals.items() if url is not None},
        "domain_controllers": "{{ dcs }}",
    }
    stage.set_play(
        "redirection.yml",
        "exchange_redirection",
        exchange_step=step,
        exchange_redirection_settle_retries="4",
    )
    return stage.run("redirection.yml"), stage.run("redirection.yml", "--limit", "set,back")


def test_redirection_is_written_at_home_and_awaited_everywhere(redirection):
    first, second = redirection
    write, *reads = first.calls("exchange_virtual_directory", "set")
    assert write["external_url"] == MADRID
    assert write["expected_external_url"] == ""
    assert write["domain_controller"] == "mad-dc"
    assert [call["domain_controller"] for call in reads] == ["mad-dc"] + ["rom-dc"] * 3
    assert all("external_url" not in call for call in reads)
    assert first.stats["set"]["changed"] == 1
    looks = first.calls("exchange_service_health", "set")
    assert [look.get("state", "query") for look in looks] == ["query", "query"]
    assert second.stats["set"]["changed"] == 0


def test_redirection_is_taken_back_to_what_was_recorded(redirection):
    (call,) = redirection[0].calls("exchange_virtual_directory", "back")
    assert (call["external_url"], call["expected_external_url"]) == ("", MADRID)
    assert "domain_controller" not in call
    assert redirection[1].stats["back"]["changed"] == 0


@pytest.mark.parametrize(
    ("host", "message"),
    [
        ("late", f"rome (rom-dc) still reads another external address than {MADRID}."),
        ("drift", "drift"),
        ("sick", "before the address is set these services do not run or do not start by themsel"),
        ("aimless", "does not say what the external address is to be"),
        ("unrecorded", "does not say what the external address was before"),
    ],
)
def test_redirection_refuses(redirection, host, message):
    (said,) = redirection[0].messages(host)
    assert message in said


def test_drift_and_missing_values_leave_everything_alone(redirection):
    servers = redirection[0].farm["servers"]
    drifted = servers["drift"]["virtual_directories"]["owa"]["external_url"]
    assert drifted == "https://else.example/owa"
    for name in ("aimless", "unrecorded", "sick"):
        assert redirection[0].calls("exchange_virtual_directory", name) == []


def event(number, source="MSExchange OWA"):
    return {"time_utc": "2012-04-23T20:15:00Z", "source": source, "id": number, "message": "text"}


@pytest.fixture(scope="module")
def verify(make_stage, make_server, good_probe):
    """A scenario's probes go through two sources, the second named after the scenario."""
    broken = {"as_expected": False, "outcome": "broken", "why": "broken: cookie (12 of 12 tries)"}
    silent = {"as_expected": False, "outcome": "unavailable", "why": "unavailable"}
    proxied = {"as_expected": False, "outcome": "proxied", "why": "proxied (3 of 3 tries)"}
    unable = {"failed": True, "msg": "ca_path: cannot read certificates from /x"}
    away = {"as_expected": True, "outcome": "redirected", "why": "as expected: redirected 3"}
    scenarios = {
        "fine": [good_probe],
        "refused": [broken],
        "pilot-46": [good_probe],
        "excused-46": [good_probe],
        "plain-46": [good_probe],
        "watson": [good_probe],
        "warming-up": [silent, silent, good_probe],
        "unable": [unable],
        "settling": [proxied, proxied, away],
        "settling-broken": [proxied, broken, away],
    }
    events = {name: [event(46)] for name in ("refused", "pilot-46", "excused-46", "plain-46")}
    events["watson"] = [event(4999, "MSExchange Common")] * 2
    more = {
        "refused": {"pilot": True},
        "pilot-46": {"pilot": True, "may_break": True},
        "excused-46": {"may_break": True},
        "settling": {"kind": "enable-redirection"},
        "settling-broken": {"kind": "enable-redirection"},
    }
    stage = make_stage()
    stage.set_hosts(
        {"front": {"ansible_host": "10.0.0.7"}, **{name: more.get(name, {}) for name in scenarios}}
    )
    stage.set_farm(
        make_server("front"),
        *(make_server(name, events=events.get(name, [])) for name in scenarios),
        probes={f"front for-{name}": [good_probe] for name in scenarios}
        | {f"{name} for-{name}": answers for name, answers in scenarios.items()},
    )
    common = {
        "target_site": "berlin",
        "target_product_line": "2010",
        "mailbox": "for-{{ inventory_hostname }}",
        "password_host": "{{ inventory_hostname }}",
        "expect": ["proxied"],
    }
    own = {"sources": ["{{ inventory_hostname }}"], "may_break": "{{ may_break | default(false) }}"}
    step = {
        "id": "s1",
        "kind": "{{ kind | default('upgrade') }}",
        "pilot": "{{ pilot | default(false) }}",
        "source_urls": dict.fromkeys(["front", *scenarios], "https://balanced.example:4443/owa/"),
        "probes": [{**common, "sources": ["front"]}, {**common, **own}],
    }
    stage.set_play("verify.yml", "exchange_verify", exchange_step=step)
    play = stage.folder / "verify.yml"
    play.write_text(play.read_text().replace("hosts: exchange", "hosts: exchange:!front"))
    return stage.run("verify.yml")


def test_verify_goes_to_the_server_itself_and_asks_for_the_name_in_its_url(verify):
    calls = [call for call in verify.calls("owa_probe") if call["source"] == "front"]
    assert {(call["url"], call["host_name"]) for call in calls} == {
        ("https://10.0.0.7:4443/owa/", "balanced.example")
    }


@pytest.mark.parametrize("host", ["fine", "excused-46", "watson", "warming-up", "settling"])
def test_verify_is_content_with(verify, host):
    assert verify.messages(host) == []


@pytest.mark.parametrize(
    ("host", "parts"),
    [
        (
            "refused",
            [
                "pilot step s1: 1 of 2 probes not as expected, refused refused by version",
                "refused to berlin/2010 as for-refused: broken: cookie (12 of 12 tries)",
                "refused logged event 46 of MSExchange OWA (1 times, last at 2012-04-23T20:15:00Z)",
            ],
        ),
        ("pilot-46", ["pilot step s1: 0 of 2 probes", "pilot-46 refused by version (event 46)"]),
        ("plain-46", ["step s1: 0 of 2 probes", "plain-46 refused by version (event 46)"]),
        ("unable", ["1 of 2 probes", "as for-unable: ca_path: cannot read certificates"]),
        ("settling-broken", ["1 of 2 probes", "broken: cookie"]),
    ],
)
def test_verify_refuses(verify, host, parts):
    (said,) = verify.messages(host)
    for part in parts:
        assert part in said
    assert said.startswith("pilot") is (host in ("refused", "pilot-46"))


def test_verify_repeats_silence_and_settling_but_never_a_broken_answer(verify):
    probes = [call["source"] for call in verify.calls("owa_probe")]
    times = {name: probes.count(name) for name in ("fine", "refused", "warming-up")}
    assert times == {"fine": 1, "refused": 1, "warming-up": 3}
    assert (probes.count("settling"), probes.count("settling-broken")) == (3, 2)


def test_verify_tells_an_event_once_per_source(verify):
    told = {
        host: result["msg"]
        for name, host, result in verify.results
        if "Report events" in name and not result.get("skipped")
    }
    (line,) = told["watson"]
    assert line.startswith("watson logged event 4999 of MSExchange Common (2 times, last at 2012-")
    assert "fine" not in told


OLD_2007, NEW_2007 = "8.3.245.2", "8.3.264.0"


@pytest.fixture(scope="module")
def owa_resources(make_stage, make_server):
    names = ("gets", "peer", "nobody", "shares", "loses", "left")
    servers = [make_server(name, owa_version_folders=[NEW_2007]) for name in names]
    servers += [make_server(n, owa_version_folders=[OLD_2007]) for n in ("origin.example", "kept")]
    servers[4]["loses_folders"] = True
    hosts = {name: {} for name in (*names, "kept")}
    hosts["origin"] = {"exchange_server_name": "origin.example"}
    for name in ("nobody", "shares", "left"):
        hosts[name] = {"origins": ["peer"]}
    hosts["shares"]["exchange_owa_resources"] = "D:\\owa"
    hosts["left"]["more"] = {"servers": ["left", "nobody"], "if_nobody_has_it": "leave"}
    stage = make_stage()
    stage.set_hosts(hosts)
    stage.set_farm(*servers)
    folder = {"build": OLD_2007, "origins": "{{ origins | default(['origin']) }}"}
    step = {"id": "x", "owa_resources": ["{{ a_folder | combine(more | default({})) }}"]}
    stage.set_play("folders.yml", "exchange_owa_resources", a_folder=folder, exchange_step=step)
    return stage.run("folders.yml")


def test_a_folder_comes_from_a_server_by_the_name_exchange_knows(owa_resources):
    (call,) = owa_resources.calls("exchange_owa_resources", "gets")
    assert call["origins"] == ["origin.example"]
    assert owa_resources.farm["servers"]["gets"]["owa_version_folders"] == [NEW_2007, OLD_2007]
    assert owa_resources.stats["kept"]["changed"] == 0


def test_a_folder_nobody_has_is_refused_but_where_it_is_only_to_be_kept(owa_resources):
    failed = {host for host, stats in owa_resources.stats.items() if stats["failures"]}
    assert failed == {"nobody", "loses"}
    assert any(
        f"nobody has the files of {OLD_2007}" in str(result)
        for _, host, result in owa_resources.results
        if host == "nobody"
    )
    (call,) = owa_resources.calls("exchange_owa_resources", "left")
    assert call["origins"] == ["peer", "nobody"]


def test_a_folder_no_server_has_comes_from_the_place_the_inventory_names(owa_resources):
    (call,) = owa_resources.calls("exchange_owa_resources", "shares")
    assert call["share"] == "D:\\owa"
    assert OLD_2007 in owa_resources.farm["servers"]["shares"]["owa_version_folders"]


def test_a_server_that_loses_the_folder_again_is_refused(owa_resources):
    (said,) = owa_resources.messages("loses")
    assert f"has no folder ClientAccess\\owa\\{OLD_2007} after the step" in said
