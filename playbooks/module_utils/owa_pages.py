# SPDX-License-Identifier: GPL-3.0-or-later
"""What a page of OWA says: pure functions from one HTTP answer to the outcome of a log-on."""

from __future__ import annotations

from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

# From harmless to worst: the outcome of a probe is the worst of its tries.
SEVERITY = ("served", "proxied", "redirected", "unknown", "unavailable", "denied", "broken")
# Texts that a page of OWA shows when a request fails, whatever its HTTP status.
ERROR_TEXTS = (
    "Invalid user context cookie found in proxy response",
    "Outlook Web App is currently unavailable",
    "Outlook Web Access is currently unavailable",
    "Outlook Web App could not connect to Microsoft Exchange",
)
UNAVAILABLE_STATUS = frozenset({502, 503, 504})
REDIRECT_STATUS = frozenset({301, 302, 303, 307, 308})
MAX_TEXT = 300


@dataclass(frozen=True)
class Answer:
    """One HTTP answer, header names in lower case."""

    status: int
    headers: dict[str, str]
    cookies: dict[str, str]
    body: str


@dataclass(frozen=True)
class Try:
    """What one log-on came to."""

    outcome: str
    target: str | None = None
    version: str | None = None
    status: int | None = None
    url: str | None = None
    text: str | None = None


class _Page(HTMLParser):
    """Collects the links, the title, the forms and the visible text of a page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.links: list[str] = []
        self.forms: list[str] = []
        self.title = ""
        self._text: list[str] = []
        self._inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "a" and values.get("href"):
            self.links.append(str(values["href"]))
        elif tag == "form":
            self.forms.append(values.get("action") or "")
        if tag in ("title", "script", "style"):
            self._inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._inside and self._inside[-1] == tag:
            self._inside.pop()

    def handle_data(self, data: str) -> None:
        inside = self._inside[-1] if self._inside else ""
        if inside == "title":
            self.title += data
        elif not inside:
            self._text.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self._text).split())


def read_page(body: str) -> _Page:
    """Parse a page; never fails, whatever the markup."""
    page = _Page()
    page.feed(body)
    page.close()
    page.title = " ".join(page.title.split())
    return page


def short_name(name: str) -> str:
    """First label of a server name in lower case: ``BER-CAS-01.x.example`` -> ``ber-cas-01``."""
    return name.strip().split(".")[0].lower()


def comparable_url(url: str) -> str:
    """Form of an address in which two that mean the same are equal."""
    parts = urlsplit(url)
    netloc = (parts.hostname or "") + (f":{parts.port}" if parts.port not in (None, 443) else "")
    return f"{parts.scheme.lower()}://{netloc}{parts.path.rstrip('/')}"


def host_of(url: str) -> str:
    """Host of an address in lower case, empty where it has none."""
    return (urlsplit(url).hostname or "").lower()


def error_text(body: str) -> str | None:
    """The known error text a page shows, exactly as OWA words it; None where it shows none."""
    text = read_page(body).text
    for known in ERROR_TEXTS:
        if known.lower() in text.lower():
            return known
    return None


def redirect_link(body: str, own_host: str) -> str | None:
    """Address of another host's OWA in a page that sends the user there; None for other pages."""
    for link in read_page(body).links:
        path = urlsplit(link).path.lower()
        if host_of(link) not in ("", own_host) and (path == "/owa" or path.startswith("/owa/")):
            return link
    return None


def describe(answer: Answer) -> str:
    """What a person would note down about a page nobody expected."""
    page = read_page(answer.body)
    seen = " - ".join(part for part in (page.title, page.text) if part)
    return f"HTTP {answer.status}: {seen[:MAX_TEXT] or 'empty page'}"


def is_log_on_page(url: str) -> bool:
    """Whether an address is that of the log-on form."""
    return urlsplit(url).path.lower().endswith("/auth/logon.aspx")


def _header(answer: Answer, name: str) -> str | None:
    return answer.headers.get(name.lower()) or None


def _classify_failure(answer: Answer, common: dict[str, Any]) -> Try | None:
    """A page that is an error whatever step it belongs to; None for any other."""
    known = error_text(answer.body)
    if known:
        return Try("broken", text=known, **common)
    if answer.status in UNAVAILABLE_STATUS:
        return Try("unavailable", text=describe(answer), **common)
    if answer.status >= 400:
        return Try("broken", text=describe(answer), **common)
    return None


def classify_log_on(answer: Answer, base: str, own_host: str) -> Try | None:
    """Judge the answer to the log-on form.

    Returns None for "logged on, fetch the mailbox now", else the try as it ended here.
    """
    common: dict[str, Any] = {"status": answer.status, "version": _header(answer, "x-owa-version")}
    failure = _classify_failure(answer, common)
    if failure:
        return failure
    if answer.status in REDIRECT_STATUS:
        location = urljoin(base, answer.headers.get("location", ""))
        if host_of(location) != own_host:
            return Try("redirected", url=location, **common)
        if is_log_on_page(location):
            if "reason=2" in urlsplit(location).query.lower():
                return Try(
                    "denied", text="the server refused the mailbox name or password", **common
                )
            return Try("broken", text=f"sent back to the log-on page: {location}", **common)
        if not answer.cookies:
            return Try("broken", text="the log-on brought no cookie", **common)
        return None
    link = redirect_link(answer.body, own_host)
    if link:
        return Try("redirected", url=link, **common)
    return Try("broken", text=f"not what a log-on answers: {describe(answer)}", **common)


def classify_mailbox(
    answer: Answer, base: str, own_host: str, source: str, server_header: str
) -> Try:
    """Judge the answer to the first request after the log-on."""
    named = _header(answer, server_header)
    common: dict[str, Any] = {
        "status": answer.status,
        "version": _header(answer, "x-owa-version"),
        "target": short_name(named) if named else None,
    }
    failure = _classify_failure(answer, common)
    if failure:
        return failure
    if answer.status in REDIRECT_STATUS:
        location = urljoin(base, answer.headers.get("location", ""))
        if host_of(location) != own_host:
            return Try("redirected", url=location, **common)
        return Try("broken", text=f"sent on to {location} instead of the mailbox", **common)
    if answer.status != 200:
        return Try("broken", text=describe(answer), **common)
    link = redirect_link(answer.body, own_host)
    if link:
        return Try("redirected", url=link, **common)
    page = read_page(answer.body)
    if any(urlsplit(form).path.lower().endswith("auth.owa") for form in page.forms):
        return Try("broken", text="the log-on page was shown again", **common)
    if named:
        return Try("served" if short_name(named) == short_name(source) else "proxied", **common)
    if common["version"]:
        return Try("unknown", text=f"no header {server_header}", **common)
    return Try("broken", text=f"not a page of OWA: {describe(answer)}", **common)
