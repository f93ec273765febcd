"""The pages a simulated OWA shows. Texts are the lab's own except the one that is documented."""

from __future__ import annotations

from html import escape

from orchestrator.lab.wire.http import Headers, Response

INVALID_COOKIE = "Invalid user context cookie found in proxy response"
OLDER_SOURCE = (
    "This Client Access server runs an older version than the Client Access server of your mailbox"
)
MISSING_FOLDER = (
    "Outlook Web App did not find the files for the version of the Client Access server of your "
    "mailbox"
)
NO_SERVER = "No Client Access server that can reach your mailbox was found"
ALL_FAILED = "Outlook Web App is unavailable: no Client Access server of your mailbox answers"
NEWER_MAILBOX = "Your mailbox is on a newer version of Exchange than this Client Access server"

LOGON = "/owa/auth/logon.aspx"
LOGON_FORM = "/owa/auth.owa"
PROXY_LOGON = "/owa/proxyLogon.owa"


def page(status: int, title: str, body: str, headers: Headers = ()) -> Response:
    """A page; title and body are HTML."""
    html = f"<!DOCTYPE html><html><head><title>{title}</title></head><body>{body}</body></html>\n"
    content = ("Content-Type", "text/html; charset=utf-8")
    return Response(status, (content, ("Cache-Control", "no-store"), *headers), html.encode())


def mailbox(address: str, headers: Headers) -> Response:
    """The inbox of a user."""
    owner = escape(address)
    return page(200, f"Inbox - {owner} - Outlook Web App", f"<h1>Inbox of {owner}</h1>", headers)


def error(status: int, text: str, headers: Headers) -> Response:
    """An error with its exact text."""
    title = "Outlook Web App - Error"
    return page(status, title, f'<div id="errorMessage">{escape(text)}</div>', headers)


def use_this_address(url: str, headers: Headers) -> Response:
    """The page of a manual redirection."""
    link = escape(url, quote=True)
    body = (
        "<p>Use the following link to open this mailbox with the best performance:</p>"
        f'<a id="redirectLink" href="{link}">{link}</a>'
    )
    return page(200, "Outlook Web App", body, headers)


def logon_form(destination: str, reason: str) -> Response:
    """The form where users log on."""
    refused = "<p>The user name or password is not correct.</p>" if reason == "2" else ""
    url = escape(destination, quote=True)
    body = (
        f'{refused}<form method="POST" action="{LOGON_FORM}">'
        f'<input type="hidden" name="destination" value="{url}">'
        '<input type="hidden" name="flags" value="4">'
        '<input type="hidden" name="forcedownlevel" value="0">'
        '<input type="hidden" name="trusted" value="4">'
        '<input type="hidden" name="isUtf8" value="1">'
        '<input name="username"><input name="password" type="password"></form>'
    )
    return page(200, "Outlook Web App - Sign in", body)


def go_to(url: str, headers: Headers = ()) -> Response:
    """A redirection by HTTP."""
    return Response(302, (("Location", url), *headers))
