from __future__ import annotations

from stub_farm import Probe


class ActionModule(Probe):
    pass
