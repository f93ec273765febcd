"""Which labels can be redirected for a while, and why others cannot."""

from __future__ import annotations

from orchestrator.model.routing import Route, route
from orchestrator.model.state import AccessMode
from orchestrator.model.topology import Label, Protocol, ProxyPath, Topology


def capable(topology: Topology) -> set[Label]:
    """Labels that may be redirected and put back.

    Where a path works only while its label is redirected (an older line in the source's own
    site), putting it back would take away what has begun to work: such a label is left out.
    """
    labels = {Label(p.id, Protocol.OWA) for p in topology.pools.values() if p.redirect_url}
    return labels - {path.label for path in topology.paths if _only_redirected(path)}


def why_not(topology: Topology, label: Label) -> str:
    """What a label lacks to be redirected for a while, for people."""
    if label.protocol is not Protocol.OWA:
        return f"temporary redirection is offered for owa only, not for {label.protocol}"
    if not topology.pools[label.pool].redirect_url:
        return "its pool has no redirect_url"
    inside = topology.paths_into[label.pool]
    found = (path for path in inside if path.label == label and _only_redirected(path))
    path = next(found, None)
    if path is None:
        return "a path into it does not work in the end, so it could not be put back"
    return (
        f"{path} would begin to work and stop again when the redirection ends; set the "
        "ExternalUrl of its pool for good first"
    )


def _only_redirected(path: ProxyPath) -> bool:
    ends = (path.source, path.target, path.protocol)
    without, turned = (route(*ends, mode).route for mode in (AccessMode.PROXY, AccessMode.REDIRECT))
    return without is Route.IMPOSSIBLE and turned is not Route.IMPOSSIBLE
