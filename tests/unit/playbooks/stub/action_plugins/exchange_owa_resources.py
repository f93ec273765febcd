from __future__ import annotations

from stub_farm import OwaResources


class ActionModule(OwaResources):
    pass
