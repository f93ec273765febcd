"""What nobody has published about Exchange, each as a switch of the lab, both ways."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestrator.lab.lab import Lab

from .conftest import Browse

RU1, RU2, RU7_2007 = "14.2.283.3", "14.2.298.4", "8.3.264.0"
INVALID = "Invalid user context cookie"
Install = Callable[..., None]
Module = Callable[..., dict[str, Any]]


@pytest.fixture
def farm_file(tmp_path: Path, farm_file: Path) -> Path:
    """Contoso, with Berlin on 2010 SP1 RU8."""
    farm: dict[str, Any] = yaml.safe_load(farm_file.read_text())
    farm["servers"]["ber-cas-01"].update(base="14.1.218.15", rollups=["14.1.438.0"])
    file = tmp_path / "lab.yml"
    file.write_text(yaml.safe_dump(farm))
    return file


@pytest.mark.parametrize(("value", "works"), [("both", False), ("source", True), ("target", False)])
def test_ru2_in_front_of_older_2010(
    lab: Lab, browse: Browse, install: Install, value: str, works: bool
) -> None:
    install("par-cas-01", RU2)
    lab.set(f"ru2_fix={value}")
    page = browse("par-cas-01", "rome-2010")
    assert (page.status == 200, INVALID in page.text) == (works, not works)


@pytest.mark.parametrize(("value", "works"), [("both", False), ("target", True)])
def test_ru1_in_front_of_2007_sp3_ru7(
    lab: Lab, browse: Browse, install: Install, value: str, works: bool
) -> None:
    for server in ("lis-cas-71", "lis-cas-72"):
        if server in lab.farm.servers:
            install(server, RU7_2007)
    lab.set(f"ru2_fix={value}")
    page = browse("par-cas-01", "lisbon-2007")
    assert (page.status == 200, INVALID in page.text) == (works, not works)


@pytest.mark.parametrize(("value", "works"), [("old", False), ("new", True)])
def test_ru1_in_front_of_2010_sp1_ru8(lab: Lab, browse: Browse, value: str, works: bool) -> None:
    lab.set(f"sp1_ru7={value}")
    pages = [browse("par-cas-01", "berlin-2010") for _ in range(4)]
    served = [page for page in pages if "BER-CAS-01" in page.server and page.status == 200]
    assert bool(served) is works


@pytest.mark.parametrize(("value", "works"), [("serves", True), ("refuses", False)])
def test_an_older_2010_source(
    lab: Lab, browse: Browse, install: Install, value: str, works: bool
) -> None:
    install("rom-cas-01", RU2)
    lab.set(f"older_2010_source={value}")
    assert (browse("mad-cas-01", "rome-2010").status == 200) is works
    assert any(event["id"] == 46 for event in lab.events("mad-cas-01")) is not works


@pytest.mark.parametrize(("value", "named"), [("sent", True), ("absent", False)])
def test_whether_answers_name_their_server(
    lab: Lab, browse: Browse, value: str, named: bool
) -> None:
    lab.set(f"diag_header={value}")
    page = browse("mad-cas-01", "rome-2010")
    assert page.status == 200
    assert bool(page.server) is named


@pytest.mark.parametrize("value", ["0", "never"])
def test_how_soon_a_changed_address_is_noticed(
    lab: Lab, write_address: Callable[[str, str], None], value: str
) -> None:
    lab.arm("replication", at="madrid", value=value)
    url = "https://mail-rome.contoso.example/owa"
    write_address("rom-cas-01", url)
    assert (lab.external_url("rom-cas-01", site="madrid") == url) is (value == "0")


MISSING_FOLDER = "did not find the files for the version"


@pytest.mark.parametrize(
    ("value", "source", "works"),
    [
        ("2007", "ber-cas-71", False),
        ("2007", "mad-cas-01", True),
        ("every", "ber-cas-71", False),
        ("every", "mad-cas-01", False),
        ("none", "ber-cas-71", True),
    ],
)
def test_a_newer_source_without_the_folder_of_its_2007_target(
    lab: Lab, browse: Browse, install: Install, value: str, source: str, works: bool
) -> None:
    """Documented for 2007 in front of 2007; whether 2010 asks for it, too, is not."""
    lab.set("old_folders=removed")
    install("ber-cas-71", RU7_2007)
    lab.set(f"version_folder={value}")
    page = browse(source, "lisbon-2007")
    assert (page.status == 200, MISSING_FOLDER in page.text) == (works, not works)
    assert any("there is no folder" in e["message"] for e in lab.events(source)) is not works


def test_a_copied_folder_is_what_it_takes(
    lab: Lab, browse: Browse, install: Install, module: Module
) -> None:
    lab.set("old_folders=removed")
    install("ber-cas-71", RU7_2007)
    asked = {"target": "ber-cas-71", "build": "8.3.245.2", "origins": ["par-cas-01", "lis-cas-71"]}
    assert module("exchange_owa_resources", **asked)["copied_from"] == "lis-cas-71"
    assert module("exchange_owa_resources", **asked)["compared_with"] == "lis-cas-71"
    assert browse("ber-cas-71", "lisbon-2007").status == 200


@pytest.mark.parametrize(("value", "kept"), [("kept", True), ("removed", False)])
def test_whether_an_update_keeps_the_folders_of_other_builds(
    lab: Lab, install: Install, module: Module, value: str, kept: bool
) -> None:
    lab.set(f"old_folders={value}")
    install("ber-cas-71", RU7_2007)
    facts = module("exchange_server_facts", target="ber-cas-71")["exchange_server"]
    assert facts["owa_version_folders"] == [*["8.3.245.2"] * kept, RU7_2007]


def test_a_folder_of_other_files_is_never_overwritten(lab: Lab, module: Module) -> None:
    asked = {"target": "ber-cas-71", "build": "8.3.245.2", "origins": ["lis-cas-71"]}
    assert module("exchange_owa_resources", **asked)["compared_with"] == "lis-cas-71"
    lab.set("owa_files.lis-cas-71=altered")
    refused = module("exchange_owa_resources", **asked)
    assert refused["failed"]
    assert "is not what lis-cas-71 has" in refused["msg"]


def test_a_folder_nobody_has_is_refused_or_left(module: Module) -> None:
    asked = {"target": "ber-cas-71", "build": RU7_2007, "origins": ["lis-cas-71"]}
    refused = module("exchange_owa_resources", **asked)
    assert refused["failed"]
    assert "nobody has its files: lis-cas-71 has no owa" in refused["msg"]
    left = module("exchange_owa_resources", **asked, if_nobody_has_it="leave")
    assert (left["changed"], left["after"]["present"]) == (False, False)
    shared = module("exchange_owa_resources", **asked, share=r"\\files\owa")
    assert shared["copied_from"] == rf"\\files\owa\{RU7_2007}"
