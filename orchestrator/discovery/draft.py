"""A discovered organisation before a person has filled in what no server can say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from orchestrator.diagnostic import Place
from orchestrator.model.build import Build
from orchestrator.model.topology import PoolId, Protocol


@dataclass(frozen=True)
class VirtualDirectory:
    """One protocol's virtual directory on one server.

    Parameters
    ----------
    authentication : tuple of str
        Methods that are switched on, as Exchange names them: ``Basic``, ``Windows``, ``Forms``.
    cross_site_redirect_type : str
        ``Manual`` or ``Silent``; empty before 2010 SP2 and where it was not read.
    """

    internal_url: str = ""
    external_url: str = ""
    authentication: tuple[str, ...] = ()
    cross_site_redirect_type: str = ""


@dataclass(frozen=True)
class DraftServer:
    """One server as found; what was not found is empty or None, never guessed.

    Parameters
    ----------
    name : str
        Host name in lower case, without domain.
    address : str
        Fully qualified name; empty if not known.
    site : str
        Active Directory site, as it may stand in organization.yml.
    product_line : str
        One of ``model.build.PRODUCT_LINES``; empty if the build does not tell.
    build : Build or None
    build_is_exact : bool
        False where only AdminDisplayVersion was read, which shows the service pack but no rollup
        [doc].
    roles : tuple of str
        ``ClientAccess``, ``Mailbox``, ``HubTransport``, ``UnifiedMessaging``, ``Edge``.
    dag : str
        Its database availability group; empty if none.
    directories : mapping of Protocol to VirtualDirectory
    facts : mapping of str to str
        What else was read and belongs into a report: pending restart, free disk, rollups.
    place : Place or None
        Where it was first read.
    """

    name: str
    site: str = ""
    address: str = ""
    product_line: str = ""
    build: Build | None = None
    build_is_exact: bool = True
    roles: tuple[str, ...] = ()
    dag: str = ""
    directories: Mapping[Protocol, VirtualDirectory] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    place: Place | None = None


@dataclass(frozen=True)
class Todo:
    """Something a person has to say.

    Parameters
    ----------
    subject : str
        ``host par-cas-01``, ``pool berlin/2010``, ``organization``.
    key : str
        The key in hosts.yml or organization.yml.
    why : str
        Why no server can say it, or what was found and is not enough.
    """

    subject: str
    key: str
    why: str


@dataclass(frozen=True)
class Draft:
    """A discovered organisation.

    Parameters
    ----------
    organization : str
        Its name; empty if not known.
    servers : tuple of DraftServer
        Every Exchange server found, also those without the ClientAccess role; sorted by name.
    mailboxes : mapping of PoolId to int
        Mailboxes by site and product line of their mailbox server.
    todos : tuple of Todo
    """

    organization: str
    servers: tuple[DraftServer, ...]
    mailboxes: Mapping[PoolId, int] = field(default_factory=dict)
    todos: tuple[Todo, ...] = ()

    @property
    def client_access(self) -> tuple[DraftServer, ...]:
        """The servers that hold the ClientAccess role: the nodes of the proxy graph."""
        return tuple(server for server in self.servers if "ClientAccess" in server.roles)
