"""A secret never goes on the command line of Ansible, which ansible-runner keeps in clear."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.cli.live import ansible_inputs
from orchestrator.errors import OrchestratorError
from orchestrator.inventory import load_inventory
from orchestrator.shipped import catalogue

CONTOSO = Path(__file__).parents[3] / "inventories" / "contoso"


@pytest.mark.parametrize(
    "given", ["ansible_password=hunter2", "Winrm_Passwd=x", '{"ansible_become_password": "x"}']
)
def test_an_inline_secret_is_refused_without_repeating_it(given: str) -> None:
    inventory = load_inventory(CONTOSO, catalogue=catalogue())
    with pytest.raises(OrchestratorError, match="in clear") as refused:
        ansible_inputs(inventory, [given], None)
    assert "hunter2" not in f"{refused.value.message}{refused.value.remedy}"


def test_files_and_plain_variables_pass() -> None:
    inventory = load_inventory(CONTOSO, catalogue=catalogue())
    given = ["@connection.yml", "exchange_poll_seconds=1"]
    assert ansible_inputs(inventory, given, None).extra_vars == tuple(given)
