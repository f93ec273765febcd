"""One IIS log to a tally: bytes are searched, and only lines that matter are taken apart.

In the log of a *target*, ``POST /owa/proxyLogon.owa`` with private status 241 is a proxied log-on;
c-ip is the proxying server's address and cs-username probably its machine account [infer]. In the
log of a *source*, ``GET /owa/`` without a query is where a person arrives after the log-on [infer].
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from orchestrator.discovery.blocks import Span, Unreadable, spans
from orchestrator.discovery.distinct import Distinct
from orchestrator.discovery.iis.layout import Layout, read_layout
from orchestrator.discovery.iis.tally import FileTally, LoggedOn, Pair, Proxied, Skipped

PROXIED = b"/owa/proxyLogon.owa"
ARRIVED = b"GET /owa/ - "
ACCEPTED = b"241"
MOST_HOURS = 100_000
"""Kept per file, over all pairs of addresses; beyond it log-ons are counted without their hour."""
MOST_PAIRS = 10_000
"""More than any farm has: beyond it the log is forged, or c-ip is not what it says."""
_SOFTWARE = b"Microsoft Internet Information Services"
_NEWLINE = 10
_SWITCH = "in IIS Manager set the log format to W3C"
_CUT = "the last line is cut off"
_WIDTH = "lines with more or fewer fields than #Fields says"
_DATE = "lines without a date and time such as 2012-02-20 08:15:02"
_CROWD = f"lines of more than {MOST_PAIRS} pairs of addresses"


def scan(path: Path, on_position: Callable[[int], object] = lambda _: None) -> FileTally:
    """Read one file, packed by gzip or not, in constant memory.

    Parameters
    ----------
    on_position : callable
        Called now and then with the bytes of the file that have been read.
    """
    reading = _Reading(FileTally(str(path)))
    try:
        for span in spans(path, on_position):
            if not reading.take(span):
                break
    except Unreadable as error:
        reading.unreadable(str(error))
    except OSError as error:
        reading.unreadable(f"cannot be read: {error.strerror}")
    tally = reading.finish()
    _count_lines(path, tally)
    return tally


def _count_lines(path: Path, tally: FileTally) -> None:
    """From offsets to line numbers, by a second look no further than the last offset needed.

    Counting all lines on the way would cost a quarter of the whole search. Where nothing was
    found, all are counted: then it is what the reader has to show.
    """
    found: list[Proxied | Skipped] = [*tally.proxied.values(), *tally.skipped.values()]
    offsets = sorted(spot.offset for spot in found if spot.offset >= 0)
    if tally.refused or (found and not offsets):
        return
    numbers: dict[int, int] = {}
    position = lines = 0
    try:
        for block, begin, end in spans(path):
            while offsets and offsets[0] < position + end - begin:
                offset = offsets.pop(0)
                before = block.count(b"\n", begin, begin + offset - position)
                numbers[offset] = lines + before + 1
            if found and not offsets:
                break
            lines += block.count(b"\n", begin, end) + (block[end - 1] != _NEWLINE)
            position += end - begin
    except (Unreadable, OSError):
        pass  # already told by the first look
    tally.lines = lines if not found else 0
    for spot in found:
        spot.line = numbers.get(spot.offset, 0)


class _Reading:
    """What is known between two blocks."""

    def __init__(self, tally: FileTally) -> None:
        self._tally = tally
        self._layout: Layout | None = None
        self._found: dict[tuple[bytes, bytes, bytes], _Found] = {}
        self._arrived: dict[bytes, _Found] = {}
        self._hours = 0
        self._base = 0
        """Offset in the file of the block's first byte."""

    def take(self, span: Span) -> bool:
        """Look at whole lines; False if the file is none of ours."""
        block, begin, end = span
        if not self._tally.size and not self._belongs(block):
            return False
        self._base = self._tally.size - begin
        at = block.find(b"#", begin, end)
        while at >= 0:
            if at == begin or block[at - 1] == _NEWLINE:
                self._data(block, begin, at)
                begin = _end(block, at)
                self._directive(block[at:begin])
                at = begin - 1
            at = block.find(b"#", at + 1, end)
        self._data(block, begin, end)
        self._tally.size += span.end - span.begin
        return True

    def unreadable(self, why: str) -> None:
        """The file ends here for us."""
        if self._tally.size:
            self._skip(why, -1)
        else:
            self._tally.refused = why

    def finish(self) -> FileTally:
        """The tally of all that was taken."""
        tally = self._tally
        if not tally.size and not tally.refused:
            tally.refused = "is empty"
        for key, found in self._found.items():
            tally.proxied[Pair(*map(_text, key))] = found.proxied()
        for server, found in self._arrived.items():
            tally.logged_on[_text(server)] = found.logged_on()
        return tally

    def _belongs(self, block: bytes) -> bool:
        self._tally.refused, self._tally.remedy = _foreign(block)
        return not self._tally.refused

    def _directive(self, line: bytes) -> None:
        if line.startswith(b"#Fields:"):
            self._layout = read_layout(line)

    def _data(self, block: bytes, begin: int, end: int) -> None:
        at = block.find(PROXIED, begin, end)
        while at >= 0:
            start = max(block.rfind(b"\n", begin, at) + 1, begin)
            stop = _end(block, at)
            why = self._log_on(block[start:stop], start)
            if why:
                self._skip(why, -1 if why == _CUT else self._base + start)
            at = block.find(PROXIED, stop, end)
        layout = self._layout
        if layout is None or layout.missing or layout.user < 0:
            return
        at = block.find(ARRIVED, begin, end)
        while at >= 0:
            start = max(block.rfind(b"\n", begin, at) + 1, begin)
            stop = _end(block, at)
            self._arrival(block[start:stop].rstrip().split(b" "), layout)
            at = block.find(ARRIVED, stop, end)

    def _log_on(self, line: bytes, start: int) -> str:
        """Count a line; says why not, if not."""
        layout = self._layout
        if layout is None or layout.missing:
            return _useless(layout)
        fields = line.rstrip().split(b" ")
        if len(fields) != layout.width:
            return _WIDTH if line.endswith(b"\n") else _CUT
        if fields[layout.stem] != PROXIED:
            return ""
        user = fields[layout.user] if layout.user >= 0 else b"-"
        machine = user if user.endswith(b"$") else b""
        server = fields[layout.server] if layout.server >= 0 else b""
        key = (server, fields[layout.client], machine)
        stamp = fields[layout.date] + b" " + fields[layout.time]
        found = self._found.get(key)
        if found is None or stamp[:13] not in found.hours:
            if not _is_moment(stamp):
                return _DATE
            if found is None:
                if len(self._found) == MOST_PAIRS:
                    return _CROWD
                found = self._found[key] = _Found(stamp, self._base + start)
                self._computer(fields, layout)
            if self._hours < MOST_HOURS:
                self._hours += 1
                found.hours[stamp[:13]] = 0
        accepted = layout.status < 0 or fields[layout.status] == ACCEPTED
        found.note(stamp, accepted=accepted)
        if not machine and user != b"-":
            found.people.add(user)
        return ""

    def _arrival(self, fields: list[bytes], layout: Layout) -> None:
        if len(fields) != layout.width:
            return
        user = fields[layout.user]
        if user == b"-" or user.endswith(b"$"):
            return
        stamp = fields[layout.date] + b" " + fields[layout.time]
        server = fields[layout.server] if layout.server >= 0 else b""
        found = self._arrived.get(server)
        if found is None:
            if not _is_moment(stamp) or len(self._arrived) == MOST_PAIRS:
                return
            found = self._arrived[server] = _Found(stamp)
            self._computer(fields, layout)
        found.note(stamp, accepted=True)
        found.people.add(user)

    def _computer(self, fields: list[bytes], layout: Layout) -> None:
        if layout.computer >= 0 and layout.server >= 0:
            name = _text(fields[layout.computer])
            self._tally.computers.setdefault(_text(fields[layout.server]), name)

    def _skip(self, why: str, offset: int) -> None:
        self._tally.skipped.setdefault(why, Skipped(offset=offset)).count += 1


