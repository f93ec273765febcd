"""Events of a broken and of a sound farm, and exports of them in every form."""

from __future__ import annotations

from xml.sax.saxutils import escape

COOKIE = (
    "Watson report about to be sent for process id: 744, with parameters: E12, c-RTL-AMD64, "
    "14.02.0283.003, OWA, M.E.Clients.Owa, "
    "M.E.C.O.C.ProxyUtilities.UpdateProxyUserContextIdFromResponse, "
    "M.E.C.O.Core.OwaAsyncOperationException, 413, 14.02.0283.003."
)
"""As documented."""
COOKIE_LATER = (
    "Watson report about to be sent for process id: 9120, with parameters: E12IIS, c-RTL-AMD64, "
    "14.03.0123.004, w3wp#MSExchangeOWAAppPool, M.Exchange.Clients.Owa, "
    "Microsoft.Exchange.Clients.Owa.Core.ProxyUtilities.UpdateProxyUserContextIdFromResponse, "
    "M.E.C.O.Core.OwaInvalidOperationException, 8d1b, 14.03.0123.002. ErrorReportingEnabled: False"
)
"""The layout of later builds: other fields around the same method."""
OTHER_WATSON = COOKIE.replace("UpdateProxyUserContextIdFromResponse", "SomethingElse")
FAILED_OVER = (
    'Client Access server "https://mail.contoso.example/owa" tried to proxy Outlook Web App '
    'traffic to Client Access server "https://ber-cas-01.contoso.example/owa". This failed because '
    '"https://ber-cas-01.contoso.example/owa" didn\'t respond. Outlook Web App will try to proxy '
    'this traffic to Client Access server "https://ber-cas-02.contoso.example/owa" in the same '
    "Active Directory site."
)
VERSION = (
    'Client Access server "PAR-CAS-01", running Microsoft Exchange version "8.1.240.5", is '
    'proxying Outlook Web Access traffic to Client Access server "LIS-CAS-71", which runs Exchange '
    'version "8.2.176.2". To ensure reliable interoperability, the proxying Client Access server '
    "needs to be running a newer version of Exchange than the Client Access server it is "
    'proxying to. For example a folder "<Exchange Server installation path>)\\ClientAccess\\owa\\'
    '8.0.498.0" ...'
)
COOKIE_PARTS = COOKIE.split(": ", 1)[1].rstrip(".").replace(" with parameters: ", " ").split(", ")
EVENTS = [
    ("MSExchange Common", 4999, "General", COOKIE),
    ("MSExchange Common", 4999, "General", OTHER_WATSON),
    ("MSExchange OWA", 39, "Proxy", FAILED_OVER),
    ("Service Control Manager", 39, "", "Something else entirely."),
]
ISO = [
    "2012-02-20T08:15:02.1234567Z",
    "2012-02-20T08:16:00Z",
    "2012-02-21T09:00:00Z",
    "2012-02-22T00:00:00Z",
]
COMPUTER = "PAR-CAS-01.contoso.example"


def clixml(times: list[str] = ISO) -> str:
    """As `Get-WinEvent | Export-Clixml` writes it; types are spelt out once."""
    rows = []
    for number, ((provider, event, task, message), time) in enumerate(
        zip(EVENTS, times, strict=True)
    ):
        kind = (
            '<TN RefId="0"><T>System.Diagnostics.Eventing.Reader.EventLogRecord</T></TN>'
            if not number
            else '<TNRef RefId="0" />'
        )
        rows.append(
            f'<Obj RefId="{number}">{kind}<ToString>EventLogRecord</ToString><Props>'
            f'<I32 N="Id">{event}</I32><Nil N="Version" /><S N="ProviderName">{provider}</S>'
            f'<S N="MachineName">{COMPUTER}</S><DT N="TimeCreated">{time}</DT>'
            f'<S N="TaskDisplayName">{task}</S></Props><MS>'
            f'<S N="Message">{escape(message)}_x000D__x000A_</S></MS></Obj>\n'
        )
    space = "http://schemas.microsoft.com/powershell/2004/04"
    return f'<Objs Version="1.1.0.1" xmlns="{space}">\n{"".join(rows)}</Objs>'


