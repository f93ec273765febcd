"""What a step that copies a version folder does, in a few words."""

from __future__ import annotations

from orchestrator.model.plan import Step

_SHOWN = 2
LEFT = "nothing to do: the folder stays, it does no harm"
"""What the way back makes of such a step."""


def copied(step: Step) -> str:
    """``owa\\8.3.245.2 from rome-cas-01``."""
    some = ", ".join(step.origins[:_SHOWN]) or "exchange_owa_resources"
    more = f" and {len(step.origins) - _SHOWN} more" if len(step.origins) > _SHOWN else ""
    return f"owa\\{step.folder} from {some}{more}"
