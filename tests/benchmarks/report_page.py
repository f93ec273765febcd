"""The report of a large farm: seconds beside the plan itself, and bytes."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.families import LARGEST_WINDOWS, Farm, _farm, two_hub
from benchmarks.measure import timed
from orchestrator.checker import check
from orchestrator.inventory.windows import read_windows
from orchestrator.model.plan import Plan
from orchestrator.model.topology import Protocol
from orchestrator.planfile import SavedPlan, from_document, to_document
from orchestrator.planner import make_plan
from orchestrator.planner.schedule import schedule
from orchestrator.report.page import ReportInput, report_html
from orchestrator.rules.engine import RuleBook
from orchestrator.shipped import catalogue, rule_pack, zone

SERVERS, SITES = 1000, 200


def thousand(servers: int = SERVERS, sites: int = SITES, minimum: int = 4) -> Farm:
    """Two hubs, every pool probed, five servers in a site of which one may be away at a time."""
    rng = random.Random(f"report {servers}")
    paths = [(a, b, Protocol.OWA, rng.randint(1, 500)) for a, b in two_hub(sites, rng)]
    counts = [servers // sites] * sites
    book = RuleBook(rule_pack())
    return _farm(f"report-{servers}", counts, paths, {}, book, minimum=minimum, probed=True)


def planned(farm: Farm, windows: str) -> Plan:
    """Its plan with a time for every step."""
    plan = make_plan(farm.topology, farm.start, farm.end, farm.book, catalogue())
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "windows.yml")
        file.write_text(windows, encoding="utf-8")
        minutes = farm.topology.replication_minutes
        read = read_windows(file, farm.topology.sites, replication_minutes=minutes)
    return schedule(farm.topology, plan, read.calendar, read.policy)


def given(farm: Farm, plan: Plan) -> ReportInput:
    """What its report is made from."""
    report = check(farm.topology, plan, farm.book)
    document = to_document(SavedPlan(farm.topology, plan, farm.book.policy, {}), farm.book, report)
    saved = from_document(document)
    return ReportInput(saved, farm.book, report, "0" * 64, catalogue(), zone, None, "not made")


def figures() -> Iterator[str]:
    """One line: the farm, the report's seconds and size, the plan's seconds."""
    farm = thousand()
    made = timed(lambda: planned(farm, LARGEST_WINDOWS), 1)
    assert isinstance(made.result, Plan)
    inputs = given(farm, made.result)
    page = timed(lambda: report_html(inputs))
    size = len(str(page.result).encode()) / 1e6
    yield (
        f"{SERVERS} servers, {SITES} sites, {len(made.result.steps)} steps: report.html in "
        f"{page.seconds:.2f} s of processor and {size:.2f} MB, the plan in {made.seconds:.1f} s"
    )
