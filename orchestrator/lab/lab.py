"""A lab inside the process that uses it: the interface for tests."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

from orchestrator.lab.builds import parse_build
from orchestrator.lab.farm import Farm, load
from orchestrator.lab.service import LabService
from orchestrator.lab.store import Store, iso, read_records
from orchestrator.lab.wire.payload import ModuleCall

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from types import TracebackType

    from orchestrator.lab.switches import Value

_START_SECONDS = 30
T = TypeVar("T")


class Lab:
    """A running lab on an event loop in its own thread.

    Use it as a context manager, or call `start` and `stop`.

    Args:
        farm: a `lab.yml`, or an inventory folder that holds one.
        state: folder for its files.
        fresh: begin anew instead of going on from what the folder holds.
        port: on 127.0.0.1; 0 takes a free one.

    Raises:
        LabError: the farm file or the folder is no good.
    """

    def __init__(self, farm: Path, state: Path, *, fresh: bool = False, port: int = 0) -> None:
        self.farm: Farm = load(farm / "lab.yml" if farm.is_dir() else farm)
        self.store = Store(state)
        self._fresh = fresh
        self._wanted_port = port
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._service: LabService | None = None
        self._stopping: asyncio.Event | None = None

    def start(self) -> Self:
        """Start and wait until it listens.

        Raises:
            LabError: it could not start.
        """
        self.store.prepare(fresh=self._fresh)
        self._fresh = False
        ready = threading.Event()
        failures: list[BaseException] = []
        self._thread = threading.Thread(
            target=self._main, args=(ready, failures), name="lab", daemon=True
        )
        self._thread.start()
        if not ready.wait(_START_SECONDS):
            raise TimeoutError("the lab did not start")
        if failures:
            self._thread.join()
            raise failures[0]
        return self

    def stop(self) -> None:
        """Stop and wait until every connection and file is closed."""
        if self._loop is not None and self._stopping is not None:
            self._loop.call_soon_threadsafe(self._stopping.set)
        if self._thread is not None:
            self._thread.join()
        self._thread = self._loop = self._service = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _main(self, ready: threading.Event, failures: list[BaseException]) -> None:
        try:
            asyncio.run(self._serve(ready))
        except BaseException as error:
            failures.append(error)
        finally:
            ready.set()

    async def _serve(self, ready: threading.Event) -> None:
        try:
            service = LabService(self.farm, self.store)
        except BaseException:
            self.store.release()
            raise
        stopping = asyncio.Event()
        try:
            await service.start(self._wanted_port)
            self._service, self._stopping = service, stopping
            self._loop = asyncio.get_running_loop()
            ready.set()
            await stopping.wait()
        finally:
            await service.stop()

    def _ask(self, question: Callable[[LabService], T]) -> T:
        """Answer a question on the lab's own thread."""
        service, loop = self._service, self._loop
        if service is None or loop is None:
            raise RuntimeError("the lab is not running")

        async def answer() -> T:
            return question(service)

        return asyncio.run_coroutine_threadsafe(answer(), loop).result(timeout=30)

    def _wait(
        self, work: Callable[[LabService], Coroutine[Any, Any, dict[str, Any]]]
    ) -> dict[str, Any]:
        """Wait for work on the lab's own thread."""
        if self._service is None or self._loop is None:
            raise RuntimeError("the lab is not running")
        return asyncio.run_coroutine_threadsafe(work(self._service), self._loop).result()

    # ---- how to reach it --------------------------------------------------------------------

    @property
    def port(self) -> int:
        """Port of the listener on 127.0.0.1."""
        return self._ask(lambda service: service.network.port)

    @property
    def proxy_url(self) -> str:
        """The listener as an HTTP proxy."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def connection_file(self) -> Path:
        """Variables for Ansible: `-e @FILE`."""
        return self.store.connection_file

    @property
    def ca_file(self) -> Path:
        """Certificate of the lab's authority."""
        return self.store.ca_file

    def password(self, mailbox: str) -> str:
        """The password of a mailbox."""
        return self.store.secret(f"mailboxes/{mailbox}.password")

    @property
    def administrator_password(self) -> str:
        """The password of the Windows account `Administrator`."""
        return self.store.secret("administrator.password")

    # ---- what it is like --------------------------------------------------------------------

    def set(self, assignment: str) -> tuple[str, Value]:
        """Turn a switch, `NAME=VALUE`.

        Raises:
            LabError: unknown switch or value.
        """
        return self._ask(lambda service: service.world.set(assignment))

    def arm(self, kind: str, **more: Any) -> str:
        """Arm a fault (`orchestrator.lab.faults`); how it reads.

        Raises:
            LabError: it is none.
        """
        return self._ask(lambda service: str(service.world.arm({"kind": kind, **more})))

    def disarm(self) -> None:
        """Clear all faults."""
        self._ask(lambda service: service.world.disarm())

    def strikes(self) -> list[dict[str, Any]]:
        """Every strike of a fault so far (faults.jsonl)."""
        return list(read_records(self.store.folder / "faults.jsonl"))

    def services(self, server: str) -> dict[str, tuple[str, str]]:
        """Start mode and state of the services of a server."""

        def read(service: LabService) -> dict[str, tuple[str, str]]:
            services = service.world.machine(server).services
            return {name: (entry.start_mode, entry.state) for name, entry in services.items()}

        return self._ask(read)

    def status(self) -> dict[str, Any]:
        """Servers and switches, as `lab status` shows them."""
        return self._ask(LabService.status)

    def build(self, server: str) -> str:
        """The build in force on a server."""
        return self._ask(lambda service: str(service.world.machine(server).build))

    def rollups(self, server: str) -> list[str]:
        """The rollups installed on a server, oldest first."""
        return self._ask(lambda s: [str(build) for build in s.world.machine(server).rollups])

    def folders(self, server: str) -> list[str]:
        """Builds whose version folder a server has beside its own."""
        return self._ask(lambda s: [str(build) for build in s.world.machine(server).folders])

    def external_url(self, server: str, *, site: str | None = None) -> str:
        """OWA's external address of a server as a site sees it (its own by default)."""
        seen_from = site or self.farm.servers[server].site
        return self._ask(lambda s: s.world.url(server, "external_url", site=seen_from))

    def events(self, server: str) -> list[dict[str, Any]]:
        """The Application log of a server, oldest first."""

        def read(service: LabService) -> list[dict[str, Any]]:
            return [
                {
                    "time": iso(event.time),
                    "source": event.source,
                    "id": event.id,
                    "level": event.level,
                    "category": event.category,
                    "message": event.message,
                }
                for event in service.world.machine(server).events
            ]

        return self._ask(read)

    def package(self, build: str) -> dict[str, str]:
        """The arguments `exchange_rollup` needs to install a package of the farm's share."""
        package = self.farm.packages[parse_build(build)]
        return {
            "build": build,
            "path": package.path,
            "sha256": hashlib.sha256(package.content).hexdigest(),
            "patch_code": package.patch_code,
        }

    def carry_out(
        self, module: str, arguments: dict[str, Any], *, check_mode: bool = False
    ) -> dict[str, Any]:
        """Run one of the lab's modules on a management host, without Ansible around it.

        Args:
            module: such as `exchange_rollup`.
            arguments: as in a task.

        Returns:
            What the module answers; `failed` in it when it failed.
        """
        call = ModuleCall(module, arguments, check_mode)
        return self._wait(lambda service: service.management_host().call(call))

    def requests(self) -> list[dict[str, Any]]:
        """Every user request so far (requests.jsonl)."""
        return list(read_records(self.store.folder / "requests.jsonl"))

    def module_calls(self) -> list[dict[str, Any]]:
        """Every module call so far (modules.jsonl)."""
        return list(read_records(self.store.folder / "modules.jsonl"))
