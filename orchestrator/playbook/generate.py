"""Rendering the playbooks of a plan."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import jinja2

from orchestrator.errors import OrchestratorError
from orchestrator.model.plan import Plan, Probe, Step
from orchestrator.model.state import State
from orchestrator.model.topology import Protocol, Topology
from orchestrator.playbook.block import block
from orchestrator.playbook.folders import kept_folders
from orchestrator.playbook.values import look_values, step_values

# Ansible reads more into other characters of a `hosts:` pattern.
_HOST = re.compile(r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$")


_TEMPLATES = jinja2.Environment(
    loader=jinja2.PackageLoader("orchestrator.playbook"),
    autoescape=False,  # noqa: S701 - YAML, quoted by the filter below
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
_TEMPLATES.filters["yaml"] = block


def look_variables(topology: Topology, probes: Sequence[Probe]) -> str:
    """Extra variables for ``look_at_paths.yml``; no text in them is taken for a template."""
    return f"{block(look_values(topology, probes))}\n"


def step_playbook(position: int, step: Step) -> str:
    """File name of a step's playbook: ``030-upgrade-rome-2010-1.yml``."""
    return f"{position:03d}-{step.id}.yml"


def playbook_files(
    topology: Topology, plan: Plan, shipped: Mapping[str, str], *, assert_state: bool = False
) -> dict[str, str]:
    """Every file of a playbook folder.

    Parameters
    ----------
    topology : Topology
    plan : Plan
    shipped : mapping of relative path to text
        Roles, modules and their documentation, copied beside the playbooks.
    assert_state : bool
        Whether the first play asserts that the farm is in the plan's start state; for rollback.

    Raises
    ------
    OrchestratorError
        If a host name cannot stand in a ``hosts:`` list literally.
    """
    for name in topology.servers:
        if not _HOST.match(name):
            raise OrchestratorError(
                f'host "{name}" cannot be written into a playbook: Ansible would read its name '
                "as a pattern",
                "rename it in the inventory to letters, digits, dots, hyphens and underscores",
            )
    files = dict(shipped)
    names = []
    if assert_state:
        names.append("000-assert-state.yml")
        files[names[0]] = _assert_state(topology, plan.start)
    kept = kept_folders(topology, plan)
    for number, step in enumerate(plan.steps, 1):
        name = step_playbook(number, step)
        names.append(name)
        files[name] = _TEMPLATES.get_template("step.yml.j2").render(
            step=step, values=step_values(topology, step, kept.get(step.id, ()))
        )
    files["site.yml"] = _TEMPLATES.get_template("site.yml.j2").render(names=names)
    return files


def _assert_state(topology: Topology, state: State) -> str:
    expected: dict[str, dict[str, Any]] = {
        name: {
            "build": str(state.builds[name]),
            "owa_external_url": state.external_urls.get((name, Protocol.OWA), ""),
        }
        for name in sorted(topology.servers)
    }
    for name, build in sorted(state.version_folders):
        expected[name].setdefault("owa_version_folders", []).append(str(build))
    return _TEMPLATES.get_template("assert_state.yml.j2").render(
        expected=expected, folders=bool(state.version_folders)
    )