def xml(*, root: bool = True, rendered: bool = True) -> str:
    """As `wevtutil qe` or the Event Viewer writes it."""
    rows = []
    for (provider, event, task, message), time in zip(EVENTS, ISO, strict=True):
        parts = COOKIE_PARTS if message == COOKIE else message.split('"')[1::2] or [message]
        data = "".join(f"<Data>{escape(part)}</Data>" for part in parts)
        text = f"<Message>{escape(message)}</Message><Task>{task}</Task>"
        shown = f"<RenderingInfo>{text}</RenderingInfo>"
        rows.append(
            "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>"
            f"<Provider Name='{provider}'/><EventID Qualifiers='49156'>{event}</EventID>"
            f"<TimeCreated SystemTime='{time}'/><Computer>{COMPUTER}</Computer></System>"
            f"<EventData>{data}</EventData>{shown if rendered else ''}</Event>\n"
        )
    head = '<?xml version="1.0" encoding="utf-8" standalone="yes"?>\n'
    return f"{head}<Events>{''.join(rows)}</Events>" if root else "".join(rows)


def csv(separator: str, times: list[str]) -> str:
    """As `Export-Csv` writes it in a locale."""
    names = ["Message", "Id", "ProviderName", "MachineName", "TimeCreated", "TaskDisplayName"]
    lines = ["#TYPE System.Diagnostics.Eventing.Reader.EventLogRecord", _row(names, separator)]
    for (provider, event, task, message), time in zip(EVENTS, times, strict=True):
        fields = [message + "\r\nmore", str(event), provider, COMPUTER, time, task]
        lines.append(_row(fields, separator))
    return "\r\n".join(lines) + "\r\n"


def viewer_csv(times: list[str]) -> str:
    """As a German Event Viewer saves it: the text has no column name."""
    lines = ["Ebene,Datum und Uhrzeit,Quelle,Ereignis-ID,Aufgabenkategorie"]
    for (provider, event, task, message), time in zip(EVENTS, times, strict=True):
        text = message.replace('"', '""')
        lines.append(f'Fehler,{time},{provider},{event},{task},"{text}"')
    return "\r\n".join(lines) + "\r\n"


def listed(times: list[str]) -> str:
    """As `Get-WinEvent | Format-List *` prints it, wrapped by a narrow console."""
    blocks = []
    for (provider, event, task, message), time in zip(EVENTS, times, strict=True):
        words = message.replace("UpdateProxyUserContextId", "UpdateProxyUserContextId\n")
        wrapped = words.replace("\n", "\n" + " " * 23)
        blocks.append(
            f"\nMessage              : {wrapped}\nId                   : {event}\n"
            f"Version              : \nProviderName         : {provider}\n"
            f"MachineName          : {COMPUTER}\nTimeCreated          : {time}\n"
            f"TaskDisplayName      : {task}\n"
        )
    return "\n".join(blocks)


def wevtutil_text() -> str:
    """As `wevtutil qe Application /f:text` prints it."""
    blocks = []
    for number, ((provider, event, task, message), time) in enumerate(
        zip(EVENTS, ISO, strict=True)
    ):
        blocks.append(
            f"Event[{number}]:\n  Log Name: Application\n  Source: {provider}\n  Date: {time}\n"
            f"  Event ID: {event}\n  Task: {task}\n  Level: Error\n  Computer: {COMPUTER}\n"
            f"  Description: \n{message}\n\n"
        )
    return "".join(blocks)


def _row(fields: list[str], separator: str) -> str:
    return separator.join('"' + field.replace('"', '""') + '"' for field in fields)
