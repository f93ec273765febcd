"""What a failing task leaves open; the messages are those of ansible-core 2.19 and pypsrp."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.execution.doubt import message_of, outcome_unknown


@pytest.mark.parametrize(
    ("said", "unreachable", "unknown"),
    [
        # Opening the connection failed: nothing was done.
        (("Task failed: failed to authenticate with the server: Failed to authenticate the user "
         "x with ntlm"), True, False),
        (("Task failed: Failed to connect to the host via PSRP: HTTPSConnectionPool(host='a', "
         "port=5986): Max retries exceeded with url: /wsman (Caused by NewConnectionError("
         "Connection refused))"), True, False),
        # The connection was open.
        ("Task failed: HTTP read timeout during PSRP script execution", True, True),
        (("Task failed: ('Connection aborted.', RemoteDisconnected('Remote end closed connection "
         "without response'))"), False, True),
        ("Task failed: [Errno 104] Connection reset by peer", False, True),
        ("Task failed: Bad HTTP response returned from the server. Code: 503, Content: ''",
         False, True),
        ("Task failed: something nobody has seen before", False, True),
        # The task never left the control node.
        (("Task failed: Finalization of task args for 'ansible.builtin.debug' failed: Error while "
         "resolving value for 'msg': 'x' is undefined"), False, False),
        # The module has answered: it knows what it did, whatever words it uses.
        ("msiexec ended with 1603", False, False),
        ("the target said: Connection reset by peer", False, False),
    ],
)  # fmt: skip
def test_doubt_by_message(said: str, unreachable: bool, unknown: bool) -> None:
    assert outcome_unknown({"msg": said}, unreachable=unreachable) is unknown


@pytest.mark.parametrize(
    ("result", "unknown"),
    [
        ({"censored": "hidden"}, True),
        ({"msg": "Task failed: Timed out after 1 second(s).", "timedout": {"period": 1}}, True),
        ({"msg": "Module result deserialization failed.", "module_stdout": "<html>"}, True),
        ({"msg": "One or more items failed", "results": [
            {"msg": "fine"},
            {"failed": True, "msg": "Task failed: [Errno 104] Connection reset by peer"},
        ]}, True),
        ({"msg": "One or more items failed", "results": [
            {"failed": True, "msg": "no"}, {"module_stdout": "", "msg": "ok"},
        ]}, False),
    ],
)  # fmt: skip
def test_doubt_by_shape(result: dict[str, Any], unknown: bool) -> None:
    assert outcome_unknown(result, unreachable=False) is unknown


def test_messages_are_complete_and_secrets_stay_hidden() -> None:
    assert message_of({"msg": "non-zero return code", "stderr": "disk full\n"}) == (
        "non-zero return code: disk full"
    )
    assert message_of({}) == "failed without a message"
    assert message_of({"censored": "x", "msg": "secret"}) == "(the answer is hidden by no_log)"
    items = [{"failed": True, "msg": "a"}, {"failed": True, "msg": "a"}, {"msg": "b"}]
    assert message_of({"msg": "One or more items failed", "results": items}) == "a"
