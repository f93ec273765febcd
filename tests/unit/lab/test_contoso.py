"""The contoso farm of the lab and the contoso inventory describe the same packages."""

from __future__ import annotations

import hashlib
from pathlib import Path

import yaml

from orchestrator.lab.farm import load

FOLDER = Path(__file__).resolve().parents[3] / "inventories" / "contoso"


def test_packages_agree() -> None:
    farm = load(FOLDER / "lab.yml")
    declared = yaml.safe_load((FOLDER / "organization.yml").read_text())["packages"]
    assert declared == {
        str(build): {
            "path": package.path,
            "sha256": hashlib.sha256(package.content).hexdigest(),
            "patch_code": package.patch_code,
        }
        for build, package in farm.packages.items()
    }


def test_every_pool_has_a_test_mailbox() -> None:
    farm = load(FOLDER / "lab.yml")
    pools = {(server.site, server.line) for server in farm.servers.values()}
    assert {(box.site, box.line) for box in farm.mailboxes.values()} == pools
    assert set(farm.mailboxes) == {f"probe-{s}-{line}@contoso.example" for s, line in pools}
