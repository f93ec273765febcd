"""Hosts file and organization.yml, checked and turned into topology and declared state.

`load_inventory` finds every fault of an inventory at once; docs/diagnostics.md explains the codes
and docs/organization.md the format.
"""

from orchestrator.inventory.load import Inventory, load_inventory

__all__ = ["Inventory", "load_inventory"]
