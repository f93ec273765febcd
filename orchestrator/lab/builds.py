"""Exchange build numbers as the lab needs them: parse, print, product line."""

from __future__ import annotations

from typing import NamedTuple


class Build(NamedTuple):
    """An Exchange build, ordered as Exchange orders them."""

    product: int
    service_pack: int
    number: int
    revision: int

    def __str__(self) -> str:
        return f"{self.product}.{self.service_pack}.{self.number}.{self.revision}"

    @property
    def padded(self) -> str:
        """The zero-padded spelling of event texts, `14.02.0283.003`."""
        return f"{self.product:02d}.{self.service_pack:02d}.{self.number:04d}.{self.revision:03d}"

    @property
    def level(self) -> tuple[int, int]:
        """Product and service pack: the level a rollup package belongs to."""
        return self.product, self.service_pack

    @property
    def line(self) -> str:
        """The product line, `2007` or `2010` (and later ones by their year)."""
        if self.product == 15:
            return {0: "2013", 1: "2016", 2: "2019"}.get(self.service_pack, "15")
        return {8: "2007", 14: "2010"}.get(self.product, str(self.product))


def parse_build(text: str) -> Build:
    """Read a build with or without zero padding.

    Raises:
        ValueError: the text is not four numbers joined by dots.
    """
    parts = text.strip().split(".")
    if len(parts) != 4 or not all(part.isdecimal() for part in parts):
        raise ValueError(f'"{text}" is not a build such as 14.2.283.3')
    return Build(*(int(part) for part in parts))
