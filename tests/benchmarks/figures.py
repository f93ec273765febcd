"""Prints the planner's figures as ratios from one run: ``make bench``.

Every line names the yardstick measured in the same run; seconds are processor seconds.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import scipy.optimize  # the clock starts after imports
import scipy.sparse  # noqa: F401

from benchmarks.discovery import discovery
from benchmarks.documents import as_json, as_yaml
from benchmarks.families import (
    FAMILIES,
    LARGEST_WINDOWS,
    SEEDS,
    SMALL,
    family,
    growing,
    largest,
    mixed,
)
from benchmarks.gaps import figures as gaps
from benchmarks.iis_logs import iis_logs
from benchmarks.measure import (
    arcs_of,
    cut_of,
    events_to_dag,
    igraph_seconds,
    networkx_pass,
    site_arcs,
    small_farm,
    timed,
    whole_command,
)
from benchmarks.report_page import figures as report_page

SITES = 5_000
MIXED_SITES = 500
SERVERS = (1_000, 10_000, 100_000)
PROBED = (1_000, 10_000, 100_000)
IGRAPH_LIMIT = 20.0


def families() -> Iterator[str]:
    """Fewest users redirected, against igraph and against one networkx pass."""
    yield f"{SITES} sites, seeds {SEEDS[0]}-{SEEDS[-1]}: cheapest redirections"
    yield "family       users    proven  seconds  igraph  ratio   whole/networkx pass"
    for name in FAMILIES:
        for seed in SEEDS:
            farm = family(name, SITES, seed)
            arcs = arcs_of(farm)
            ours = timed(lambda farm=farm, arcs=arcs: cut_of(farm, arcs))  # type: ignore[misc]
            cut = cut_of(farm, arcs)
            limit = IGRAPH_LIMIT if seed == SEEDS[0] else 2.0
            theirs, users = igraph_seconds(farm, arcs, limit)
            if users not in (None, cut.cost):
                raise ValueError(f"{farm.name}: {cut.cost} here, {users} by igraph")
            whole = timed(lambda farm=farm: events_to_dag(farm))  # type: ignore[misc]
            numbers = site_arcs(farm, arcs)
            once = timed(lambda numbers=numbers: networkx_pass(numbers))  # type: ignore[misc]
            more = ">" if users is None else " "
            yield (
                f"{name:11} {cut.cost:8} {cut.proven!s:>7} {ours.seconds:8.3f} "
                f"{more}{theirs:6.2f} {more}{theirs / ours.seconds:5.1f}x  "
                f"{whole.seconds:.3f} / {once.seconds:.3f} = {whole.seconds / once.seconds:.1f}x"
            )


def labels() -> Iterator[str]:
    """The same with rules in both directions and two protocols."""
    yield f"{MIXED_SITES} sites, mixed rules (labels): cheapest redirections"
    for seed in SEEDS:
        farm = mixed(MIXED_SITES, seed)
        arcs = arcs_of(farm)
        ours = timed(lambda farm=farm, arcs=arcs: cut_of(farm, arcs))  # type: ignore[misc]
        cut = cut_of(farm, arcs)
        yield (
            f"seed {seed}: {cut.cost} users, at least {cut.at_least}, proven {cut.proven}, "
            f"{ours.seconds:.3f} s"
        )


def growth() -> Iterator[str]:
    """From JSON to a checked plan.json, against reading the same as block YAML."""
    yield "two hubs, 20 servers a site: JSON to checked plan.json, against CSafeLoader on the same"
    yield "servers  probes  steps  read  plan check write  total   YAML   ratio  MB   plan.json MB"
    for servers, probed in [*((n, False) for n in SERVERS), *((n, True) for n in PROBED)]:
        row = grown(servers, probed=probed)
        yield (
            f"{servers:7} {'all' if probed else 'none':>6} {row['steps']:6.0f} {row['read']:5.2f} "
            f"{row['plan']:5.2f} {row['check']:5.2f} {row['write']:5.2f} {row['total']:6.2f} "
            f"{row['yaml']:6.2f} {row['total'] / row['yaml']:6.2f}x {row['megabytes']:4.0f} "
            f"{row['written']:6.1f}"
        )


def folder() -> Iterator[str]:
    """The largest real farm, windows and all: the whole command, start included."""
    farm = largest()
    with tempfile.TemporaryDirectory() as scratch:
        row = whole_command(farm, LARGEST_WINDOWS, Path(scratch))
    yield (
        f"{len(farm.topology.servers)} servers, {len(farm.topology.sites)} sites, windows: "
        f"planned, checked and written in {row['seconds']:.1f} s of processor, "
        f"{row['clock']:.1f} s by the clock; {row['files']:.0f} files, {row['megabytes']:.1f} MB"
    )


def grown(servers: int, *, probed: bool) -> dict[str, float]:
    """One size of the growth figure, each side in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        document, block = Path(folder, "farm.json"), Path(folder, "farm.yml")
        text = as_json(growing(servers, probed=probed))
        document.write_text(text, encoding="utf-8")
        block.write_text(as_yaml(text), encoding="utf-8")
        row = _apart("plan", document, Path(folder, "plan.json"))
        return row | {"yaml": _apart("yaml", block)["total"]}


def _apart(*arguments: object) -> dict[str, float]:
    paths = os.pathsep.join(path for path in sys.path if path)
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.measure", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": paths},
    )
    answer: dict[str, float] = json.loads(done.stdout)
    return answer


def objective() -> Iterator[str]:
    """Switches at a charge and user-hours, against the whole problem in one CP-SAT model."""
    yield "3-10 sites with windows: cost (switches at a charge + user-hours), both checked"
    yield "sites steps        ours  seconds       naive  proven  seconds   cost"
    costs, ours, naive = [], 0.0, 0.0
    for seed in SMALL:
        row = small_farm(seed)
        yield (
            f"{row['sites']:5} {row['steps']:5} {row['cost']:11} {row['seconds']:8.2f} "
            f"{row['naive']:11} {row['proven']!s:>7} {row['naive_seconds']:8.2f} "
            f"{row['cost'] / max(row['naive'], 1):6.3f}x"
        )
        if row["proven"]:
            costs.append(row["cost"] / row["naive"])
            ours, naive = ours + row["seconds"], naive + row["naive_seconds"]
    yield (
        f"{len(costs)} proven by the naive model: cost median {statistics.median(costs):.3f}x, "
        f"worst {max(costs):.3f}x; time in all {ours:.1f} s against {naive:.1f} s, "
        f"1/{naive / ours:.1f}"
    )


PARTS = {
    "folder": folder,
    "objective": objective,
    "gaps": gaps,
    "families": families,
    "labels": labels,
    "growth": growth,
    "iis-logs": iis_logs,
    "report": report_page,
    "discovery": discovery,
}

if __name__ == "__main__":
    for part in sys.argv[1:] or PARTS:
        for line in PARTS[part]():
            sys.stdout.write(line + "\n")
            sys.stdout.flush()
