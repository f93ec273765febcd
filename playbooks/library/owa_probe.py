#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: log on to OWA through one Client Access server and say what happened.

Documented in owa_probe.yml beside this file.
"""

from __future__ import annotations

import http.client
import re
import ssl
from collections import Counter
from dataclasses import asdict, dataclass
from html.parser import HTMLParser
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import SplitResult, urlencode, urljoin, urlsplit

from ansible.module_utils.basic import AnsibleModule

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
# A pool that answers nothing at all three times over will not answer a fourth time.
UNAVAILABLE_IN_A_ROW = 3
# Where no target can be named (a redirection), so many tries must agree.
TRIES_WITHOUT_TARGETS = 3
MAX_BODY = 1_000_000
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


def worst(outcomes: list[str]) -> str:
    """The worst of several outcomes."""
    return max(outcomes, key=SEVERITY.index)


def wanted_targets(tries: list[Try], targets: list[str], expect: list[str]) -> list[str]:
    """Servers that have to be seen: none where everything was an expected redirection."""
    only_redirected = bool(tries) and all(one.outcome == "redirected" for one in tries)
    if expect == ["redirected"] or ("redirected" in expect and only_redirected):
        return []
    return sorted({short_name(name) for name in targets})


def seen_targets(tries: list[Try]) -> list[str]:
    """Servers that really answered; an error page or a redirection is no answer of a target."""
    return sorted(
        {one.target for one in tries if one.target and one.outcome in ("served", "proxied")}
    )


def enough(tries: list[Try], targets: list[str], expect: list[str], attempts: int) -> bool:
    """Whether no further log-on is needed, or none makes sense."""
    if not tries:
        return False
    if len(tries) >= attempts or tries[-1].outcome == "denied":
        return True
    last = [one.outcome for one in tries[-UNAVAILABLE_IN_A_ROW:]]
    if last == ["unavailable"] * UNAVAILABLE_IN_A_ROW:
        return True
    wanted = wanted_targets(tries, targets, expect)
    if not wanted:
        return len(tries) >= TRIES_WITHOUT_TARGETS
    return set(wanted) <= set(seen_targets(tries))


def judge(
    tries: list[Try],
    *,
    targets: list[str],
    expect: list[str],
    redirect_url: str | None,
    may_break: bool,
) -> dict[str, Any]:
    """Turn the tries into the result of the module."""
    counts = Counter(one.outcome for one in tries)
    wanted = wanted_targets(tries, targets, expect)
    seen = seen_targets(tries)
    covered = sorted(set(wanted) & set(seen))
    tolerated = may_break and "broken" in counts
    reasons: list[str] = []

    for outcome in sorted(counts, key=SEVERITY.index, reverse=True):
        if outcome in expect or (outcome == "broken" and may_break):
            continue
        texts = {one.text or one.url for one in tries if one.outcome == outcome} - {None}
        where = "; ".join(sorted(str(text) for text in texts))
        share = f"({counts[outcome]} of {len(tries)} tries)"
        if outcome == "unknown":
            reasons.append(f"could not tell which server answered: {where} {share}")
        else:
            reasons.append(f"{outcome}: {where} {share}" if where else f"{outcome} {share}")

    if redirect_url:
        elsewhere = sorted(
            {
                one.url
                for one in tries
                if one.outcome == "redirected"
                and one.url
                and comparable_url(one.url) != comparable_url(redirect_url)
            }
        )
        if elsewhere:
            reasons.append(f"redirected to {', '.join(elsewhere)} instead of {redirect_url}")

    if len(covered) < len(wanted) and not reasons:
        missing = ", ".join(sorted(set(wanted) - set(seen)))
        texts = "; ".join(
            sorted({one.text for one in tries if one.outcome == "broken" and one.text})
        )
        instead = f", broken: {texts}" if texts else ""
        reasons.append(f"{missing} did not answer in {len(tries)} tries{instead}")

    as_expected = not reasons
    coverage = f"{len(covered)} of {len(wanted)} targets" if wanted else "no target asked for"
    if as_expected:
        told = ", ".join(
            f"{outcome} {counts[outcome]}" for outcome in SEVERITY if outcome in counts
        )
        why = f"as expected: {told}" + (f"; {coverage}" if wanted else "")
        if tolerated:
            why += "; broken answers are known on this path and not yet repaired"
    else:
        why = "; ".join(reasons)
        if wanted:
            why += f"; {coverage}"
    return {
        "changed": False,
        "outcome": worst(list(counts)),
        "as_expected": as_expected,
        "why": why,
        "tries": [asdict(one) for one in tries],
        "counts": dict(counts),
        "coverage": {"seen": seen, "wanted": wanted, "text": coverage},
    }


class _NamedConnection(http.client.HTTPSConnection):
    """HTTPS connection whose certificate name is chosen, also through a proxy."""

    def __init__(
        self, host: str, port: int, *, name: str, context: ssl.SSLContext, timeout: float
    ) -> None:
        super().__init__(host, port, context=context, timeout=timeout)
        self._certificate_name = name
        self._tls = context

    def connect(self) -> None:
        http.client.HTTPConnection.connect(self)
        plain = self.sock
        try:
            self.sock = self._tls.wrap_socket(plain, server_hostname=self._certificate_name)
        except BaseException:
            plain.close()
            raise


class Browser:
    """Sends single requests to one server. Follows nothing, keeps nothing."""

    def __init__(
        self,
        url: SplitResult,
        name: str,
        http_proxy: str | None,
        context: ssl.SSLContext,
        timeout: float,
    ) -> None:
        self._host = url.hostname or ""
        self._port = url.port or 443
        self._name = name
        self._proxy = urlsplit(http_proxy) if http_proxy else None
        self._context = context
        self._timeout = timeout

    def send(
        self, method: str, path: str, *, form: dict[str, str] | None = None, cookies: dict[str, str]
    ) -> Answer:
        """Send one request over a new connection.

        Raises OSError (ssl.SSLError among them) or http.client.HTTPException where no answer came.
        """
        if self._proxy:
            connection = _NamedConnection(
                self._proxy.hostname or "",
                self._proxy.port or 80,
                name=self._name,
                context=self._context,
                timeout=self._timeout,
            )
            connection.set_tunnel(self._host, self._port)
        else:
            connection = _NamedConnection(
                self._host,
                self._port,
                name=self._name,
                context=self._context,
                timeout=self._timeout,
            )
        port = "" if self._port == 443 else f":{self._port}"
        # OWA shows its light version to a browser it does not know, which is all this needs.
        headers = {
            "Host": f"{self._name}{port}",
            "User-Agent": "owa-probe",
            "Connection": "close",
            "Accept": "text/html",
        }
        if cookies:
            headers["Cookie"] = "; ".join(f"{key}={value}" for key, value in cookies.items())
        body = None
        if form is not None:
            body = urlencode(form).encode("ascii")
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            connection.request(method, path, body=body, headers=headers)
            with connection.getresponse() as response:
                text = response.read(MAX_BODY).decode("utf-8", "replace")
                return Answer(
                    status=response.status,
                    headers={key.lower(): value for key, value in response.getheaders()},
                    cookies=read_cookies(response.headers.get_all("Set-Cookie") or []),
                    body=text,
                )
        finally:
            connection.close()


def read_cookies(lines: list[str]) -> dict[str, str]:
    """Names and values of ``Set-Cookie`` lines, without cookies being deleted (empty value)."""
    cookies: dict[str, str] = {}
    for line in lines:
        try:
            parsed = SimpleCookie(line)
        except CookieError:
            parsed = SimpleCookie()
        if parsed:
            cookies.update({key: morsel.coded_value for key, morsel in parsed.items()})
        else:
            # The standard library knows fewer characters than Exchange uses.
            match = re.match(r"\s*([^=;\s]+)=([^;]*)", line)
            if match:
                cookies[match.group(1)] = match.group(2).strip()
    return {key: value for key, value in cookies.items() if value}


def try_once(
    browser: Browser,
    base: str,
    own_host: str,
    form: dict[str, str],
    source: str,
    server_header: str,
) -> Try:
    """One log-on and one look at the mailbox."""
    path = urlsplit(base).path
    try:
        # The log-on form sets PBack itself, by script; without it Exchange asks for the form again.
        answer = browser.send("POST", f"{path}auth.owa", form=form, cookies={"PBack": "0"})
        ended = classify_log_on(answer, base, own_host)
        if ended:
            return ended
        answer = browser.send("GET", path, cookies=answer.cookies)
    except (OSError, http.client.HTTPException) as error:
        reason = str(error) or type(error).__name__
        return Try("unavailable", text=f"no answer: {reason[:MAX_TEXT]}")
    return classify_mailbox(answer, base, own_host, source, server_header)


def check_arguments(params: dict[str, Any]) -> str | None:
    """The first thing wrong with the arguments beyond their types; None where all is well."""
    try:
        url = urlsplit(params["url"])
        port_is_fine = url.port is None or url.port > 0
    except ValueError as error:
        return f"url: {params['url']!r} is not an address ({error})"
    if url.scheme != "https" or not url.hostname or not port_is_fine:
        return f"url: {params['url']!r} is not an https address; a password is never sent in clear"
    if not url.path.lower().rstrip("/").endswith("/owa"):
        return f"url: {params['url']!r} does not end in /owa/"
    if params["http_proxy"]:
        try:
            proxy = urlsplit(params["http_proxy"])
            named = bool(proxy.hostname) and (proxy.port or 80) > 0
        except ValueError as error:
            return f"http_proxy: {params['http_proxy']!r} is not an address ({error})"
        if proxy.scheme != "http" or not named:
            return f"http_proxy: {params['http_proxy']!r} is not an http address such as http://proxy.example:8080"
    if params["attempts"] < 1:
        return f"attempts: {params['attempts']} is less than 1"
    if params["timeout"] < 1:
        return f"timeout: {params['timeout']} is less than 1"
    if not params["expect"]:
        return "expect: at least one outcome is needed"
    return None


def run(params: dict[str, Any], context: ssl.SSLContext) -> dict[str, Any]:
    """Probe until enough is known and judge it."""
    url = urlsplit(params["url"])
    name = (params["host_name"] or url.hostname or "").lower()
    port = "" if url.port in (None, 443) else f":{url.port}"
    base = f"https://{name}{port}{url.path.rstrip('/')}/"
    form = {
        "destination": base,
        "username": params["mailbox"],
        "password": params["password"],
        "flags": "4",
        "forcedownlevel": "0",
        "trusted": "4",
        "isUtf8": "1",
    }
    browser = Browser(url, name, params["http_proxy"], context, float(params["timeout"]))
    tries: list[Try] = []
    while not enough(tries, params["targets"], params["expect"], params["attempts"]):
        tries.append(try_once(browser, base, name, form, params["source"], params["server_header"]))
    return judge(
        tries,
        targets=params["targets"],
        expect=params["expect"],
        redirect_url=params["redirect_url"],
        may_break=params["may_break"],
    )


ARGUMENTS: dict[str, Any] = {
    "url": {"type": "str", "required": True},
    "host_name": {"type": "str"},
    "source": {"type": "str", "required": True},
    "mailbox": {"type": "str", "required": True},
    "password": {"type": "str", "required": True, "no_log": True},
    "http_proxy": {"type": "str"},
    "ca_path": {"type": "path"},
    "server_header": {"type": "str", "default": "X-DiagInfo"},
    "targets": {"type": "list", "elements": "str", "default": []},
    "expect": {
        "type": "list",
        "elements": "str",
        "choices": ["proxied", "redirected", "served"],
        "required": True,
    },
    "redirect_url": {"type": "str"},
    "may_break": {"type": "bool", "default": False},
    "attempts": {"type": "int", "default": 12},
    "timeout": {"type": "int", "default": 30},
}


def main() -> None:
    """Entry point for Ansible."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    wrong = check_arguments(module.params)
    if wrong:
        module.fail_json(msg=wrong)
    try:
        context = ssl.create_default_context(cafile=module.params["ca_path"])
    except (OSError, ssl.SSLError) as error:
        module.fail_json(
            msg=f"ca_path: cannot read certificates from {module.params['ca_path']}: {error}"
        )
    module.exit_json(**run(module.params, context))


if __name__ == "__main__":
    main()
