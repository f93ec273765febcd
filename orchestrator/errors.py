"""Errors a person can act on; each knows its exit code.

OrchestratorError                 1  anything the user can mend
├── InvalidInput                  1  inventory, organization.yml, rules: all findings at once
├── NoSafePlan                    3  no order and no redirection keeps every path working
│   └── NoPlanFound               3  none was found before the search ended by its limits
├── StalePlan                     4  the farm is not in the state the plan was made for
├── Interrupted                 130  somebody ended the command
└── RunStopped                    5  a run stopped in the middle; the farm is in a named state
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.diagnostic import Diagnostic


class OrchestratorError(Exception):
    """What went wrong, where, why and what to do; never shown as a traceback.

    Parameters
    ----------
    message : str
        One or more sentences for a person.
    remedy : str
        What to do about it; empty if the message says it.
    """

    exit_code = 1

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


class InvalidInput(OrchestratorError):
    """Input that cannot be used; carries every finding, not only the first."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        super().__init__("\n".join(str(d) for d in diagnostics))
        self.diagnostics = tuple(diagnostics)

    def __reduce__(self) -> tuple[type[InvalidInput], tuple[object]]:
        """Findings, not their text, make it again in another process."""
        return type(self), (self.diagnostics,)


class NoSafePlan(OrchestratorError):
    """No plan keeps every path working; the message is the certificate.

    Parameters
    ----------
    diagram : str
        The demands that contradict each other as a Mermaid graph; empty if it is not about them.
    """

    exit_code = 3

    def __init__(self, message: str, remedy: str = "", diagram: str = "") -> None:
        super().__init__(message, remedy)
        self.diagram = diagram


class NoPlanFound(NoSafePlan):
    """None was found, but not every way was looked at: there may be one."""


class StalePlan(OrchestratorError):
    """The farm was read and is not where the plan starts."""

    exit_code = 4


class Interrupted(OrchestratorError):
    """Somebody ended the command."""

    exit_code = 130

    def __init__(self) -> None:
        super().__init__("Interrupted.")


class RunStopped(OrchestratorError):
    """A run stopped before its end; what is known and what is not is in the message."""

    exit_code = 5
