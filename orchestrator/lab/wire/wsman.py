"""The WinRM service of one simulated host: log-on, shells, and the messages between."""

from __future__ import annotations

import base64
import logging
from typing import TYPE_CHECKING

from orchestrator.lab.wire import soap
from orchestrator.lab.wire.http import Request, Response
from orchestrator.lab.wire.ntlm import NtlmSession, Refused
from orchestrator.lab.wire.psrp import Shell

if TYPE_CHECKING:
    from pathlib import Path
    from xml.etree.ElementTree import Element

    from orchestrator.lab.wire.psrp import ScriptHost

log = logging.getLogger(__name__)
_PLAIN = "application/soap+xml;charset=UTF-8"
_CONFIG = "/wbem/wsman/1/config"


class WinRm:
    """The shells of one host; they outlive connections and die with the host."""

    def __init__(self, host: ScriptHost, user_file: Path) -> None:
        self.host = host
        self.user_file = user_file
        self.shells: dict[str, Shell] = {}

    def connection(self, *, tls: bool, denied: bool = False) -> WinRmConnection:
        """What answers the requests of one connection; `denied` refuses every log-on."""
        return WinRmConnection(self, tls=tls, denied=denied)

    def drop_shells(self) -> None:
        """End all shells, as a restart does."""
        for shell in self.shells.values():
            shell.close()
        self.shells.clear()


class WinRmConnection:
    """One connection to the service; NTLM belongs to the connection."""

    def __init__(self, service: WinRm, *, tls: bool, denied: bool = False) -> None:
        self._service = service
        self._denied = denied
        self._tls = tls
        self._session = NtlmSession(service.user_file)

    async def __call__(self, request: Request) -> Response:
        if request.method != "POST" or request.target.split("?")[0] != "/wsman":
            return Response(404)
        shown = None if self._denied else request.header("authorization")
        access = self._session.check(shown)
        if isinstance(access, Refused):
            return Response(401, (*access.headers, ("Server", "Microsoft-HTTPAPI/2.0")))
        content_type = request.header("content-type") or ""
        encrypted = content_type.startswith("multipart/encrypted")
        if not request.body:
            return Response(200, access.headers)
        if not encrypted and not self._tls:
            return Response(403, access.headers, b"This host takes encrypted messages only.")
        try:
            body = self._session.decrypt(content_type, request.body) if encrypted else request.body
            message = soap.parse(body)
        except ValueError as error:
            log.warning("unreadable WSMan message: %s", error)
            return Response(400, access.headers, f"unreadable message: {error}".encode())
        status, answer = await self._answer(message)
        if encrypted:
            content_type, answer = self._session.encrypt(answer)
        else:
            content_type = _PLAIN
        return Response(status, (*access.headers, ("Content-Type", content_type)), answer)

    async def _answer(self, message: soap.Message) -> tuple[int, bytes]:
        try:
            return 200, soap.reply(message, await self._operate(message))
        except soap.Fault as error:
            return 500, soap.fault(message.message_id, error)

    async def _operate(self, message: soap.Message) -> str:
        operation, body = message.operation, message.body
        if operation == "Create":
            return self._create(message)
        if operation == "Get" and message.resource.endswith(_CONFIG):
            return "<cfg:Config><cfg:MaxEnvelopeSizekb>500</cfg:MaxEnvelopeSizekb></cfg:Config>"
        if operation == "Delete":
            shell = self._service.shells.pop(message.shell_id, None)
            if shell is not None:
                shell.close()
            return ""
        shell = self._shell(message.shell_id)
        if operation == "Command":
            line = _child(body, "rsp:CommandLine")
            command_id = line.get("CommandId", "")
            shell.command(command_id, _decode(line.findtext("rsp:Arguments", "", soap.NAMESPACES)))
            answer = f"<rsp:CommandId>{command_id}</rsp:CommandId>"
            return f"<rsp:CommandResponse>{answer}</rsp:CommandResponse>"
        if operation == "Send":
            for stream in body.iterfind("rsp:Send/rsp:Stream", soap.NAMESPACES):
                shell.send(_decode(stream.text or ""))
            return "<rsp:SendResponse/>"
        if operation == "Receive":
            return await self._receive(shell, message)
        if operation == "Signal":
            shell.signal(_child(body, "rsp:Signal").get("CommandId", ""))
            return "<rsp:SignalResponse/>"
        raise soap.Fault(soap.NOT_SUPPORTED, f"the lab does not know WSMan {operation}")

    def _create(self, message: soap.Message) -> str:
        shell = _child(message.body, "rsp:Shell")
        creation = shell.findtext("pwsh:creationXml", "", soap.NAMESPACES)
        shell_id = shell.get("ShellId", "")
        if not creation or not shell_id:
            text = "the lab speaks PSRP only: use the connection plug-in ansible.builtin.psrp"
            raise soap.Fault(soap.NOT_SUPPORTED, text)
        self._service.shells[shell_id] = Shell(self._service.host, _decode(creation))
        return soap.shell_created(shell_id, message.resource)

    async def _receive(self, shell: Shell, message: soap.Message) -> str:
        wanted = _child(message.body, "rsp:Receive").find("rsp:DesiredStream", soap.NAMESPACES)
        command_id = wanted.get("CommandId") if wanted is not None else None
        output = await shell.receive(command_id, message.timeout)
        if output is None:
            text = "The WS-Management service cannot complete the operation within the time."
            raise soap.Fault(soap.OPERATION_TIMED_OUT, text)
        pieces, done = output
        return soap.received(command_id, pieces, done=done)

    def _shell(self, shell_id: str) -> Shell:
        shell = self._service.shells.get(shell_id)
        if shell is None:
            raise soap.Fault(soap.SHELL_NOT_FOUND, f"The shell {shell_id} was not found.")
        return shell


def _child(body: Element, path: str) -> Element:
    found = body.find(path, soap.NAMESPACES)
    if found is None:
        raise soap.Fault(soap.NOT_SUPPORTED, f"the message has no {path}")
    return found


def _decode(text: str) -> bytes:
    return base64.b64decode("".join(text.split()))
