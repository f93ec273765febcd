"""What a simulated module is: a name, its options, and a coroutine with its meaning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from orchestrator.lab.windows.arguments import Options
    from orchestrator.lab.world import World

Result = dict[str, Any]


class ModuleFailure(Exception):
    """A module ends with `failed`.

    Args:
        msg: what it says.
        more: further keys of its result.
    """

    def __init__(self, msg: str, **more: Any) -> None:
        super().__init__(msg)
        self.msg = msg
        self.more = more


@dataclass(frozen=True)
class Context:
    """Where and how a module runs.

    Attributes:
        host: name of the machine it runs on.
        check_mode: nothing may be changed.
    """

    world: World
    host: str
    check_mode: bool


@dataclass(frozen=True)
class Module:
    """A module of the lab.

    Attributes:
        options: used where the module's own documentation cannot be read.
        any_option: take options without checking them, as `setup` does.
    """

    name: str
    options: Options
    run: Callable[[Context, dict[str, Any]], Awaitable[Result]]
    any_option: bool = False
