# SPDX-License-Identifier: GPL-3.0-or-later
"""Logging on to OWA through one source: the requests, and what they came to."""

from __future__ import annotations

import http.client
import re
import ssl
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import SplitResult, urlencode, urlsplit

from ansible.module_utils.owa_judgement import enough, judge
from ansible.module_utils.owa_pages import (
    MAX_TEXT,
    Answer,
    Try,
    classify_log_on,
    classify_mailbox,
)

MAX_BODY = 1_000_000


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
