"""A section of a document of results is renewed by its own run, and kept by the run of the rest."""

from __future__ import annotations

from pathlib import Path

from crash.section import kept, put


def test_a_section_is_added_renewed_and_kept(tmp_path: Path) -> None:
    target = tmp_path / "matrix.md"
    assert kept(target, "Copies") == ""
    target.write_text("# Matrix\n\nRows.\n", encoding="utf-8")
    put(target, "Copies", "one\n")
    put(target, "Later", "stays\n")
    put(target, "Copies", "two\n")
    text = "# Matrix\n\nRows.\n\n## Later\n\nstays\n\n## Copies\n\ntwo\n"
    assert target.read_text(encoding="utf-8") == text
    assert kept(target, "Copies") == "\n## Copies\n\ntwo\n"
    assert kept(target, "Later") == "\n## Later\n\nstays\n"
