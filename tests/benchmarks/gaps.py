"""How far redirections are from the plan's own bound, from 100 servers on: ``figures gaps``.

Six families, 40 and 100 sites of two or three servers each, two seeds, with the windows of the
largest real farm and without any; and that farm itself. Drawn before what they measure.
"""

from __future__ import annotations

import dataclasses
import random
import re
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from benchmarks.families import FAMILIES, LARGEST_WINDOWS, Farm, _farm, largest
from orchestrator.checker import check, check_timed
from orchestrator.inventory.windows import read_windows
from orchestrator.model.schedule import Timing
from orchestrator.model.topology import Protocol
from orchestrator.planner import make_plan
from orchestrator.rules.engine import RuleBook
from orchestrator.shipped import catalogue, rule_pack

SITES = (40, 100)
SEEDS = (1, 2)
GOAL = 25.0
"""Median in per cent above the bound: shared goal of the project."""


class Gap(NamedTuple):
    """One farm's redirections: per cent above the bound, switches, seconds of processor."""

    above: float
    words: str
    seconds: float


def farm_of(name: str, sites: int, seed: int) -> Farm:
    """A family with two servers in every even site and three in every odd one, one always in."""
    rng = random.Random(f"gap {name} {sites} {seed}")
    arcs = FAMILIES[name](sites, rng)
    paths = [(a, b, Protocol.OWA, rng.randint(1, 500)) for a, b in arcs]
    counts = [2 + site % 2 for site in range(sites)]
    book = RuleBook(rule_pack())
    return _farm(f"{name}-{sites}-{seed}", counts, paths, {}, book, minimum=1, probed=True)


def weekends(farm: Farm) -> Timing:
    """The windows of the largest real farm, for this one."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "windows.yml")
        file.write_text(LARGEST_WINDOWS, encoding="utf-8")
        minutes = farm.topology.replication_minutes
        read = read_windows(file, farm.topology.sites, replication_minutes=minutes)
    return Timing(read.calendar, read.policy)


def gap_of(farm: Farm, timing: Timing | None) -> Gap:
    """Plan it, have it checked, and read what the plan says of its redirections.

    Raises
    ------
    ValueError
        If the checker rejects the plan.
    """
    began = time.process_time()
    plan = make_plan(farm.topology, farm.start, farm.end, farm.book, catalogue(), timing=timing)
    seconds = time.process_time() - began
    safe = check(farm.topology, plan, farm.book).safe
    if timing is not None:
        safe = safe and check_timed(farm.topology, plan, farm.book).safe
    if not safe:
        raise ValueError(f"{farm.name} is rejected")
    (words,) = [text for text in plan.remarks if text.startswith("redirection:")] or [""]
    if not words or "proven minimal" in words:
        return Gap(0.0, words, seconds)
    said = re.search(r"at most ([0-9,.]+)% above", words)
    return Gap(float(said[1].replace(",", "")) if said else float("inf"), words, seconds)


def farms() -> Iterator[Farm]:
    """All of them, the largest last."""
    for name in FAMILIES:
        for sites in SITES:
            for seed in SEEDS:
                yield farm_of(name, sites, seed)
    for seed in (1, 2, 3):
        yield dataclasses.replace(largest(seed), name=f"two-hub-200-{seed}")


def figures() -> Iterator[str]:
    """A line per farm, and the medians."""
    yield "from 100 servers: cost of redirection above the plan's own bound"
    yield f"{'farm':18} {'servers':>7} {'no windows':>11} {'s':>6} {'weekends':>10} {'s':>6}"
    free, timed = [], []
    for farm in farms():
        one, other = gap_of(farm, None), gap_of(farm, weekends(farm))
        free.append(one.above)
        timed.append(other.above)
        yield (
            f"{farm.name:18} {len(farm.topology.servers):7} {one.above:10.1f}% {one.seconds:6.2f} "
            f"{other.above:9.1f}% {other.seconds:6.2f}"
        )
    for words, found in (
        ("without windows", free),
        ("weekend windows", timed),
        ("together", free + timed),
    ):
        yield f"{words}: median {statistics.median(found):.1f}%, worst {max(found):.1f}%"
