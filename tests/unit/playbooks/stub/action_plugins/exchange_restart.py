from __future__ import annotations

from stub_farm import Restart


class ActionModule(Restart):
    pass
