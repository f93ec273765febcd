from __future__ import annotations

from stub_farm import ServerFacts


class ActionModule(ServerFacts):
    pass
