"""The look at a published address, over real TLS to the lab."""

from __future__ import annotations

import importlib.util
import ssl
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
import yaml

if TYPE_CHECKING:
    from orchestrator.lab.lab import Lab

LIBRARY = Path(__file__).resolve().parents[3] / "playbooks" / "library"
URL = "https://mail-madrid.contoso.example/owa"


@pytest.fixture(scope="module")
def publication() -> ModuleType:
    spec = importlib.util.spec_from_file_location("owa_pub", LIBRARY / "owa_publication.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["owa_pub"] = module
    spec.loader.exec_module(module)
    return module


def looked(publication: ModuleType, lab: Lab, url: str, *, trusted: bool = True) -> dict[str, str]:
    context = ssl.create_default_context(cafile=str(lab.ca_file) if trusted else None)
    found = publication.ask(urlsplit(url), lab.proxy_url, context, 10.0, "X-DiagInfo")
    return {row["check"]: f"{row['result']}: {row['text']}" for row in found}


def test_an_address_that_is_trusted_and_answers(publication: ModuleType, lab: Lab) -> None:
    found = looked(publication, lab, URL)
    assert found["certificate"].startswith("shown: trusted, issued by Exchange lab authority")
    assert found["publishing"] == "shown: answers 302, as OWA does before a log-on"


def test_a_certificate_nobody_trusts_ends_the_look(publication: ModuleType, lab: Lab) -> None:
    found = looked(publication, lab, URL, trusted=False)
    assert found["certificate"].startswith("failed: not trusted")
    assert found["publishing"].startswith("unknown")


def test_a_name_the_certificate_does_not_hold(publication: ModuleType, lab: Lab) -> None:
    lab.farm.published["other.contoso.example"] = ("mad-cas-01",)  # type: ignore[index]
    found = looked(publication, lab, "https://other.contoso.example/owa")
    assert found["certificate"].startswith("failed: not trusted: Hostname mismatch")


def test_an_address_nobody_serves(publication: ModuleType, lab: Lab) -> None:
    found = looked(publication, lab, "https://nowhere.contoso.example/owa")
    assert found["certificate"].startswith("unknown")
    assert found["publishing"].startswith("failed: cannot be reached")
    lab.set("power.mad-cas-01=off")
    lab.set("power.mad-cas-02=off")
    assert looked(publication, lab, URL)["publishing"].startswith("failed")


def test_names_are_looked_up_here_and_nowhere_else(publication: ModuleType) -> None:
    assert publication.look_up("localhost", 443, proxied=False)["result"] == "shown"
    assert publication.look_up("no.such.name.invalid", 443, proxied=False)["result"] == "failed"
    assert publication.look_up("localhost", 443, proxied=True)["result"] == "unknown"


@pytest.mark.parametrize(
    ("url", "proxy", "said"),
    [
        ("http://mail.x.example/owa", None, "not an https address"),
        ("https://mail.x.example:no/owa", None, "not an address"),
        (URL, "https://proxy.example", "not an http address"),
    ],
)
def test_bad_arguments(publication: ModuleType, url: str, proxy: str | None, said: str) -> None:
    params = {"url": url, "http_proxy": proxy, "timeout": 1}
    assert said in publication.check_arguments(params)


def test_it_takes_what_its_documentation_says(publication: ModuleType) -> None:
    content = yaml.safe_load((LIBRARY / "owa_publication.yml").read_text())
    keys = ("type", "required", "default")
    documented = {
        name: {key: option[key] for key in keys if key in option}
        for name, option in content["DOCUMENTATION"]["options"].items()
    }
    assert documented == publication.ARGUMENTS
