"""JSON as `ConvertTo-Json` writes it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from orchestrator.discovery.rows.row import Damaged, Row

LARGEST = 200_000_000


def rows(pieces: Iterable[bytes]) -> Iterator[Row]:
    """The objects of a list, or the only one.

    Raises
    ------
    Damaged
        No JSON, larger than 200 MB, or something else than objects.
    """
    whole = bytearray()
    for piece in pieces:
        whole += piece
        if len(whole) > LARGEST:
            raise Damaged(f"it is larger than {LARGEST // 1_000_000} MB; export it as CLIXML")
    try:
        loaded = json.loads(whole.decode("utf-8", errors="replace"))
    except json.JSONDecodeError as error:
        raise Damaged(f"it is not JSON ({error.msg})", error.lineno) from None
    except (RecursionError, ValueError) as error:
        raise Damaged(f"it is no JSON anybody exports ({error})"[:150]) from None
    for number, item in enumerate(loaded if isinstance(loaded, list) else [loaded], 1):
        if not isinstance(item, dict):
            raise Damaged(f"item {number} is no object but {type(item).__name__}")
        yield Row(number, item)
