"""A look at every path of a farm, one probe after the other and side by side: ``make bench``.

    python -m benchmarks.probes [SITES [SERVERS [SECONDS]]]

SECONDS is what a request to OWA takes in the lab. All looks ask the same paths through the same
sources on the same farm, one after the other.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from benchmarks.window import ROOT, _ansible
from benchmarks.window_farm import HUB, server_names, site_names, write_farm
from orchestrator.lab.lab import Lab

SITES, SERVERS, SECONDS = 4, 6, 0.1

PASSWORD = "{{ hostvars[item.0.password_host].exchange_test_mailbox_password }}"
LOOP = [
    {
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "tasks": [
            {
                "name": "The way before: a task item per probe and source",
                "owa_probe": {
                    "url": "{{ exchange_step.source_urls[item.1] }}",
                    "source": "{{ item.1 }}",
                    "mailbox": "{{ item.0.mailbox }}",
                    "password": PASSWORD,
                    "http_proxy": "{{ owa_probe_http_proxy }}",
                    "ca_path": "{{ owa_probe_ca_path }}",
                    "targets": "{{ item.0.targets }}",
                    "expect": "{{ item.0.expect }}",
                },
                "loop": "{{ exchange_step.probes | subelements('sources') }}",
                "register": "seen",
                "failed_when": "not seen.as_expected",
            }
        ],
    }
]


def _step(sites: int, servers: int) -> dict[str, Any]:
    sources = server_names(HUB, servers)
    return {
        "id": "look",
        "kind": "verify",
        "source_urls": {name: f"https://{name}.contoso.example/owa/" for name in sources},
        "probes": [
            {
                "sources": sources,
                "target_site": site,
                "target_product_line": "2010",
                "mailbox": f"probe-{site}@contoso.example",
                "password_host": server_names(site, servers)[0],
                "targets": server_names(site, servers),
                "expect": ["proxied"],
            }
            for site in site_names(sites)[1:]
        ],
    }


def measure(folder: Path, sites: int, servers: int, seconds: float) -> Iterator[str]:
    """Every way to look once; the figures as text as they come."""
    inventory = folder / "farm"
    write_farm(inventory, sites, servers)
    step = folder / "step.yml"
    attempts = {"owa_probe_attempts": 12 * servers, "exchange_verify_attempts": 12 * servers}
    step.write_text(yaml.safe_dump({"exchange_step": _step(sites, servers), **attempts}))
    books = folder / "books"
    books.mkdir()
    for part in ("roles", "library", "module_utils"):
        (books / part).symlink_to(ROOT / "playbooks" / part)
    (books / "loop.yml").write_text(yaml.safe_dump(LOOP))
    role = [{"hosts": "localhost", "connection": "local", "gather_facts": False,
             "roles": ["exchange_verify"]}]  # fmt: skip
    (books / "role.yml").write_text(yaml.safe_dump(role))
    ways = {
        "one after the other, a task item each": ("loop.yml", 1, 1),
        "in one task, one at a time": ("role.yml", 1, 1),
        "in one task, 16 at a time, 2 of a source": ("role.yml", 16, 2),
    }
    yield f"{servers * (sites - 1)} probes, {seconds} s per request to OWA, wall seconds"
    first = 0.0
    with Lab(inventory, folder / "lab", fresh=True) as lab:
        lab.set(f"page_seconds={seconds}")
        for what, (book, at_once, per_source) in ways.items():
            limits = [f"owa_probe_at_once={at_once}", f"owa_probe_per_source={per_source}"]
            given = [f"@{step}", *limits]
            before = len(list(lab.requests()))
            began = time.monotonic()
            _ansible(lab, books / book, inventory, *given)
            took = time.monotonic() - began
            first = first or took
            asked = len(list(lab.requests())) - before
            yield f"{what:42} {took:8.1f}  {asked:5d} pages  {took / first:5.2f}"


def main() -> None:
    given = sys.argv[1:]
    sites = int(given[0]) if given else SITES
    servers = int(given[1]) if len(given) > 1 else SERVERS
    seconds = float(given[2]) if len(given) > 2 else SECONDS
    with tempfile.TemporaryDirectory(prefix="probes-") as name:
        for line in measure(Path(name), sites, servers, seconds):
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
