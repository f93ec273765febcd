"""Logs and exports with bytes changed, cut out, put in or cut off: findings, never a traceback."""

from __future__ import annotations

import gzip
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from support import event_logs, exchange_exports
from support.event_logs import COOKIE_PARTS, ISO
from support.evtx_writer import Written, write_evtx
from support.iis_logs import arrival, head, log_on, poll

from orchestrator.discovery.events.read import read_event_logs
from orchestrator.discovery.exports.read import read_exports
from orchestrator.discovery.farm import farm_of
from orchestrator.discovery.files import InputFile
from orchestrator.discovery.iis.resolve import resolve
from orchestrator.discovery.iis.scan import scan
from orchestrator.errors import InvalidInput
from orchestrator.shipped import catalogue

TIMES = 60
"""For each kind of file; tens of thousands were tried while this was written."""
SERVER = "Microsoft.Exchange.Data.Directory.Management.ExchangeServer"
IIS = (head() + log_on() * 5 + arrival() * 3 + poll() * 5).encode()


def events(path: Path) -> None:
    """Read as `--events`."""
    (file,) = read_event_logs([path]).files
    assert file.file == str(path)


def iis(path: Path) -> None:
    """Read as `--iis-logs`, without a process for each."""
    resolve([(InputFile(path, 1), scan(path))], {})


def exports(path: Path) -> None:
    """Read as `--exports`; without a server in them they are refused."""
    try:
        farm_of(read_exports([path], catalogue()).draft)
    except InvalidInput:
        return


@pytest.mark.parametrize(
    ("read", "sound"),
    [
        pytest.param(events, event_logs.clixml().encode(), id="clixml"),
        pytest.param(events, event_logs.xml().encode("utf-16"), id="xml"),
        pytest.param(events, event_logs.csv(";", ISO).encode(), id="csv"),
        pytest.param(events, event_logs.listed(ISO).encode(), id="text"),
        pytest.param(events, b"", id="evtx"),
        pytest.param(iis, IIS, id="iis"),
        pytest.param(iis, IIS.decode().encode("utf-16"), id="iis-utf16"),
        pytest.param(iis, gzip.compress(IIS), id="iis-gzip"),
        pytest.param(
            exports, exchange_exports.clixml(exchange_exports.servers(), SERVER).encode(), id="exp"
        ),
        pytest.param(
            exports, exchange_exports.as_json(exchange_exports.servers()).encode(), id="exp-json"
        ),
        pytest.param(
            exports, exchange_exports.csv(exchange_exports.servers()).encode(), id="exp-csv"
        ),
    ],
)
def test_mangled(tmp_path: Path, read: Callable[[Path], None], sound: bytes) -> None:
    path = tmp_path / "mangled.csv"
    if not sound:
        sound = write_evtx(path, [Written("MSExchange Common", 4999, COOKIE_PARTS)]).read_bytes()
    draw = random.Random(20120217)
    for _ in range(TIMES):
        path.write_bytes(mangled(sound, draw))
        read(path)


def mangled(sound: bytes, draw: random.Random) -> bytes:
    """The same with a few accidents."""
    content = bytearray(sound)
    for _ in range(draw.choice([1, 2, 5, 40])):
        at = draw.randrange(len(content)) if content else 0
        match draw.randrange(5):
            case 0 if content:
                content[at] = draw.randrange(256)
            case 1:
                del content[at : at + draw.randrange(1, 200)]
            case 2:
                content[at:at] = draw.randbytes(draw.randrange(20))
            case 3:
                content[at:at] = content[max(0, at - 100) : at]
            case _:
                if draw.randrange(4) == 0:
                    del content[at:]
    return bytes(content)
