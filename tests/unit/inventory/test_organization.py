"""What organization.yml turns into: defaults, derived paths, warnings, schema."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.inventory import Inventory, schema
from orchestrator.model.topology import PoolId

BERLIN = PoolId("berlin", "2010")


def add_servers(folder: Path, change: Callable[..., None], *lines: str) -> None:
    text = "".join(
        f"        {name}: {{ad_site: {site}, exchange_build: {build}}}\n"
        for name, site, build in (line.split() for line in lines)
    )
    change(folder, {"hosts.yml": [("", text)]})


@pytest.mark.parametrize(("servers", "minimum"), [(1, 0), (2, 1), (4, 3)])
def test_all_servers_but_one_stay_in_service_by_default(
    servers: int,
    minimum: int,
    folder: Path,
    change: Callable[..., None],
    load: Callable[..., Inventory],
) -> None:
    add_servers(
        folder, change, *(f"mx-ber-{n:02} berlin 14.2.247.5" for n in range(2, servers + 1))
    )
    pool = load(folder).topology.pools[BERLIN]
    assert len(pool.servers) == servers
    assert pool.minimum_in_service == minimum


def test_the_source_is_the_newest_line_unless_said(
    folder: Path, change: Callable[..., None], load: Callable[..., Inventory]
) -> None:
    add_servers(folder, change, "mx-par-71 paris 8.3.245.2", "mx-ber-71 berlin 8.3.245.2")
    path = "  - {source: paris, target: berlin, product_line: 2007, users: 1}\n"
    old = path.replace("users", "source_product_line: 2007, users")
    change(folder, {"organization.yml": [("packages:", f"{path}{old}packages:")]})
    assert [str(path) for path in load(folder).topology.paths] == [
        "paris/2007 -> berlin/2007 (owa)",
        "paris/2010 -> berlin/2007 (owa)",
        "paris/2010 -> berlin/2010 (owa)",
    ]


def test_derived_paths(
    folder: Path, change: Callable[..., None], load: Callable[..., Inventory]
) -> None:
    add_servers(folder, change, "mx-par-71 paris 8.3.245.2", "mx-rom-71 rome 8.3.245.2")
    change(
        folder,
        {
            "organization.yml": [
                (
                    "paths:\n  - {source: paris, target: berlin, product_line: 2010, users: 320}\n",
                    "",
                ),
                ("  berlin:\n", "  berlin:\n  rome: {internet_facing: true}\n"),
                (
                    "pools:\n",
                    (
                        "pools:\n"
                        "  - {site: paris, product_line: 2010, mailboxes: 9}\n"
                        "  - {site: paris, product_line: 2007, mailboxes: 5}\n"
                        "  - {site: rome, product_line: 2007, mailboxes: 7}\n"
                    ),
                ),
                ("    outage_consent: true\n", "    mailboxes: 40\n"),
            ]
        },
    )
    inventory = load(folder)
    assert [(str(path), path.users) for path in inventory.topology.paths] == [
        ("paris/2010 -> berlin/2010 (owa)", 40),
        ("paris/2010 -> paris/2007 (owa)", 5),
        ("paris/2010 -> rome/2007 (owa)", 7),
        ("rome/2007 -> paris/2007 (owa)", 5),
    ]
    assert [w.code for w in inventory.warnings] == ["CAS-W201", "CAS-W202", "CAS-W202"]


def test_warnings_name_place_and_remedy(
    folder: Path, change: Callable[..., None], load: Callable[..., Inventory]
) -> None:
    change(
        folder,
        {
            "hosts.yml": [
                ("        exchange_estimated_minutes: 40\n", ""),
                ("    management:", "    others:"),
                ("        mx-ber-01:\n", "        mx-ber-01: {}\n        mx-ber-01:\n"),
            ],
            "organization.yml": [
                ("    outage_consent: true\n", "    redirect_url: https://ber.example/owa\n"),
                ("    test_mailbox: probe@example.com\n", ""),
            ],
        },
    )
    assert [str(warning).partition(";")[0] for warning in load(folder).warnings] == [
        (
            'CAS-W102 hosts mx-ber-01, mx-par-01: management host "mgmt" is not in the group '
            "management (x/hosts.yml:9)"
        ),
        (
            "CAS-W101 host mx-par-01: has no exchange_estimated_minutes: 30 are assumed "
            "(x/hosts.yml:12)"
        ),
        (
            "CAS-W101 host mx-ber-01: has no exchange_estimated_minutes: 30 are assumed "
            "(x/hosts.yml:15)"
        ),
        "CAS-W007 key mx-ber-01: stands twice, first in line 15",
        (
            "CAS-W202 pool berlin/2010: has no test_mailbox: paths into it cannot be verified from "
            "outside (x/organization.yml:6)"
        ),
        (
            "CAS-W203 pool berlin/2010: redirect_url is declared without evidence that clients "
            "reach it (x/organization.yml:7)"
        ),
    ]


def test_policy_and_packages(
    folder: Path, change: Callable[..., None], load: Callable[..., Inventory]
) -> None:
    policy = (
        "policy:\n  accept: [{rule: some-rule, reason: tried in the test site}]\n"
        "  strict: [{rule: other-rule, reason: the pilot failed}]\n"
    )
    change(folder, {"organization.yml": [("packages:", f"{policy}packages:")]})
    change(folder, {"organization.yml": [("  14.2.298.4:", "  2010 SP2 RU2:\n    kb: KB2661854")]})
    inventory = load(folder)
    assert inventory.accepted == {"some-rule": "tried in the test site"}
    assert inventory.strict == {"other-rule": "the pilot failed"}
    (package,) = inventory.topology.packages.values()
    assert (str(package.build), package.kb) == ("14.2.298.4", "2661854")


def test_names_that_yaml_would_turn_into_something_else(
    folder: Path, change: Callable[..., None], load: Callable[..., Inventory]
) -> None:
    add_servers(folder, change, "mx-osl-01 'no' 14.2.247.5")
    change(folder, {"organization.yml": [("  berlin:\n", "  berlin:\n  no: {}\n")]})
    assert PoolId("no", "2010") in load(folder).topology.pools


def test_the_shipped_schema_is_the_model_s() -> None:
    renew = "run python -m orchestrator.inventory.schema"
    assert schema.SHIPPED.read_text(encoding="utf-8") == schema.text(), renew


def test_every_code_is_explained_and_every_explanation_used() -> None:
    import re

    root = Path(__file__).parents[3]
    code = re.compile(r"CAS-[EW][0126]\d\d")
    used: set[str] = set()
    for path in (root / "orchestrator" / "inventory").glob("*.py"):
        used |= set(re.findall(r'"(CAS-[EW]\d{3})"', path.read_text(encoding="utf-8")))
    table = (root / "docs" / "diagnostics.md").read_text(encoding="utf-8")
    rows = [line for line in table.splitlines() if line.startswith("| CAS-")]
    explained = [match[0] for row in rows if (match := code.match(row.strip("| ")))]
    assert len(explained) == len(set(explained))
    assert used == set(explained)
