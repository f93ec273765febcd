"""What a simulated server logs is what Windows would have logged of the same traffic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from defusedxml.ElementTree import parse

from orchestrator.lab.lab import Lab

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .conftest import Browse

EVENT = "{http://schemas.microsoft.com/win/2004/08/events/event}"


def iis(lab: Lab, server: str) -> list[dict[str, str]]:
    """The lines of a server's IIS log, by field."""
    (path,) = (lab.store.folder / "servers" / server / "W3SVC1").glob("u_ex??????.log")
    lines = path.read_text().splitlines()
    fields = next(line for line in lines if line.startswith("#Fields: ")).split()[1:]
    return [dict(zip(fields, x.split(), strict=True)) for x in lines if not x.startswith("#")]


def test_the_target_logs_the_source_and_the_source_logs_the_user(lab: Lab, browse: Browse) -> None:
    assert browse("mad-cas-01", "rome-2010").status == 200
    proxied = iis(lab, "rom-cas-01")
    assert [(row["cs-method"], row["cs-uri-stem"], row["sc-status"]) for row in proxied] == [
        ("POST", "/owa/proxyLogon.owa", "241"),
        ("GET", "/owa/", "200"),
    ]
    own = iis(lab, "mad-cas-01")
    madrid = {row["s-ip"] for row in own}
    assert {row["c-ip"] for row in proxied} == madrid
    assert {row["cs-username"] for row in proxied} == {"CONTOSO\\MAD-CAS-01$"}
    # The browser's name is passed through, so it tells users from servers nowhere.
    assert {row["cs(User-Agent)"] for row in (*proxied, *own)} == {"browser"}
    assert [(row["cs-uri-stem"], row["cs-username"]) for row in own] == [
        ("/owa/auth.owa", "-"),
        ("/owa/", "CONTOSO\\probe-rome-2010"),
    ]
    assert not {row["c-ip"] for row in own} & {lab.farm.address(name) for name in lab.farm.servers}


def test_a_broken_path_is_an_accepted_log_on_at_the_target_and_an_event_at_the_source(
    lab: Lab, farm_file: Path, browse: Browse
) -> None:
    assert browse("par-cas-01", "berlin-2010").status == 500
    log_on = [row for name in ("ber-cas-01", "ber-cas-02") for row in _iis_if_any(lab, name)]
    assert [(row["cs-uri-stem"], row["sc-status"]) for row in log_on] == [
        ("/owa/proxyLogon.owa", "241")
    ]
    assert iis(lab, "par-cas-01")[-1]["sc-status"] == "500"
    lab.stop()
    path = lab.store.folder / "servers" / "par-cas-01" / "Application.xml"
    (event,) = parse(path).getroot()
    system = event.find(f"{EVENT}System")
    assert system is not None
    assert system.findtext(f"{EVENT}EventID") == "4999"
    assert system.find(f"{EVENT}Provider").attrib == {"Name": "MSExchange Common"}  # type: ignore[union-attr]
    assert system.findtext(f"{EVENT}Computer") == "par-cas-01.contoso.example"
    parts = [data.text for data in event.iterfind(f"{EVENT}EventData/{EVENT}Data")]
    assert "M.E.C.O.C.ProxyUtilities.UpdateProxyUserContextIdFromResponse" in parts
    message = event.findtext(f"{EVENT}RenderingInfo/{EVENT}Message") or ""
    assert message.startswith("Watson report about to be sent for process id: ")
    assert message.endswith(f"{', '.join(str(part) for part in parts[1:])}.")
    # After a kill the logs are made from what was saved.
    path.unlink()
    with Lab(farm_file, lab.store.folder):
        pass
    assert parse(path).getroot()[0].findtext(f"{EVENT}System/{EVENT}EventID") == "4999"


def test_the_facts_name_addresses_and_logs(lab: Lab, module: Callable[..., dict[str, Any]]) -> None:
    facts = module("exchange_server_facts", target="ber-cas-71", scope="inventory")
    berlin = facts["exchange_server"]
    assert berlin["ip_addresses"] == [lab.farm.address("ber-cas-71")]
    assert berlin["iis_log_directory"] == r"C:\inetpub\logs\LogFiles"
    assert [row["protocol"] for row in berlin["all_virtual_directories"]] == [
        *("owa", "eas", "ews", "oab")
    ]
    assert berlin["all_virtual_directories"][0]["cross_site_redirect_type"] is None
    assert [(row["kind"], row["build"]) for row in berlin["rollups"]] == [("rollup", "8.3.245.2")]
    usual = module("exchange_server_facts", target="par-cas-01")["exchange_server"]
    assert (usual["all_virtual_directories"], usual["ip_addresses"]) == (None, None)


def test_a_windows_host_without_exchange_says_so(module: Callable[..., dict[str, Any]]) -> None:
    answer = module("exchange_server_facts", target="mgmt-north")
    assert answer["failed"] is True
    assert "no installation of Exchange" in answer["msg"]


def _iis_if_any(lab: Lab, server: str) -> list[dict[str, str]]:
    return iis(lab, server) if (lab.store.folder / "servers" / server).exists() else []
