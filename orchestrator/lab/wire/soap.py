"""WSMan messages: what is read from a request, and how answers and faults are written."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

if TYPE_CHECKING:
    from collections.abc import Iterable

NAMESPACES = {
    "s": "http://www.w3.org/2003/05/soap-envelope",
    "a": "http://schemas.xmlsoap.org/ws/2004/08/addressing",
    "w": "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd",
    "rsp": "http://schemas.microsoft.com/wbem/wsman/1/windows/shell",
    "x": "http://schemas.xmlsoap.org/ws/2004/09/transfer",
    "f": "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault",
    "cfg": "http://schemas.microsoft.com/wbem/wsman/1/config",
    "pwsh": "http://schemas.microsoft.com/powershell",
}
_DECLARED = "".join(f' xmlns:{prefix}="{uri}"' for prefix, uri in NAMESPACES.items())
_SHELL_ACTION = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
_TRANSFER_ACTION = "http://schemas.xmlsoap.org/ws/2004/09/transfer"

OPERATION_TIMED_OUT = 2150858793
SHELL_NOT_FOUND = 2150858843
NOT_SUPPORTED = 2150858778


class Fault(Exception):
    """A WSMan fault to answer with.

    Args:
        code: WSMan fault code.
        text: what a client shows.
    """

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


@dataclass(frozen=True)
class Message:
    """The parts of a request the lab acts on."""

    action: str
    message_id: str
    resource: str
    timeout: float
    shell_id: str
    body: ElementTree.Element

    @property
    def operation(self) -> str:
        """The last part of the action: Create, Command, Send, Receive, Signal, Delete, Get."""
        return self.action.rsplit("/", 1)[-1]


def parse(data: bytes) -> Message:
    """Read an envelope.

    Raises:
        ValueError: it is not a WSMan envelope.
    """
    try:
        # The sender has logged on and sits on this machine; expat refuses entity bombs.
        envelope = ElementTree.fromstring(data)  # noqa: S314
    except ElementTree.ParseError as error:
        raise ValueError(f"not XML: {error}") from error
    header, body = envelope.find("s:Header", NAMESPACES), envelope.find("s:Body", NAMESPACES)
    if header is None or body is None:
        raise ValueError("not a SOAP envelope")
    selectors = header.iterfind("w:SelectorSet/w:Selector", NAMESPACES)
    return Message(
        action=header.findtext("a:Action", "", NAMESPACES),
        message_id=header.findtext("a:MessageID", "", NAMESPACES),
        resource=header.findtext("w:ResourceURI", "", NAMESPACES),
        timeout=_duration(header.findtext("w:OperationTimeout", "PT20S", NAMESPACES)),
        shell_id=next((s.text or "" for s in selectors if s.get("Name") == "ShellId"), ""),
        body=body,
    )


def reply(message: Message, body: str) -> bytes:
    """The envelope that answers a request."""
    prefix = _TRANSFER_ACTION if message.operation in ("Create", "Delete", "Get") else _SHELL_ACTION
    return _envelope(f"{prefix}/{message.operation}Response", message.message_id, body)


def fault(message_id: str, error: Fault) -> bytes:
    """The envelope of a fault; it goes with HTTP status 500."""
    text = escape(error.text)
    body = (
        "<s:Fault><s:Code><s:Value>s:Receiver</s:Value><s:Subcode><s:Value>w:InternalError"
        f'</s:Value></s:Subcode></s:Code><s:Reason><s:Text xml:lang="en-US">{text}</s:Text>'
        f'</s:Reason><s:Detail><f:WSManFault Code="{error.code}" Machine="lab">'
        f"<f:Message>{text}</f:Message></f:WSManFault></s:Detail></s:Fault>"
    )
    return _envelope(f"{NAMESPACES['w']}/fault", message_id, body)


def shell_created(shell_id: str, resource: str) -> str:
    """Body of a Create answer."""
    identity = escape(shell_id)
    return (
        f"<x:ResourceCreated><a:Address>http://lab/wsman</a:Address><a:ReferenceParameters>"
        f"<w:ResourceURI>{escape(resource)}</w:ResourceURI><w:SelectorSet>"
        f'<w:Selector Name="ShellId">{identity}</w:Selector></w:SelectorSet>'
        f"</a:ReferenceParameters></x:ResourceCreated>"
        f"<rsp:Shell><rsp:ShellId>{identity}</rsp:ShellId>"
        f"<rsp:ResourceUri>{escape(resource)}</rsp:ResourceUri></rsp:Shell>"
    )


def received(command_id: str | None, pieces: Iterable[str], *, done: bool) -> str:
    """Body of a Receive answer; pieces are base64 texts."""
    command = f" CommandId={quoteattr(command_id)}" if command_id else ""
    streams = "".join(
        f'<rsp:Stream Name="stdout"{command}>{piece}</rsp:Stream>' for piece in pieces
    )
    state = "Done" if done else "Running"
    uri = f"{_SHELL_ACTION}/CommandState/{state}"
    status = f'<rsp:CommandState{command} State="{uri}"/>' if command_id else ""
    return f"<rsp:ReceiveResponse>{streams}{status}</rsp:ReceiveResponse>"


def _envelope(action: str, relates_to: str, body: str) -> bytes:
    return (
        f"<s:Envelope{_DECLARED}><s:Header><a:Action>{action}</a:Action>"
        f"<a:MessageID>uuid:{str(uuid.uuid4()).upper()}</a:MessageID>"
        f"<a:RelatesTo>{escape(relates_to)}</a:RelatesTo></s:Header>"
        f"<s:Body>{body}</s:Body></s:Envelope>"
    ).encode()


def _duration(text: str) -> float:
    found = re.fullmatch(r"PT(?:(\d+)M)?(?:([\d.]+)S)?", text)
    if found is None:
        return 20.0
    return 60.0 * int(found[1] or 0) + float(found[2] or 0)
