"""A running lab on an event loop: world, network, and the requests that control it."""

from __future__ import annotations

import functools
import hmac
import json
import os
from typing import TYPE_CHECKING, Any

import yaml

from orchestrator.lab.certificates import client_context, server_context
from orchestrator.lab.errors import LabError
from orchestrator.lab.network import Network
from orchestrator.lab.owa.front import OwaFront
from orchestrator.lab.windows.host import WindowsHost
from orchestrator.lab.wire.http import Request, Response
from orchestrator.lab.wire.wsman import WinRm
from orchestrator.lab.world import World

if TYPE_CHECKING:
    from orchestrator.lab.farm import Farm
    from orchestrator.lab.store import Store

ACCOUNT = "Administrator"
TOKEN = "control.token"  # noqa: S105 - the name of a file
TOKEN_HEADER = "x-lab-token"  # noqa: S105 - the name of a header
# Production waits for minutes what the lab does in a second.
_SPEED = {
    "exchange_poll_seconds": 1,
    "exchange_poll_retries": 60,
    "exchange_settle_seconds": 1,
    "exchange_settle_retries": 60,
    "exchange_restart_timeout": 60,
    "exchange_drain_quiet_seconds": 2,
}


class LabService:
    """Everything that listens and answers.

    Args:
        farm: what is simulated.
        store: its folder, prepared.
    """

    def __init__(self, farm: Farm, store: Store) -> None:
        self.store = store
        self._write_accounts(farm)
        self.world = World(farm, store)
        self._token = store.secret(TOKEN)
        names = [
            *(farm.fqdn(name) for name in (*farm.servers, *farm.management_hosts)),
            *farm.servers,
            *farm.management_hosts,
            *farm.published,
        ]
        server_tls = server_context(store, names)
        self.network = Network(self.world, server_tls, client_context(store))
        self.network.control = self._control
        self.hosts: list[WindowsHost] = []
        self._connect_hosts(farm)
        self.world.on_outage = self._web_outage
        self.world.on_restart = self._restart
        self.world.on_reset = functools.partial(self.network.reset, web_only=False)

    def _write_accounts(self, farm: Farm) -> None:
        """One account for Windows, by every name a client may use, and the users' passwords."""
        password = self.store.secret("administrator.password")
        netbios = farm.domain.partition(".")[0]
        forms = (":" + ACCOUNT, f"{netbios}:{ACCOUNT}", f":{ACCOUNT}@{farm.domain}")
        lines = "".join(f"{form}:{password}\n" for form in forms)
        self.store.write_secret("ntlm-users", lines)
        for address in farm.mailboxes:
            self.store.secret(f"mailboxes/{address}.password")

    def _connect_hosts(self, farm: Farm) -> None:
        powershell = {name: server.powershell for name, server in farm.servers.items()}
        powershell |= dict.fromkeys(farm.management_hosts, "5.1")
        for name, version in powershell.items():
            host = WindowsHost(self.world, name, version)
            self.hosts.append(host)
            self.network.winrm[name] = WinRm(host, self.store.user_file)
        # What servers of the farm show each other instead of a Kerberos ticket.
        ticket = self.store.secret("farm.ticket")
        for name in farm.servers:
            forward = functools.partial(self.network.connect, name)
            self.network.owa[name] = OwaFront(self.world, name, ticket, forward)

    async def start(self, port: int = 0) -> None:
        """Listen, and write the files that tell how to reach the lab.

        Raises:
            LabError: the port is taken.
        """
        try:
            await self.network.listen(port)
        except OSError as error:
            raise LabError(f"127.0.0.1:{port} is taken: stop what uses it") from error
        self._write_connection()
        self.store.write_running(self.network.port)

    async def stop(self) -> None:
        """Reset all connections, save, and close every file."""
        await self.network.close()
        for host in self.hosts:
            host.close()
        for service in self.network.winrm.values():
            service.drop_shells()
        self.world.close()
        self.store.release()

    @property
    def proxy_url(self) -> str:
        """The listener as an HTTP proxy."""
        return f"http://127.0.0.1:{self.network.port}"

    def _write_connection(self) -> None:
        folder = self.store.folder.resolve()
        authority = str(folder / self.store.ca_file.name)
        variables = {
            "exchange_secrets_folder": str(folder / self.store.secrets.name),
            "ansible_psrp_proxy": self.proxy_url,
            "ansible_psrp_ca_cert": authority,
            "owa_probe_http_proxy": self.proxy_url,
            "owa_probe_ca_path": authority,
            **_SPEED,
        }
        head = (
            "# How to reach the simulated farm: pass it with -e @THIS-FILE. Holds no secret.\n---\n"
        )
        text = head + yaml.safe_dump(variables, sort_keys=False)
        self.store.connection_file.write_text(text)

    def management_host(self) -> WindowsHost:
        """One of the management hosts."""
        return next(host for host in self.hosts if host.name in self.world.farm.management_hosts)

    def _web_outage(self, name: str) -> None:
        self.network.reset(name, web_only=True)
        self.network.owa[name].forget()

    def _restart(self, name: str) -> None:
        self.network.reset(name, web_only=False)
        self.network.winrm[name].drop_shells()
        if name in self.network.owa:
            self.network.owa[name].forget()

    async def _control(self, request: Request) -> Response:
        if not hmac.compare_digest(request.header(TOKEN_HEADER) or "", self._token):
            return Response(403, body=b"this is the proxy of a lab; see `orchestrator lab status`")
        try:
            if request.target == "/lab/status":
                return _json(self.status())
            if request.target == "/lab/set" and request.method == "POST":
                name, value = self.world.set(request.body.decode())
                return _json({"switch": name, "value": value})
            if request.target == "/lab/faults":
                return _json(self._faults(request))
        except LabError as error:
            return Response(400, body=str(error).encode())
        return Response(404)

    def _faults(self, request: Request) -> dict[str, Any]:
        """GET lists, POST arms the faults of a list, DELETE clears.

        Raises:
            LabError: one of them is no fault.
        """
        world = self.world
        if request.method == "POST":
            for entry in json.loads(request.body):
                world.arm(entry)
        elif request.method == "DELETE":
            world.disarm()
        return {"armed": [str(fault) for fault in world.faults.armed]}

    def status(self) -> dict[str, Any]:
        """What the farm looks like now."""
        world = self.world
        servers = []
        for name, server in world.farm.servers.items():
            machine = world.machine(name)
            servers.append(
                {
                    "server": name,
                    "site": server.site,
                    "line": server.line,
                    "build": str(machine.build),
                    "external_url": world.url(name, "external_url", site=server.site),
                    "state": _state(world, name),
                }
            )
        return {
            "pid": os.getpid(),
            "servers": servers,
            "switches": world.switches,
            "faults": [str(fault) for fault in world.faults.armed],
        }


def _state(world: World, name: str) -> str:
    machine = world.machine(name)
    if not world.powered(name):
        return "off"
    if machine.task is not None:
        return "installing" if machine.task.action == "present" else "removing"
    if not world.manageable(name):
        return "restarting"
    if not world.serves_web(name):
        return "web service stopped"
    return "restart pending" if machine.pending_restart else "up"


def _json(content: Any) -> Response:
    return Response(200, (("Content-Type", "application/json"),), json.dumps(content).encode())
