from __future__ import annotations

from stub_farm import Probes


class ActionModule(Probes):
    pass
