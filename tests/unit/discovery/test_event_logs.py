"""Event logs: the documented event is found in every export, and nothing else is taken for it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from support import event_logs
from support.event_logs import COOKIE, COOKIE_LATER, COOKIE_PARTS, ISO, OTHER_WATSON
from support.evtx_writer import Written, write_evtx

from orchestrator.discovery.events.read import read_event_logs
from orchestrator.discovery.events.record import EventRecord
from orchestrator.discovery.events.signatures import METHOD, recognise
from orchestrator.discovery.evidence import EventEvidence, Evidence, Meaning
from orchestrator.model.build import Build

RU1 = Build(14, 2, 283, 3)
GERMAN = [
    "20.02.2012 08:15:02",
    "20.02.2012 08:16:00",
    "21.02.2012 09:00:00",
    "22.02.2012 00:00:00",
]
AMERICAN = [
    "2/20/2012 8:15:02 AM",
    "2/20/2012 8:16:00 AM",
    "2/21/2012 9:00:00 AM",
    "2/22/2012 1:00:00 PM",
]
FIRST = datetime(2012, 2, 20, 8, 15, 2, tzinfo=UTC)
COMMON, OWA = "MSExchange Common", "MSExchange OWA"


def write(folder: Path, content: str | bytes, name: str = "events.export") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def cookie(evidence: Evidence) -> EventEvidence:
    (event,) = [event for event in evidence.events if event.meaning is Meaning.COOKIE]
    return event


def codes(evidence: Evidence) -> list[str]:
    return [finding.code for finding in evidence.findings]


def record(message: str = COOKIE, provider: str = COMMON, event: int = 4999) -> EventRecord:
    return EventRecord(provider, event, "par-cas-01", "", message)


@pytest.mark.parametrize(
    "message", [COOKIE, COOKIE_LATER, COOKIE.replace("744", "1").replace("413", "x")]
)
def test_the_cookie_event_in_old_and_later_layouts(message: str) -> None:
    found = recognise(record(message))
    assert found is not None
    assert found.meaning is Meaning.COOKIE
    assert found.build in {RU1, Build(14, 3, 123, 4)}


@pytest.mark.parametrize(
    "other",
    [
        record(OTHER_WATSON),
        record(provider="MSExchange OWA"),
        record(provider="Application Error"),
        record(event=4998),
        record(event=1000, provider=OWA),
        record(provider="Service Control Manager", event=46),
    ],
)
def test_other_events_are_none_of_it(other: EventRecord) -> None:
    assert recognise(other) is None


def test_all_proxy_events_are_known_and_their_targets_read() -> None:
    for number in (39, 40, 41, 42, 43, 45, 46, 71):
        assert recognise(record("text", OWA, number)) is not None
    failed_over = recognise(record(event_logs.FAILED_OVER, OWA, 39))
    assert failed_over is not None
    assert failed_over.target == "ber-cas-01"
    by_parts = recognise(EventRecord(OWA, 71, "", "", "", ("par-cas-01", "BER-CAS-02")))
    assert by_parts is not None
    assert by_parts.target == "ber-cas-02"


def test_event_46_names_both_builds() -> None:
    found = recognise(record(event_logs.VERSION, OWA, 46))
    assert found is not None
    assert (found.target, found.build) == ("lis-cas-71", Build(8, 1, 240, 5))
    assert found.target_build == Build(8, 2, 176, 2)


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("clixml", event_logs.clixml()),
        ("clixml", event_logs.clixml().encode("utf-16")),
        ("xml", event_logs.xml()),
        ("xml", event_logs.xml(root=False)),
        ("xml", event_logs.xml(rendered=False)),
        ("xml", event_logs.xml().replace('"utf-8"', '"utf-16"').encode("utf-16")),
        ("csv", event_logs.csv(",", AMERICAN)),
        ("csv", event_logs.csv(";", GERMAN)),
        ("csv", event_logs.csv("\t", ISO).encode("utf-16")),
        ("csv", event_logs.viewer_csv(GERMAN).encode("cp1252")),
        ("text", event_logs.listed(GERMAN)),
        ("text", event_logs.listed(AMERICAN).encode("utf-16")),
        ("text", event_logs.wevtutil_text()),
    ],
)
def test_every_export_shows_the_same(tmp_path: Path, kind: str, content: str | bytes) -> None:
    path = write(tmp_path, content)
    evidence = read_event_logs([path])
    event = cookie(evidence)
    assert (event.server, event.sighting.count, event.builds) in {
        ("par-cas-01", 1, (RU1,)),
        ("the server of events.export", 1, (RU1,)),  # the Event Viewer's CSV names none
    }
    assert event.sighting.first is not None
    assert event.sighting.first.replace(microsecond=0) == FIRST
    assert event.sighting.place.file == str(path)
    assert event.sighting.place.line > 0
    (other,) = [event for event in evidence.events if event.meaning is Meaning.FAILED_OVER]
    assert other.targets == ("ber-cas-01",)
    (file,) = evidence.files
    assert (file.kind, file.records, file.matched) == (kind, 4, 2)
    assert set(codes(evidence)) <= {"CAS-W822"}


def test_evtx(tmp_path: Path) -> None:
    later = datetime(2012, 3, 1, 12, tzinfo=UTC)
    records = [
        Written(COMMON, 4999, COOKIE_PARTS, FIRST),
        Written("Service Control Manager", 7036, ["stopped"]),
        Written(OWA, 39, ["https://a/owa", "https://ber-cas-01.contoso.example/owa", "c", "d"]),
        *[Written(COMMON, 4999, COOKIE_PARTS, later)] * 30,
    ]
    evidence = read_event_logs([write_evtx(tmp_path / "Application.evtx", records)])
    event = cookie(evidence)
    assert (event.server, event.sighting.count, event.builds) == ("par-cas-01", 31, (RU1,))
    assert (event.sighting.first, event.sighting.last) == (FIRST, later)
    assert event.sighting.place.line == 1
    (file,) = evidence.files
    assert (file.kind, file.records, file.matched, file.skipped) == ("evtx", 33, 32, 0)
    assert evidence.findings == ()
    assert {(found.server, found.build) for found in evidence.builds} == {("par-cas-01", RU1)}


def test_an_evtx_cut_in_half_counts_what_is_there(tmp_path: Path) -> None:
    path = write_evtx(tmp_path / "a.evtx", [Written(COMMON, 4999, COOKIE_PARTS)] * 60)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    evidence = read_event_logs([path])
    assert cookie(evidence).sighting.count == 20
    (finding,) = evidence.findings
    assert finding.code == "CAS-W813"
    assert "3 chunks by its head, 1 and" in finding.message


@pytest.mark.parametrize("size", [20, 4000])
def test_an_evtx_without_a_whole_head_is_named(tmp_path: Path, size: int) -> None:
    path = write_evtx(tmp_path / "a.evtx", [Written(COMMON, 4999, COOKIE_PARTS)])
    path.write_bytes(path.read_bytes()[:size])
    evidence = read_event_logs([path])
    assert codes(evidence) == ["CAS-W812"]
    assert evidence.files[0].kind == ""


def test_damaged_records_are_counted_and_the_rest_is_read(tmp_path: Path) -> None:
    path = write_evtx(tmp_path / "a.evtx", [Written(COMMON, 4999, COOKIE_PARTS)] * 40)
    content = bytearray(path.read_bytes())
    content[4096 + 600 : 4096 + 700] = b"\xff" * 100
    path.write_bytes(content)
    evidence = read_event_logs([path])
    assert cookie(evidence).sighting.count == 39
    assert evidence.files[0].skipped == 1
    assert codes(evidence) == ["CAS-W813"]


def test_control_characters_in_a_record_are_read(tmp_path: Path) -> None:
    parts = [*COOKIE_PARTS[:-1], "\x01\t\x1f"]
    path = write_evtx(tmp_path / "a.evtx", [Written(COMMON, 4999, parts)])
    evidence = read_event_logs([path])
    assert cookie(evidence).sighting.count == 1
    assert evidence.findings == ()


BOMB = (
    '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    "<Objs><Obj><S>&b;</S></Obj></Objs>"
)
EXTERNAL = '<!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/passwd">]><Events>&a;</Events>'


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"\x00\x01\x02" * 4000, "is binary and no .evtx"),
        (b"", "is empty"),
        ("Jan  1 00:00:00 host sshd[1]: Accepted\n", "is no export of an event log"),
        ("name;price\r\nbread;2\r\n", "is no export of an event log"),
        ("#Software: Microsoft Internet Information Services 7.5\n", "goes to --iis-logs"),
        (BOMB, "refused: it has a document type"),
        (EXTERNAL, "refused: it has a document type"),
        ("<Events>" + "<a>" * 5000, "nested more than 100 deep"),
        ("<Events><Event>" + "<a/>" * 200_001, "more than 200000 elements"),
        ("<html><body></body></html>", "is no export of an event log"),
        ("[1, 2]", "item 1 is no object"),
        ("[" * 100_000, "no JSON anybody exports"),
        ('{"Id": 4999', "is not JSON"),
        ("<Objs><Obj></S></Objs>", "not well-formed"),
    ],
)
def test_what_is_no_event_log_is_named(tmp_path: Path, content: str | bytes, why: str) -> None:
    path = write(tmp_path, content)
    evidence = read_event_logs([path])
    (finding,) = evidence.findings
    assert finding.code == "CAS-W812"
    assert finding.subject == f"file {path}"
    assert why in finding.message
    assert evidence.files[0].kind == ""


@pytest.mark.parametrize("text", [event_logs.clixml(), event_logs.xml()])
def test_xml_cut_off_counts_what_is_there(tmp_path: Path, text: str) -> None:
    evidence = read_event_logs([write(tmp_path, text[: len(text) * 2 // 3])])
    assert cookie(evidence).sighting.count == 1
    (finding,) = evidence.findings
    assert finding.code == "CAS-W813"
    assert "before that were read" in finding.message


def test_a_csv_field_that_never_ends(tmp_path: Path) -> None:
    text = event_logs.csv(",", ISO) + '"' + "endless\n" * 200_000
    evidence = read_event_logs([write(tmp_path, text)])
    assert cookie(evidence).sighting.count == 1
    (finding,) = evidence.findings
    assert "no CSV from here on" in finding.message
    assert finding.place is not None
    assert finding.place.line == 11


def test_dates_that_may_be_read_two_ways_are_left_out(tmp_path: Path) -> None:
    times = ["3/4/2012 8:00:00 AM"] * 4
    evidence = read_event_logs([write(tmp_path, event_logs.csv(",", times))])
    assert cookie(evidence).sighting.first is None
    assert codes(evidence) == ["CAS-W821"]


def test_one_date_tells_how_to_read_the_others(tmp_path: Path) -> None:
    times = ["3/4/2012 8:00:00 AM"] * 3 + ["3/14/2012 8:00:00 AM"]  # the last is nobody's event
    evidence = read_event_logs([write(tmp_path, event_logs.csv(",", times))])
    assert cookie(evidence).sighting.first == datetime(2012, 3, 4, 8, tzinfo=UTC)


def test_times_without_a_zone_are_the_servers(tmp_path: Path) -> None:
    path = write(tmp_path, event_logs.csv(";", GERMAN))
    evidence = read_event_logs([path], zone=ZoneInfo("Europe/Berlin"))
    assert cookie(evidence).sighting.first == datetime(2012, 2, 20, 7, 15, 2, tzinfo=UTC)
    assert codes(evidence) == ["CAS-W822"]


def test_folders_are_searched_and_name_servers(tmp_path: Path) -> None:
    write(tmp_path, event_logs.viewer_csv(GERMAN), "MAD-CAS-01/log.csv")
    write(tmp_path, event_logs.clixml(), "par/log.clixml")
    evidence = read_event_logs([tmp_path])
    found = [event.server for event in evidence.events if event.meaning is Meaning.COOKIE]
    assert found == ["mad-cas-01", "par-cas-01"]


def test_an_export_without_such_events_says_what_was_read(tmp_path: Path) -> None:
    text = event_logs.clixml().replace(METHOD, "ProxyUtilities.Other").replace("OWA", "Other")
    evidence = read_event_logs([write(tmp_path, text)])
    (file,) = evidence.files
    assert (evidence.events, file.kind, file.records, file.matched) == ((), "clixml", 4, 0)
