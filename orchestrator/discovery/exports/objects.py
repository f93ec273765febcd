"""Which cmdlet an exported object comes from: by type name, else by its properties."""

from __future__ import annotations

from enum import Enum, auto

from orchestrator.discovery.exports.values import text
from orchestrator.discovery.rows.row import Row
from orchestrator.model.topology import Protocol


class Kind(Enum):
    """What an exported object is."""

    SERVER = auto()
    """`Get-ExchangeServer`."""
    CLIENT_ACCESS = auto()
    """`Get-ClientAccessServer`."""
    DIRECTORY = auto()
    """`Get-OwaVirtualDirectory` and its kin."""
    MAILBOXES = auto()
    """`Get-Mailbox | Group-Object ServerName`: a number and a server's name."""
    MAILBOX = auto()
    """`Get-Mailbox`: one mailbox."""
    SETUP = auto()
    """File version of ExSetup.exe on a server."""
    ORGANIZATION = auto()
    """`Get-OrganizationConfig`."""


_DIRECTORIES = {
    "adowavirtualdirectory": Protocol.OWA,
    "adecpvirtualdirectory": Protocol.ECP,
    "admobilevirtualdirectory": Protocol.EAS,
    "adwebservicesvirtualdirectory": Protocol.EWS,
}
_BY_NAME = {
    "owa": Protocol.OWA,
    "ecp": Protocol.ECP,
    "microsoft-server-activesync": Protocol.EAS,
    "ews": Protocol.EWS,
}
_TYPES = {
    "exchangeserver": Kind.SERVER,
    "clientaccessserver": Kind.CLIENT_ACCESS,
    "organizationconfig": Kind.ORGANIZATION,
    "adorganizationconfig": Kind.ORGANIZATION,
    "mailbox": Kind.MAILBOX,
}


def kind_of(row: Row) -> Kind | None:
    """What an object is, or None if it says nothing of a farm."""
    for name in row.types:
        last = name.rpartition(".")[2].lower()
        if last in _TYPES:
            return _TYPES[last]
        if last.endswith("virtualdirectory"):
            return Kind.DIRECTORY
    return _by_properties({name.lower() for name in row.values})


def _by_properties(names: set[str]) -> Kind | None:
    if names & {"setupversion", "exsetupversion"}:
        return Kind.SETUP
    if {"internalurl", "externalurl"} & names and "server" in names:
        return Kind.DIRECTORY
    if {"admindisplayversion", "site"} <= names:
        return Kind.SERVER
    if {"count", "name"} <= names:
        return Kind.MAILBOXES
    if "servername" in names and names & {"primarysmtpaddress", "alias"}:
        return Kind.MAILBOX
    if {"name", "autodiscoverserviceinternaluri"} <= names:
        return Kind.CLIENT_ACCESS
    return None


def protocol_of(row: Row) -> Protocol | None:
    """The protocol of a virtual directory; None for one nobody proxies (PowerShell, OAB)."""
    for name in row.types:
        last = name.rpartition(".")[2].lower()
        if last in _DIRECTORIES:
            return _DIRECTORIES[last]
    name = text(row, "Name") or text(row, "Identity").rpartition("\\")[2]
    return _BY_NAME.get(name.split("(")[0].strip().lower())