class _Found:
    """Log-ons of one kind while they are being counted."""

    def __init__(self, stamp: bytes, offset: int = -1) -> None:
        self.offset = offset
        self.hours: dict[bytes, int] = {}
        self.people = Distinct()
        self._first = self._last = self._sound = stamp
        self._accepted = self._refused = 0

    def note(self, stamp: bytes, *, accepted: bool) -> None:
        """Count one."""
        if accepted:
            self._accepted += 1
            hour = stamp[:13]
            if hour in self.hours:
                self.hours[hour] += 1
        else:
            self._refused += 1
        if stamp > self._last:
            self._last = stamp
        elif stamp < self._first:
            self._first = stamp

    def proxied(self) -> Proxied:
        """The count of a pair."""
        return Proxied(
            count=self._accepted,
            refused=self._refused,
            first=self._when(self._first),
            last=self._when(self._last),
            offset=self.offset,
            hours={_text(hour): count for hour, count in self.hours.items() if count},
            people=self.people.hashes,
            people_exact=self.people.exact,
        )

    def _when(self, stamp: bytes) -> str:
        """A time as text; only the first line of an hour was looked at closely."""
        return _text(stamp if _is_moment(stamp) else self._sound)

    def logged_on(self) -> LoggedOn:
        """The count of people at a source."""
        plain = self.proxied()
        return LoggedOn(
            plain.count, plain.first, plain.last, plain.people, people_exact=plain.people_exact
        )


def _is_moment(stamp: bytes) -> bool:
    try:
        return len(stamp) == 19 and datetime.fromisoformat(stamp.decode()).tzinfo is None
    except ValueError:
        return False


def _end(block: bytes, at: int) -> int:
    return block.find(b"\n", at) + 1 or len(block)


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")


def _useless(layout: Layout | None) -> str:
    if layout is None:
        return "lines before any #Fields line: what stands where is not known"
    return f"lines of a log without the fields {', '.join(layout.missing)}"


def _foreign(block: bytes) -> tuple[str, str]:
    """Why a file is no log of IIS, and what to do; empty if it is one."""
    head = block[:4096]
    if b"\0" in head.rstrip(b"\0"):
        return "is binary, not a text log", "an .evtx file goes to --events"
    lines = head.split(b"\n")
    software = next((line for line in lines if line.startswith(b"#Software:")), b"")
    if software and _SOFTWARE not in software:
        name = _text(software.partition(b":")[2].strip())
        return f"is a log of {name}, not of IIS", "give the W3C logs of the web site, u_ex*.log"
    if not any(line.startswith(b"#") for line in lines) and PROXIED not in head:
        return "has no W3C directives (#Fields): this is no IIS log in W3C format", _SWITCH
    return "", ""
