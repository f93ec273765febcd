"""The logs a simulated server leaves on its disk, as Windows would write them.

In `STATE/servers/NAME`, `W3SVC1/u_exYYMMDD.log` is the W3C log of IIS, and `Application.xml` holds
the events as `wevtutil qe Application /f:RenderedXml /e:Events` exports them.
"""

from __future__ import annotations

import zlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from xml.sax.saxutils import escape, quoteattr

if TYPE_CHECKING:
    from collections.abc import Iterable
    from io import TextIOWrapper
    from pathlib import Path

    from orchestrator.lab.farm import Farm
    from orchestrator.lab.machine import Event
    from orchestrator.lab.wire.http import Request

IIS_DIRECTORY = r"C:\inetpub\logs\LogFiles"
FIELDS = (
    "date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) "
    "sc-status sc-substatus sc-win32-status time-taken"
)
_IIS_VERSIONS = {"2007": "7.0", "2010": "7.5"}
_LEVELS = {"Error": 2, "Warning": 3, "Information": 4}
_QUALIFIERS = {"Error": 49_156, "Warning": 32_772, "Information": 16_388}
_NAMESPACE = "http://schemas.microsoft.com/win/2004/08/events/event"


class ServerLogs:
    """The logs of all servers of a farm.

    Args:
        folder: gets one folder per server.
    """

    def __init__(self, folder: Path, farm: Farm) -> None:
        self._folder = folder
        self._farm = farm
        self._open: dict[str, tuple[str, TextIOWrapper]] = {}

    def request(
        self,
        server: str,
        now: float,
        request: Request,
        *,
        status: int,
        user: str,
        address: str,
        seconds: float,
    ) -> None:
        """One line of the IIS log; times are UTC, spaces in a field become `+`.

        Args:
            now: when the answer was sent, seconds since 1970.
            user: cs-username, empty for none.
            address: c-ip, the address of who connected.
            seconds: how long the answer took.
        """
        moment = datetime.fromtimestamp(now, tz=UTC)
        url = urlsplit(request.target)
        fields = (
            f"{moment:%Y-%m-%d %H:%M:%S}",
            self._farm.address(server),
            request.method,
            url.path or "/",
            url.query or "-",
            "443",
            user or "-",
            address,
            (request.header("user-agent") or "-").replace(" ", "+"),
            f"{status} 0 0",
            str(round(seconds * 1000)),
        )
        file = self._file(server, moment)
        file.write(" ".join(fields) + "\n")
        file.flush()

    def events(self, server: str, events: Iterable[Event], skew: float = 0.0) -> None:
        """Replace the exported Application log of a server, whose clock is wrong by that much."""
        path = self._folder / server / "Application.xml"
        path.parent.mkdir(parents=True, exist_ok=True)
        computer = self._farm.fqdn(server)
        rows = "".join(
            _rendered(event, computer, number, skew) + "\n"
            for number, event in enumerate(events, 1)
        )
        passing = path.with_suffix(".new")
        passing.write_text(f"<Events>\n{rows}</Events>\n", encoding="utf-8")
        passing.replace(path)

    def close(self) -> None:
        """Close all files."""
        for _, file in self._open.values():
            file.close()
        self._open.clear()

    def _file(self, server: str, moment: datetime) -> TextIOWrapper:
        name = f"u_ex{moment:%y%m%d}.log"
        day, file = self._open.get(server, ("", None))
        if file is not None and day == name:
            return file
        if file is not None:
            file.close()
        path = self._folder / server / "W3SVC1" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a", encoding="utf-8")
        version = _IIS_VERSIONS.get(self._farm.servers[server].line, "10.0")
        # IIS writes its head again whenever it starts on a file, so in mid-file, too.
        file.write(
            f"#Software: Microsoft Internet Information Services {version}\n#Version: 1.0\n"
            f"#Date: {moment:%Y-%m-%d %H:%M:%S}\n#Fields: {FIELDS}\n"
        )
        self._open[server] = (name, file)
        return file


def user_address(client: str) -> str:
    """An address for a user of this browser; the same one each time, none of a server's."""
    return f"192.0.2.{1 + zlib.crc32(client.encode()) % 254}"


def _rendered(event: Event, computer: str, number: int, skew: float) -> str:
    moment = datetime.fromtimestamp(event.time + skew, tz=UTC)
    time = moment.strftime("%Y-%m-%dT%H:%M:%S.%f") + "000Z"
    level = _LEVELS.get(event.level, 4)
    data = "".join(f"<Data>{escape(text)}</Data>" for text in event.data or (event.message,))
    return (
        f"<Event xmlns={quoteattr(_NAMESPACE)}><System>"
        f"<Provider Name={quoteattr(event.source)}/>"
        f"<EventID Qualifiers='{_QUALIFIERS.get(event.level, 0)}'>{event.id}</EventID>"
        f"<Level>{level}</Level><Task>1</Task><Keywords>0x80000000000000</Keywords>"
        f"<TimeCreated SystemTime='{time}'/><EventRecordID>{number}</EventRecordID>"
        f"<Channel>{escape(event.log)}</Channel><Computer>{escape(computer)}</Computer><Security/>"
        f"</System><EventData>{data}</EventData><RenderingInfo Culture='en-US'>"
        f"<Message>{escape(event.message)}</Message><Level>{escape(event.level)}</Level>"
        f"<Task>{escape(event.category)}</Task></RenderingInfo></Event>"
    )
