"""The engine's own memory, at a fifth of the size `make bench` measures."""

from __future__ import annotations

from pathlib import Path

from benchmarks.window import engine_memory


def test_the_engine_stays_small_beside_its_children(tmp_path: Path) -> None:
    figures = engine_memory(tmp_path, 10, 20)
    assert figures["steps"] > 30
    # It grows with the farm; `make bench` holds 1,000 hosts against 120 MB.
    assert 40 < figures["peak_mb"] < 110
