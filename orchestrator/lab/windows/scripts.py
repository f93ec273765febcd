"""The bare scripts the lab understands: the three that `ansible.windows.win_reboot` sends."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from orchestrator.lab.wire.psrp import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

_SHUTDOWN = re.compile(r"shutdown\.exe /r /t (\d+)")
_CHECK = re.compile(r"AutoLogonChecked.*'(success-[0-9a-f-]+)'", re.DOTALL)
# Windows counts 100 ns since 1601.
_EPOCH = 11_644_473_600


def carry_out(script: str, *, boot_time: float, restart: Callable[[float], None]) -> Outcome:
    """Answer a bare script.

    Args:
        boot_time: last start of the host, seconds since 1970.
        restart: called with the seconds until the host goes down.
    """
    if "LastBootUpTime).LastBootUpTime.ToFileTime()" in script:
        return Outcome((str(int((boot_time + _EPOCH) * 10_000_000)),))
    if (found := _SHUTDOWN.search(script)) is not None:
        restart(float(found[1]))
        return Outcome((json.dumps({"stdout": "", "stderr": "", "rc": 0}),))
    if (found := _CHECK.search(script)) is not None:
        return Outcome((found[1],))
    head = " ".join(script.split())[:120]
    return Outcome(
        rc=1,
        error=f"the lab runs no PowerShell and does not know this script: {head}",
    )
