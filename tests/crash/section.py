"""A section of a document that a run of its own writes."""

from __future__ import annotations

import re
from pathlib import Path


def put(target: Path, title: str, text: str) -> None:
    """Write the section with this title: in the place of the one that is there, or at the end."""
    rest = re.sub(rf"\n## {re.escape(title)}\n.*?(?=\n## |\Z)", "", read(target), flags=re.DOTALL)
    target.write_text(f"{rest.rstrip()}\n\n## {title}\n\n{text.strip()}\n", encoding="utf-8")


def kept(target: Path, title: str) -> str:
    """The section with this title, to be kept when the rest is written anew; empty if none."""
    found = re.search(rf"\n## {re.escape(title)}\n.*?(?=\n## |\Z)", read(target), re.DOTALL)
    return found[0] if found else ""


def read(target: Path) -> str:
    return target.read_text(encoding="utf-8") if target.exists() else ""
