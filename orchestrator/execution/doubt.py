"""Which failures leave open what the host did, and what a failing task said.

A module that answers has ended: its outcome is known, good or bad. When the connection goes in
mid-task Ansible reports FAILED (connection reset, restart) or, for a read time-out of psrp,
UNREACHABLE; in both cases the module may have done its work. Only a failure to *open* the
connection, or to prepare the task on the control node, proves that nothing was done.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_HIDDEN = "(the answer is hidden by no_log)"

# ansible-core 2.19 puts this in front of what went wrong on the control node, not in a module.
_CONTROL_NODE = "Task failed"

_NOTHING_SENT = re.compile(
    r"Finalization of task args|Error processing keyword|is undefined|Conditional"
    r"|couldn't resolve module|template error|Unable to find|Could not find or access"
    r"|decrypt",
    re.IGNORECASE,
)

_NOT_OPENED = re.compile(
    r"failed to authenticate|failed to connect|error when opening|Connection refused"
    r"|Name or service not known|Could not resolve|getaddrinfo|NameResolutionError"
    r"|No route to host|credentials? (were|was) rejected|certificate verify failed",
    re.IGNORECASE,
)

_TRANSPORT = re.compile(
    r"connection (was )?(reset|aborted|closed|broken)|RemoteDisconnected|Broken pipe"
    r"|read timed? ?out|timed out|ReadTimeout|ProtocolError|IncompleteRead|Max retries exceeded"
    r"|WSManFault|Bad HTTP response returned|RunspacePool|the (shell|runspace|pipeline) "
    r"|pipeline (is|was) stopped|I/O operation has been aborted|unexpected EOF|EOF occurred",
    re.IGNORECASE,
)


def outcome_unknown(result: Mapping[str, Any], *, unreachable: bool) -> bool:
    """Whether the task may have done its work although it is reported as failed.

    Parameters
    ----------
    result : mapping
        ``res`` of the event.
    unreachable : bool
        Whether Ansible reports the host as unreachable.
    """
    items = [item for item in result.get("results") or () if isinstance(item, Mapping)]
    broken = [item for item in items if item.get("failed") or item.get("unreachable")]
    if broken:
        return any(outcome_unknown(item, unreachable=unreachable) for item in broken)
    if "censored" in result:
        return True
    said = str(result.get("msg", ""))
    if unreachable:
        return not _NOT_OPENED.search(said)
    if "timedout" in result or "module_stdout" in result:
        return True
    if not said.startswith(_CONTROL_NODE):
        return False
    return bool(_TRANSPORT.search(said)) or not _NOTHING_SENT.search(said)


def message_of(result: Mapping[str, Any]) -> str:
    """What a failing task said, with the items of a loop and the error output of commands."""
    items = [item for item in result.get("results") or () if isinstance(item, Mapping)]
    broken = [item for item in items if item.get("failed") or item.get("unreachable")]
    if broken:
        return "; ".join(dict.fromkeys(message_of(item) for item in broken))
    if "censored" in result:
        return _HIDDEN
    said = str(result.get("msg") or "").strip() or "failed without a message"
    more = str(result.get("stderr") or result.get("module_stderr") or "").strip()
    return f"{said}: {more}" if more and more not in said else said
