"""IIS logs: what is read out of them, and what is said of those that cannot be read."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.iis_logs import FIELDS, arrival, head, log_on, poll

from orchestrator.discovery import blocks
from orchestrator.discovery.distinct import KEPT, Distinct
from orchestrator.discovery.evidence import Evidence, PathEvidence
from orchestrator.discovery.iis import scan
from orchestrator.discovery.iis.read import read_iis_logs
from orchestrator.errors import InvalidInput


def write(folder: Path, text: str | bytes, name: str = "u_ex120220.log") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def only_path(evidence: Evidence) -> PathEvidence:
    (path,) = evidence.paths
    return path


def messages(evidence: Evidence) -> list[str]:
    return [str(found) for found in evidence.findings]


def test_a_target_s_log_names_the_source_by_its_machine_account(tmp_path: Path) -> None:
    text = head() + poll() + log_on() + log_on("2012-02-20 09:00:00") + poll()
    path = only_path(read_iis_logs([write(tmp_path, text)]))
    assert (path.source, path.target) == ("par-cas-01", "10.2.0.1")
    assert path.sighting.count == 2
    assert path.sighting.first == datetime(2012, 2, 20, 8, 15, 2, tzinfo=UTC)
    assert path.sighting.last == datetime(2012, 2, 20, 9, tzinfo=UTC)
    assert str(path.sighting.place) == f"{tmp_path / 'u_ex120220.log'}:6"
    eight = int(datetime(2012, 2, 20, 8, tzinfo=UTC).timestamp()) // 3600
    assert path.hours == {eight: 1, eight + 1: 1}
    assert path.users is None  # a machine account is nobody


def test_real_names_on_the_target_are_users_of_the_path(tmp_path: Path) -> None:
    lines = [log_on(user=name) for name in ("C\\anna", "C\\Anna", "C\\bert", "-")]
    path = only_path(read_iis_logs([write(tmp_path, head() + "".join(lines))]))
    assert (path.source, path.sighting.count, path.users) == ("10.1.0.1", 4, 2)
    assert "SNAT" in path.how


def test_people_are_counted_in_the_source_s_log(tmp_path: Path) -> None:
    machine = arrival(user="CONTOSO\\PAR-CAS-01$")
    text = head() + arrival() + arrival(user="CONTOSO\\bert") + arrival() + machine
    evidence = read_iis_logs([write(tmp_path, text)])
    (users,) = evidence.users
    assert (users.users, users.exact, users.sighting.count) == (2, True, 3)
    assert evidence.paths == ()


def test_folders_name_servers_and_own_addresses_name_clients(tmp_path: Path) -> None:
    write(tmp_path, head() + arrival(source="10.1.0.1"), "PAR-CAS-01/W3SVC1/u_ex1.log")
    write(tmp_path, head() + log_on(user="-"), "ber-cas-01/LogFiles/W3SVC1/u_ex1.log")
    evidence = read_iis_logs([tmp_path])
    path = only_path(evidence)
    assert (path.source, path.target) == ("par-cas-01", "ber-cas-01")
    assert "by c-ip" in path.how
    assert evidence.names == {"10.1.0.1": "par-cas-01", "10.2.0.1": "ber-cas-01"}


def test_fields_may_change_in_mid_file(tmp_path: Path) -> None:
    other = "date time c-ip cs-username cs-method cs-uri-stem s-computername s-ip"
    line = (
        "2012-02-20 10:00:00 10.1.0.9 C\\MAD-CAS-01$ POST /owa/proxyLogon.owa BER-CAS-01 10.2.0.1\n"
    )
    text = head() + log_on() + head(other) + line
    evidence = read_iis_logs([write(tmp_path, text)])
    assert [(p.source, p.target) for p in evidence.paths] == [
        ("mad-cas-01", "ber-cas-01"),
        ("par-cas-01", "ber-cas-01"),
    ]
    assert evidence.findings == ()


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-16-le"])
def test_encodings_and_line_ends(tmp_path: Path, encoding: str, ending: str) -> None:
    text = (head() + poll() + log_on()).replace("\n", ending).encode(encoding)
    path = only_path(read_iis_logs([write(tmp_path, text)]))
    assert (path.source, path.sighting.place.line) == ("par-cas-01", 6)


def test_mixed_encodings_in_one_file(tmp_path: Path) -> None:
    text = head().encode() + log_on(user="C\\müller").encode("cp1252")
    path = only_path(read_iis_logs([write(tmp_path, text + log_on(user="C\\żak").encode())]))
    assert (path.sighting.count, path.users) == (2, 2)


def test_gzip_and_folders_and_days_add_up(tmp_path: Path) -> None:
    write(tmp_path, gzip.compress((head() + log_on()).encode()), "u_ex120220.log.gz")
    write(tmp_path, head() + log_on("2012-02-21 08:00:00"), "u_ex120221.log")
    write(tmp_path, "nothing", "readme.txt")
    evidence = read_iis_logs([tmp_path])
    assert only_path(evidence).sighting.count == 2
    assert [file.kind for file in evidence.files] == ["iis", "iis"]
    (finding,) = messages(evidence)
    assert finding.startswith("CAS-W811")
    assert "1 file left out that does not end in .log" in finding


def test_lines_across_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = head() + "".join(log_on() + poll() for _ in range(20)) + log_on("2012-02-20 23:00:00")
    path = write(tmp_path, text)
    for size in (7, 64, 333, 4096):
        monkeypatch.setattr(blocks, "BLOCK", size)
        tally = scan.scan(path)
        ((_, found),) = tally.proxied.items()
        assert (found.count, found.line, found.last) == (21, 5, "2012-02-20 23:00:00")
        assert tally.skipped == {}


def test_several_servers_behind_one_address_are_told_apart(tmp_path: Path) -> None:
    text = head() + log_on(user="C\\PAR-CAS-01$") + log_on(user="C\\PAR-CAS-02$") + log_on(user="-")
    evidence = read_iis_logs([write(tmp_path, text)])
    assert [p.source for p in evidence.paths] == ["10.1.0.1", "par-cas-01", "par-cas-02"]
    (finding,) = messages(evidence)
    assert finding.startswith("CAS-W814 c-ip 10.1.0.1: 2 servers")
    assert "SNAT" in finding


def test_a_server_that_logs_on_to_itself_is_no_path(tmp_path: Path) -> None:
    itself = log_on(user="C\\BER-CAS-01$", source="10.2.0.1")
    log = write(tmp_path, head() + itself + log_on(), "ber-cas-01/u_ex1.log")
    evidence = read_iis_logs([tmp_path])
    assert [(p.source, p.target) for p in evidence.paths] == [("par-cas-01", "ber-cas-01")]
    (finding,) = messages(evidence)
    assert finding.startswith("CAS-W817 host ber-cas-01: 1 log-ons from itself")
    assert f"({log}:5)" in finding


def test_refused_log_ons_are_no_proxied_sessions(tmp_path: Path) -> None:
    text = head() + log_on() + log_on(status=401) + log_on(source="10.9.9.9", user="-", status=403)
    evidence = read_iis_logs([write(tmp_path, text)])
    accepted = next(p for p in evidence.paths if p.source == "par-cas-01")
    refused = next(p for p in evidence.paths if p.source == "10.9.9.9")
    assert (accepted.sighting.count, sum(accepted.hours.values())) == (1, 1)
    assert refused.how.endswith("the target accepted none of them")
    assert [m[:8] for m in messages(evidence)] == ["CAS-W816", "CAS-W816"]


def test_two_folders_with_the_address_of_one_server(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write(tmp_path, head() + log_on(), f"{name}/u_ex1.log")
    evidence = read_iis_logs([tmp_path])
    assert only_path(evidence).target == "10.2.0.1"
    assert any(m.startswith("CAS-W815 s-ip 10.2.0.1") for m in messages(evidence))


def test_a_truncated_last_line_is_counted_and_named(tmp_path: Path) -> None:
    evidence = read_iis_logs([write(tmp_path, head() + log_on() + log_on()[:60])])
    assert only_path(evidence).sighting.count == 1
    assert messages(evidence) == [
        (
            f"CAS-W813 file {tmp_path / 'u_ex120220.log'}: 1 not used: the last line is cut off "
            f"({tmp_path / 'u_ex120220.log'})"
        )
    ]


@pytest.mark.parametrize(
    ("text", "why", "line"),
    [
        (log_on() + head(), "before any #Fields line", 1),
        (head("date time cs-uri-stem") + log_on(), "without the fields c-ip", 5),
        (head() + log_on().replace(" 443 ", " 443 one more "), "more or fewer fields", 5),
        (head() + log_on("20.02.2012 08:15:02"), "without a date and time", 5),
        (head() + poll() + log_on("2012-02-30 08:15:02"), "without a date and time", 6),
    ],
)
def test_lines_that_cannot_be_used_are_counted_with_place(
    tmp_path: Path, text: str, why: str, line: int
) -> None:
    path = write(tmp_path, text)
    evidence = read_iis_logs([path])
    (finding,) = messages(evidence)
    assert why in finding
    assert f"({path}:{line})" in finding
    assert [file.skipped for file in evidence.files] == [1]


def test_a_garbled_minute_does_not_become_a_time(tmp_path: Path) -> None:
    garbled = log_on("2012-02-20 08:\x125:00") + log_on("2012-02-20 08:99:00")
    path = only_path(read_iis_logs([write(tmp_path, head() + log_on() + garbled)]))
    assert path.sighting.count == 3
    assert path.sighting.first == path.sighting.last == datetime(2012, 2, 20, 8, 15, 2, tzinfo=UTC)


EXCHANGE_LOG = "#Software: Microsoft Exchange Server\n#Fields: date-time,connector-id\n2012,x\n"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"\x7fELF\x02\x01\x01\x00\x00\x00" * 900, "is binary"),
        (bytes(range(256)) * 40, "is binary"),
        (EXCHANGE_LOG.encode(), "is a log of Microsoft Exchange Server, not of IIS"),
        (b"127.0.0.1 - - [20/Feb/2012] GET / 200\n", "has no W3C directives"),
        (b"", "is empty"),
        (b"a" * 3_000_000, "more than 1 MiB"),
        (
            gzip.compress(b"x" * 5000, mtime=0)[:20],
            "compressed data is damaged or ends too early",
        ),
    ],
)
def test_files_that_are_no_iis_logs_are_named(tmp_path: Path, content: bytes, why: str) -> None:
    path = write(tmp_path, content)
    evidence = read_iis_logs([path])
    (finding,) = messages(evidence)
    assert finding.startswith(f"CAS-W812 file {path}: ")
    assert why in finding
    assert [file.kind for file in evidence.files] == [""]


def test_a_damaged_gzip_counts_until_the_damage(tmp_path: Path) -> None:
    packed = gzip.compress((head() + log_on() + poll() * 20_000 + log_on()).encode(), 1)
    evidence = read_iis_logs([write(tmp_path, packed[: len(packed) // 2], "u_ex1.log.gz")])
    assert only_path(evidence).sighting.count == 1
    assert "compressed data is damaged or ends too early" in messages(evidence)[0]


def test_nothing_found_says_how_much_was_read(tmp_path: Path) -> None:
    (file,) = read_iis_logs([write(tmp_path, head() + poll() * 1000)]).files
    assert (file.records, file.matched) == (1004, 0)
    assert file.size > 100_000


def test_a_path_that_leads_nowhere_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidInput) as refused:
        read_iis_logs([tmp_path / "empty", tmp_path / "missing"])
    assert [d.code for d in refused.value.diagnostics] == ["CAS-E811", "CAS-E811"]


def test_a_folder_of_our_name_where_the_user_stands_is_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "orchestrator").mkdir()
    (tmp_path / "orchestrator" / "__init__.py").write_text("raise SystemExit('not me')")
    log = write(tmp_path, head() + log_on())
    monkeypatch.chdir(tmp_path)
    assert only_path(read_iis_logs([log])).sighting.count == 1


def test_progress_reaches_the_end(tmp_path: Path) -> None:
    path = write(tmp_path, head() + poll() * 5000)
    seen: list[tuple[int, int]] = []
    read_iis_logs([path], on_progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (path.stat().st_size, path.stat().st_size)


def test_distinct_is_exact_for_few_and_close_for_many() -> None:
    few, many = Distinct(), Distinct()
    for number in range(2 * KEPT):
        few.add(b"user%d" % (number % 1000))
    for number in range(100_000):
        many.add(b"user%d" % number)
    assert (len(few), few.exact) == (1000, True)
    assert not many.exact
    assert abs(len(many) - 100_000) < 5_000
    joined = Distinct(few.hashes, exact=few.exact)
    joined.join(Distinct(many.hashes, exact=many.exact))
    assert abs(len(joined) - 100_000) < 5_000  # the few are among the many


def test_the_fields_a_target_logs_by_default_are_enough() -> None:
    assert {"date", "time", "s-ip", "c-ip", "cs-uri-stem", "sc-status"} <= set(FIELDS.split())
