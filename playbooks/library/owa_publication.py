#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: whether a published address of OWA is resolved, trusted and answered from here.

Documented in owa_publication.yml beside this file.
"""

from __future__ import annotations

import http.client
import socket
import ssl
from typing import Any
from urllib.parse import SplitResult, urlsplit

from ansible.module_utils.basic import AnsibleModule

SHOWN, FAILED, UNKNOWN = "shown", "failed", "unknown"
REDIRECT_STATUS = frozenset({301, 302, 303, 307, 308})


def check(name: str, result: str, text: str) -> dict[str, str]:
    """One finding."""
    return {"check": name, "result": result, "text": " ".join(text.split())[:300]}


def look_up(host: str, port: int, *, proxied: bool) -> dict[str, str]:
    """Whether the name is resolved here."""
    if proxied:
        return check("dns", UNKNOWN, "the HTTP proxy resolves the name, not this machine")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        return check("dns", FAILED, f"{host} is not resolved: {error}")
    addresses = sorted({entry[4][0] for entry in found})
    return check("dns", SHOWN, f"{host} is {', '.join(map(str, addresses))}")


class _Connection(http.client.HTTPSConnection):
    """A connection that keeps the certificate it was shown."""

    certificate: dict[str, Any] | None = None

    def connect(self) -> None:
        super().connect()
        sock = self.sock
        self.certificate = sock.getpeercert() if isinstance(sock, ssl.SSLSocket) else None


def ask(
    url: SplitResult, http_proxy: str | None, context: ssl.SSLContext, timeout: float, header: str
) -> list[dict[str, str]]:
    """Connect with the chain and the name verified, and ask for the page."""
    host, port = url.hostname or "", url.port or 443
    proxy = urlsplit(http_proxy) if http_proxy else None
    reached = (proxy.hostname or "", proxy.port or 80) if proxy else (host, port)
    connection = _Connection(*reached, context=context, timeout=timeout)
    if proxy:
        connection.set_tunnel(host, port)
    try:
        connection.connect()
        certificate = check("certificate", SHOWN, describe(connection.certificate or {}))
        connection.request("GET", f"{url.path.rstrip('/')}/", headers={"User-Agent": "owa-probe"})
        with connection.getresponse() as answer:
            answer.read(1_000_000)
            named = answer.headers.get(header) or "a server that does not name itself"
            location = answer.headers.get("Location") or ""
            return [certificate, published(url, answer.status, location, named)]
    except ssl.SSLCertVerificationError as error:
        said = check("certificate", FAILED, f"not trusted: {error.verify_message or error}")
        return [said, check("publishing", UNKNOWN, "not asked: the certificate is not trusted")]
    except (OSError, http.client.HTTPException) as error:
        reason = str(error) or type(error).__name__
        if connection.certificate is not None:
            return [
                check("certificate", SHOWN, describe(connection.certificate)),
                check("publishing", FAILED, f"no answer: {reason}"),
            ]
        return [
            check("certificate", UNKNOWN, "no connection, so none was seen"),
            check("publishing", FAILED, f"cannot be reached: {reason}"),
        ]
    finally:
        connection.close()


def describe(certificate: dict[str, Any]) -> str:
    """Issuer and end of a certificate that was verified."""
    issuer = dict(pair[0] for pair in certificate.get("issuer", ()) if pair)
    name = issuer.get("commonName") or issuer.get("organizationName") or "an unnamed authority"
    return f"trusted, issued by {name}, until {certificate.get('notAfter', 'an unknown day')}"


def published(url: SplitResult, status: int, location: str, named: str) -> dict[str, str]:
    """What the answer to the first page of OWA says of the publishing rule."""
    if status in REDIRECT_STATUS:
        away = urlsplit(location)
        if away.hostname and away.hostname.lower() != (url.hostname or "").lower():
            return check("publishing", FAILED, f"leads away to {location}")
        return check("publishing", SHOWN, f"answers {status}, as OWA does before a log-on")
    if status in (200, 401):
        return check("publishing", SHOWN, f"answers {status}, from {named}")
    return check("publishing", FAILED, f"answers {status}, from {named}")


def check_arguments(params: dict[str, Any]) -> str | None:
    """The first thing wrong with the arguments beyond their types; None where all is well."""
    try:
        url = urlsplit(params["url"])
        port_is_fine = url.port is None or url.port > 0
        proxy = urlsplit(params["http_proxy"] or "http://none")
        proxy_is_fine = proxy.scheme == "http" and bool(proxy.hostname) and (proxy.port or 80) > 0
    except ValueError as error:
        return f"url or http_proxy is not an address ({error})"
    if url.scheme != "https" or not url.hostname or not port_is_fine:
        return f"url: {params['url']!r} is not an https address"
    if not proxy_is_fine:
        return f"http_proxy: {params['http_proxy']!r} is not an http address"
    if params["timeout"] < 1:
        return f"timeout: {params['timeout']} is less than 1"
    return None


ARGUMENTS: dict[str, Any] = {
    "url": {"type": "str", "required": True},
    "http_proxy": {"type": "str"},
    "ca_path": {"type": "path"},
    "server_header": {"type": "str", "default": "X-DiagInfo"},
    "timeout": {"type": "int", "default": 30},
}


def main() -> None:
    """Entry point for Ansible."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    params = module.params
    wrong = check_arguments(params)
    if wrong:
        module.fail_json(msg=wrong)
    try:
        context = ssl.create_default_context(cafile=params["ca_path"])
    except (OSError, ssl.SSLError) as error:
        module.fail_json(msg=f"ca_path: cannot read certificates from {params['ca_path']}: {error}")
    url = urlsplit(params["url"])
    found = [look_up(url.hostname or "", url.port or 443, proxied=bool(params["http_proxy"]))]
    found += ask(url, params["http_proxy"], context, params["timeout"], params["server_header"])
    module.exit_json(checks=found)


if __name__ == "__main__":
    main()
