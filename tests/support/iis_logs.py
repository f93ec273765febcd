"""IIS logs written by tests, as a target and a source of proxying write them."""

from __future__ import annotations

FIELDS = (
    "date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) "
    "sc-status sc-substatus sc-win32-status time-taken"
)
BROWSER = "Mozilla/5.0+(compatible;+MSIE+9.0;+Windows+NT+6.1)"


def head(fields: str = FIELDS) -> str:
    return (
        "#Software: Microsoft Internet Information Services 7.5\n#Version: 1.0\n"
        f"#Date: 2012-02-20 00:00:00\n#Fields: {fields}\n"
    )


def log_on(
    time: str = "2012-02-20 08:15:02",
    *,
    target: str = "10.2.0.1",
    source: str = "10.1.0.1",
    user: str = "CONTOSO\\PAR-CAS-01$",
    status: int = 241,
) -> str:
    """A proxied log-on in a target's log."""
    return (
        f"{time} {target} POST /owa/proxyLogon.owa - 443 {user} {source} {BROWSER} "
        f"{status} 0 0 15\n"
    )


def arrival(
    time: str = "2012-02-20 08:15:01", *, source: str = "10.1.0.1", user: str = "CONTOSO\\anna"
) -> str:
    """A person who has logged on, in a source's log."""
    return f"{time} {source} GET /owa/ - 443 {user} 192.0.2.7 {BROWSER} 200 0 0 31\n"


def poll(time: str = "2012-02-20 08:16:00") -> str:
    """A line that says nothing of proxying."""
    return (
        f"{time} 10.1.0.1 POST /owa/ev.owa oeh=1&ns=Notify&ev=Poll 443 CONTOSO\\anna 192.0.2.7 "
        f"{BROWSER} 200 0 0 3\n"
    )
