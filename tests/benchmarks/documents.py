"""A farm as the JSON document the growth figure starts from, and the same as block YAML."""

from __future__ import annotations

import json

import yaml

from benchmarks.families import Farm
from orchestrator.model.build import Build
from orchestrator.model.state import State
from orchestrator.model.topology import Topology
from orchestrator.planfile.convert import read_topology, topology_document
from orchestrator.planfile.document import TopologyDoc


def as_json(farm: Farm) -> str:
    """The topology of plan.json with the builds of the start."""
    return topology_document(farm.topology, farm.start).model_dump_json()


def as_yaml(text: str) -> str:
    """The same document, in block style."""
    return yaml.dump(
        json.loads(text), Dumper=yaml.CSafeDumper, default_flow_style=False, sort_keys=False
    )


def read(text: str, goal: Build) -> tuple[Topology, State, State]:
    """What exists, the start, and the end with every server on the goal."""
    topology, start = read_topology(TopologyDoc.model_validate_json(text))
    return topology, start, State(dict.fromkeys(start.builds, goal), start.external_urls)
