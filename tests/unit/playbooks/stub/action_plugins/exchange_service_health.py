from __future__ import annotations

from stub_farm import ServiceHealth


class ActionModule(ServiceHealth):
    pass
