"""A PowerShell remoting shell on a simulated host: pipelines in, output out."""

from __future__ import annotations

import asyncio
import base64
import logging
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from psrpcore import (
    CreatePipelineEvent,
    EndOfPipelineInputEvent,
    PipelineInputEvent,
    PSRPPayload,
    ServerPipeline,
    ServerRunspacePool,
    StreamType,
)
from psrpcore.types import HostMethodIdentifier, NETException, PSVersion, SessionCapability

if TYPE_CHECKING:
    from collections.abc import Sequence

log = logging.getLogger(__name__)
_FRAGMENT = 96 * 1024


@dataclass(frozen=True)
class Outcome:
    """What a script leaves behind: output objects (texts), exit code, error text."""

    output: tuple[str, ...] = ()
    rc: int = 0
    error: str = ""


class ScriptHost(Protocol):
    """Whoever carries out scripts: a simulated Windows host."""

    @property
    def powershell(self) -> str:
        """Its PowerShell version, such as `5.1`."""

    async def run(self, script: str, lines: Sequence[str]) -> Outcome:
        """Carry out one script with its input lines."""


@dataclass
class _Stream:
    """Output of one pipeline, or of the pool itself, until the client fetches it."""

    data: bytearray = field(default_factory=bytearray)
    done: bool = False
    changed: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass
class _Pipeline:
    server: Any
    script: str = ""
    lines: list[str] = field(default_factory=list)
    task: asyncio.Task[None] | None = None


class Shell:
    """One runspace pool, as a client opens it per task and host."""

    def __init__(self, host: ScriptHost, creation: bytes) -> None:
        self._host = host
        self._pool = ServerRunspacePool()
        self._pool.our_capability = SessionCapability(
            PSVersion=PSVersion("2.0"),
            protocolversion=PSVersion("2.3" if host.powershell.startswith("5") else "2.1"),
            SerializationVersion=PSVersion("1.1.0.1"),
        )
        self._streams: dict[uuid.UUID | None, _Stream] = {None: _Stream()}
        self._pipelines: dict[uuid.UUID, _Pipeline] = {}
        self._feed(creation)

    def command(self, command_id: str, data: bytes) -> None:
        """Open a pipeline; it has to exist before its first message is read."""
        identity = uuid.UUID(command_id)
        self._pipelines[identity] = _Pipeline(ServerPipeline(self._pool, identity))
        self._streams[identity] = _Stream()
        self._feed(data)

    def send(self, data: bytes) -> None:
        """Take more messages of the client."""
        self._feed(data)

    async def receive(
        self, command_id: str | None, timeout: float
    ) -> tuple[list[str], bool] | None:
        """Output in base64 and whether it was the last; `None` when the time is up."""
        stream = self._streams.get(uuid.UUID(command_id) if command_id else None)
        if stream is None:
            return [], True
        if not stream.data and not stream.done:
            stream.changed.clear()
            try:
                async with asyncio.timeout(timeout):
                    await stream.changed.wait()
            except TimeoutError:
                return None
        pieces = [base64.b64encode(bytes(stream.data)).decode()] if stream.data else []
        stream.data.clear()
        return pieces, stream.done

    def signal(self, command_id: str) -> None:
        """Stop a pipeline and forget it."""
        identity = uuid.UUID(command_id)
        pipeline = self._pipelines.pop(identity, None)
        if pipeline is not None and pipeline.task is not None:
            pipeline.task.cancel()
        stream = self._streams.pop(identity, None)
        if stream is not None:
            stream.done = True
            stream.changed.set()
        self._pool.pipeline_table.pop(identity, None)

    def close(self) -> None:
        """Stop everything that runs in the shell."""
        for identity in list(self._pipelines):
            self.signal(str(identity))

    def _feed(self, data: bytes) -> None:
        self._pool.receive_data(PSRPPayload(data, StreamType.default, None))
        while (event := self._pool.next_event()) is not None:
            pipeline = self._pipelines.get(getattr(event, "pipeline_id", None) or uuid.UUID(int=0))
            if pipeline is None:
                continue
            if isinstance(event, CreatePipelineEvent):
                commands = event.pipeline.commands
                pipeline.script = "\n".join(command.command_text for command in commands)
                if event.pipeline.no_input:
                    self._start(pipeline)
            elif isinstance(event, PipelineInputEvent):
                pipeline.lines.append(str(event.data))
            elif isinstance(event, EndOfPipelineInputEvent):
                self._start(pipeline)
        self._collect()

    def _start(self, pipeline: _Pipeline) -> None:
        if pipeline.task is None:
            pipeline.task = asyncio.get_running_loop().create_task(self._run(pipeline))

    async def _run(self, pipeline: _Pipeline) -> None:
        server = pipeline.server
        server.start()
        try:
            outcome = await self._host.run(pipeline.script, pipeline.lines)
        except Exception as error:
            log.exception("the lab failed to carry out a script")
            outcome = Outcome(rc=1, error=f"the lab itself failed: {error!r}; see lab.log")
        for text in outcome.output:
            server.write_output(text)
        if outcome.error:
            server.write_error(NETException(Message=outcome.error))
        if outcome.rc:
            server.host_call(HostMethodIdentifier.SetShouldExit, [outcome.rc])
        server.complete()
        self._collect()
        stream = self._streams.get(server.pipeline_id)
        if stream is not None:
            stream.done = True
            stream.changed.set()

    def _collect(self) -> None:
        while (payload := self._pool.data_to_send(_FRAGMENT)) is not None:
            stream = self._streams.get(payload.pipeline_id)
            if stream is not None:
                stream.data += payload.data
                stream.changed.set()
