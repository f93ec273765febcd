from __future__ import annotations

from stub_farm import Rollup


class ActionModule(Rollup):
    pass
