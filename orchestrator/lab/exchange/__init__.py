"""The project's own PowerShell modules, carried out by meaning on simulated servers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.lab.exchange import (
    drain,
    owa_resources,
    restart,
    rollup,
    server_facts,
    service_health,
    virtual_directory,
)

if TYPE_CHECKING:
    from orchestrator.lab.windows.module import Module


def modules() -> tuple[Module, ...]:
    """All of them."""
    return (
        server_facts.MODULE,
        rollup.MODULE,
        virtual_directory.MODULE,
        service_health.MODULE,
        restart.MODULE,
        drain.MODULE,
        owa_resources.MODULE,
    )
