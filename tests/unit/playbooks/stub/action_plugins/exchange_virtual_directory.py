from __future__ import annotations

from stub_farm import VirtualDirectory


class ActionModule(VirtualDirectory):
    pass
