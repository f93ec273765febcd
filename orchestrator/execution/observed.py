"""The farm as it was read: what the servers said, and which of them said nothing.

Nothing is assumed: a server that was not read is in no field but `problems`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from orchestrator.diagnostic import Diagnostic, Severity
from orchestrator.model.build import Build
from orchestrator.model.state import State
from orchestrator.model.topology import Protocol

OBSERVED_PROTOCOLS = (Protocol.OWA,)
"""Protocols whose ExternalURLs are read."""


@dataclass(frozen=True)
class ServerFacts:
    """What one server said about itself.

    Parameters
    ----------
    name : str
        As the inventory names it.
    own_name, fqdn : str
        As it calls itself.
    build : Build
    ad_site : str
    roles : tuple of str
    internal_url, external_url : str
        OWA; empty for none.
    pending_restart, installer_running : bool
    free_disk_mb : int
    automatic_updates : str
    rollup_builds : tuple of str
        Oldest first; empty text where a rollup does not tell its build.
    version_folders : tuple of Build
        Of which builds it has the folder ``owa\\<build>``; what was not said is not there.
    answer : mapping
        Everything it said, as documented in exchange_server_facts.
    """

    name: str
    own_name: str
    fqdn: str
    build: Build
    ad_site: str
    roles: tuple[str, ...]
    internal_url: str
    external_url: str
    pending_restart: bool
    installer_running: bool
    free_disk_mb: int
    automatic_updates: str
    rollup_builds: tuple[str, ...]
    version_folders: tuple[Build, ...]
    answer: Mapping[str, Any]

    @classmethod
    def from_answer(cls, name: str, answer: Mapping[str, Any]) -> ServerFacts:
        """Take apart what exchange_server_facts returned as ``exchange_server``.

        Raises
        ------
        ValueError
            If something is missing or not what it should be; a missing address is not "none".
        """
        try:
            owa = answer["virtual_directories"]["owa"]
            if not isinstance(owa, Mapping):
                raise ValueError("it has no OWA virtual directory")
            return cls(
                name=name,
                own_name=str(answer["name"]),
                fqdn=str(answer["fqdn"]),
                build=Build.parse(str(answer["build"])),
                ad_site=str(answer["ad_site"] or ""),
                roles=tuple(str(role) for role in answer["roles"]),
                internal_url=str(owa["internal_url"] or ""),
                external_url=str(owa["external_url"] or ""),
                pending_restart=bool(answer["pending_restart"]),
                installer_running=bool(answer["installer_running"]),
                free_disk_mb=int(answer["free_disk_mb"]),
                automatic_updates=str(answer["automatic_updates"]),
                rollup_builds=tuple(str(r["build"] or "") for r in answer["rollups"]),
                version_folders=tuple(
                    Build.parse(str(text)) for text in answer.get("owa_version_folders") or ()
                ),
                answer=answer,
            )
        except KeyError as error:
            raise ValueError(f"the answer lacks {error}") from None
        except TypeError as error:
            raise ValueError(f"the answer is not as documented: {error}") from None


@dataclass(frozen=True)
class ObservedFarm:
    """The farm at one moment.

    Parameters
    ----------
    servers : mapping of server name to ServerFacts
        Only those that were read.
    problems : tuple of Diagnostic
        One per server that was not, and whatever else went wrong.
    """

    servers: Mapping[str, ServerFacts] = field(default_factory=dict)
    problems: tuple[Diagnostic, ...] = ()

    @property
    def state(self) -> State:
        """Builds, OWA ExternalURLs and version folders of the servers that were read."""
        return State(
            {name: facts.build for name, facts in self.servers.items()},
            {
                (name, Protocol.OWA): facts.external_url
                for name, facts in self.servers.items()
                if facts.external_url
            },
            frozenset(
                (name, build)
                for name, facts in self.servers.items()
                for build in facts.version_folders
            ),
        )

    @property
    def complete(self) -> bool:
        """Whether every server that was asked for was read."""
        return not any(p.severity is Severity.ERROR for p in self.problems)
