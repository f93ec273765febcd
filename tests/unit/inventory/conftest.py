"""A small good inventory that tests spoil in one place each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from orchestrator.errors import InvalidInput
from orchestrator.inventory import Inventory, load_inventory
from orchestrator.shipped import catalogue

HOSTS = """\
all:
  children:
    management:
      hosts:
        mgmt:
    exchange:
      vars:
        exchange_roles: [ClientAccess]
        exchange_management_host: mgmt
        exchange_estimated_minutes: 40
        exchange_owa_internal_url: https://cas.example/owa
      hosts:
        mx-par-01:
          exchange_build: 14.2.283.3
          ad_site: paris
        mx-ber-01:
          exchange_build: 14.2.247.5
          ad_site: berlin
"""

ORGANIZATION = r"""version: 1
organization: example
sites:
  paris: {internet_facing: true}
  berlin:
pools:
  - site: berlin
    product_line: 2010
    outage_consent: true
    test_mailbox: probe@example.com
paths:
  - {source: paris, target: berlin, product_line: 2010, users: 320}
packages:
  14.2.298.4:
    path: \\files.example\exchange\SP2-RU2.msp
    sha256: 2cb5a78a07b4bbf9b1da76f8784ee33d628085fe49b96436cb337cc561f49693
"""

Edits = dict[str, Sequence[tuple[str, str]]]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The good inventory as ``x`` in the working folder."""
    monkeypatch.chdir(tmp_path)
    Path("x").mkdir()
    Path("x/hosts.yml").write_text(HOSTS, encoding="utf-8")
    Path("x/organization.yml").write_text(ORGANIZATION, encoding="utf-8")
    return Path("x")


def edit(folder: Path, edits: Edits) -> None:
    """Replace texts in files of the inventory; each must be there exactly once."""
    for name, replacements in edits.items():
        path = folder / name
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        for old, new in replacements:
            assert not old or text.count(old) == 1, f"{old!r} in {name}"
            text = text.replace(old, new) if old else text + new
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


@pytest.fixture
def load() -> Callable[..., Inventory]:
    """Load with the shipped catalogue."""

    def load(folder: Path, **options: object) -> Inventory:
        return load_inventory(folder, catalogue=catalogue(), **options)  # type: ignore[arg-type]

    return load


@pytest.fixture
def faults() -> Callable[..., list[str]]:
    """What is wrong with an inventory, one line each; empty if nothing is."""

    def faults(folder: Path, **options: object) -> list[str]:
        try:
            load_inventory(folder, catalogue=catalogue(), **options)  # type: ignore[arg-type]
        except InvalidInput as error:
            return [str(d) for d in error.diagnostics]
        return []

    return faults


@pytest.fixture
def change() -> Callable[[Path, Edits], None]:
    """`edit` as a fixture, for tests without a conftest to import."""
    return edit
