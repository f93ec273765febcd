"""The proxy graph: pools as nodes, proxied paths as edges with their verdicts."""

from orchestrator.graph.diagnosis import Diagnosis, diagnose
from orchestrator.graph.proxy import proxy_graph

__all__ = ["Diagnosis", "diagnose", "proxy_graph"]
