"""What Ansible says of the hosts, before anything is made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestrator.diagnostic import Place

VARIABLES = (
    "exchange_build",
    "ad_site",
    "exchange_roles",
    "exchange_dag",
    "exchange_owa_internal_url",
    "exchange_owa_external_url",
    "exchange_estimated_minutes",
    "exchange_management_host",
    "exchange_version_folders",
)
"""The host variables this program reads. No password is among them: secrets may be out of reach
while a plan is made, and nothing but Ansible itself ever needs them."""


@dataclass(frozen=True)
class Variable:
    """A resolved host variable and where it was given."""

    value: object
    place: Place | None


@dataclass(frozen=True)
class RawHost:
    """One host of the group ``exchange``.

    Parameters
    ----------
    name : str
        As the inventory names it.
    place : Place
    variables : mapping of name to Variable
        Those of `VARIABLES` that are given and could be resolved.
    unresolved : frozenset of str
        Those that are given and could not; a finding says why.
    """

    name: str
    place: Place
    variables: Mapping[str, Variable]
    unresolved: frozenset[str] = frozenset()

    def place_of(self, variable: str) -> Place:
        """Where a variable was given, else where the host is."""
        found = self.variables.get(variable)
        return found.place if found and found.place else self.place


@dataclass(frozen=True)
class RawHosts:
    """The inventory as Ansible resolved it.

    Parameters
    ----------
    exchange : tuple of RawHost
        In the inventory's order.
    names : frozenset of str
        Every host of the inventory.
    management : frozenset of str
        Hosts of the group ``management``.
    borrowed_address : mapping of host to Place
        Management hosts whose ``ansible_host`` is made from ``inventory_hostname``: under
        ``delegate_to`` Ansible takes the name of the host it works *for*.
    """

    exchange: tuple[RawHost, ...] = ()
    names: frozenset[str] = field(default_factory=frozenset)
    management: frozenset[str] = field(default_factory=frozenset)
    borrowed_address: Mapping[str, Place] = field(default_factory=dict)
