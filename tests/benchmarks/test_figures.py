"""The figures at a tenth of the size, with generous limits: a fall back to quadratic is seen."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.families import FAMILIES, LARGEST_WINDOWS, family, largest, mixed
from benchmarks.figures import grown
from benchmarks.measure import (
    arcs_of,
    cut_of,
    events_to_dag,
    igraph_seconds,
    networkx_pass,
    site_arcs,
    timed,
    whole_command,
)
from benchmarks.report_page import given, planned, thousand
from orchestrator.report.page import report_html

SITES = 500


@pytest.mark.parametrize("name", FAMILIES)
def test_cheapest_redirections_are_proven_and_igraph_agrees(name: str) -> None:
    farm = family(name, SITES, 1)
    arcs = arcs_of(farm)
    cut_of(farm, arcs)  # the first call may import the solver
    ours = timed(lambda: cut_of(farm, arcs))
    cut = cut_of(farm, arcs)
    assert cut.proven
    assert cut.at_least == cut.cost
    assert ours.seconds < 1
    _, users = igraph_seconds(farm, arcs, 10)
    assert users == cut.cost


@pytest.mark.parametrize("seed", [1, 2])
def test_cheapest_labels_are_proven(seed: int) -> None:
    farm = mixed(SITES, seed)
    assert cut_of(farm, arcs_of(farm)).proven


def test_from_events_to_order_within_a_few_passes_of_networkx() -> None:
    farm = family("two-hub", 2 * SITES, 1)
    events_to_dag(farm)
    whole = timed(lambda: events_to_dag(farm))
    numbers = site_arcs(farm, arcs_of(farm))
    once = timed(lambda: networkx_pass(numbers))
    assert whole.seconds < 40 * once.seconds


@pytest.mark.parametrize("probed", [False, True])
def test_ten_times_the_servers_take_no_thirty_times_as_long(probed: bool) -> None:
    small, large = grown(400, probed=probed), grown(4_000, probed=probed)
    assert large["total"] < 30 * max(small["total"], 0.02)
    assert large["total"] < 3 * large["yaml"]
    assert large["megabytes"] < 400


def test_the_largest_real_farm_is_planned_and_written_in_seconds(tmp_path: Path) -> None:
    row = whole_command(largest(), LARGEST_WINDOWS, tmp_path)
    assert row["files"] > 800
    assert row["seconds"] < 10


def test_the_report_of_a_thousand_servers_stays_within_two_seconds_and_three_megabytes() -> None:
    farm = thousand()
    inputs = given(farm, planned(farm, LARGEST_WINDOWS))
    page = timed(lambda: report_html(inputs), 1)
    assert len(inputs.plan.steps) > 1000
    assert page.seconds < 2
    assert len(str(page.result).encode()) < 3_000_000
