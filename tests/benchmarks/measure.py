"""Single measurements in processor seconds; imports and generators stand outside the clock."""

from __future__ import annotations

import json
import multiprocessing
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import igraph
import networkx as nx

from benchmarks.documents import read
from benchmarks.families import LINE, NEW, Farm, small
from orchestrator.checker import check, check_timed
from orchestrator.model.topology import Label, Protocol
from orchestrator.planfile import SavedPlan, render, to_document
from orchestrator.planfile.organization import organization_document
from orchestrator.planfile.organization_file import write_organization
from orchestrator.planner import make_plan
from orchestrator.planner.constraints import Arc, order_arcs, path_facts
from orchestrator.planner.cycles import Cut, cheapest_cut
from orchestrator.rules.engine import RuleBook
from orchestrator.shipped import catalogue, load_yaml, rule_pack


@dataclass(frozen=True)
class Timed:
    """What came out, and the median of the processor seconds it took."""

    result: object
    seconds: float


def timed(work: Callable[[], object], times: int = 3) -> Timed:
    """Run a few times; the median bears with a noisy machine."""
    taken = []
    result = None
    for _ in range(times):
        begin = time.process_time()
        result = work()
        taken.append(time.process_time() - begin)
    return Timed(result, statistics.median(taken))


def arcs_of(farm: Farm) -> list[Arc]:
    """Demands of the rules on the order."""
    return order_arcs(path_facts(farm.topology, farm.start, farm.end, farm.book))


def cut_of(farm: Farm, arcs: list[Arc]) -> Cut:
    """The planner's cheapest redirections, every site capable of OWA."""
    free = {Label(pool, Protocol.OWA) for pool in farm.topology.pools}
    cut = cheapest_cut(arcs, free, farm.topology.users_of)
    if cut is None:
        raise ValueError(f"{farm.name} has no order")
    return cut


def events_to_dag(farm: Farm) -> int:
    """From a farm to an order of its changes: events, labels, and what is left in generations."""
    arcs = arcs_of(farm)
    labels = {*cut_of(farm, arcs).labels}
    graph = nx.DiGraph([(arc.first, arc.then) for arc in arcs if arc.label not in labels])
    return len(list(nx.topological_generations(graph)))


def networkx_pass(arcs: list[tuple[int, int]]) -> int:
    """The yardstick: build, components, condensation and generations of the same graph."""
    graph = nx.DiGraph(arcs)
    parts = list(nx.strongly_connected_components(graph))
    return len(list(nx.topological_generations(nx.condensation(graph, parts))))


def site_arcs(farm: Farm, arcs: list[Arc]) -> list[tuple[int, int]]:
    """The arcs between site numbers."""
    number = {pool: at for at, pool in enumerate(farm.topology.pools)}
    return [(number[arc.first.pool], number[arc.then.pool]) for arc in arcs]


def igraph_seconds(farm: Farm, arcs: list[Arc], limit: float) -> tuple[float, int | None]:
    """igraph's exact feedback vertex set from the same arcs, in a process that can be stopped.

    Returns
    -------
    tuple of float and int or None
        Seconds with building its graph, and users; the limit and None if it ran out of time.
    """
    ours, theirs = multiprocessing.Pipe()
    child = multiprocessing.get_context("fork").Process(
        target=_igraph_child, args=(farm, arcs, theirs)
    )
    child.start()
    answer: tuple[float, int | None] = (limit, None)
    if ours.poll(limit * 2):
        answer = ours.recv()
    child.terminate()
    child.join()
    return answer


def _igraph_child(farm: Farm, arcs: list[Arc], answer: object) -> None:
    begin = time.process_time()
    number = {pool: at for at, pool in enumerate(farm.topology.pools)}
    edges = [(number[arc.first.pool], number[arc.then.pool]) for arc in arcs]
    graph = igraph.Graph(n=len(number), edges=edges, directed=True)
    users = [farm.topology.users_of(Label(pool, Protocol.OWA)) for pool in number]
    chosen = graph.feedback_vertex_set(weights=users)
    taken = time.process_time() - begin
    answer.send((taken, sum(users[vertex] for vertex in chosen)))  # type: ignore[attr-defined]


def json_to_plan(source: Path, target: Path) -> dict[str, float]:
    """Read a document, plan, check, write plan.json: seconds of each part, and megabytes at most.

    To be called in a process of its own: the memory is that of the whole process.
    """
    catalogue()
    book = RuleBook(rule_pack())
    marks = [time.process_time()]

    def mark() -> None:
        marks.append(time.process_time())

    topology, start, end = read(source.read_text(encoding="utf-8"), NEW)
    mark()
    plan = make_plan(topology, start, end, book, catalogue())
    mark()
    report = check(topology, plan, book)
    if not report.safe:
        raise ValueError(report.violations[0].message)
    mark()
    text = render(to_document(SavedPlan(topology, plan, book.policy, {}), book, report))
    target.write_text(text, encoding="utf-8")
    mark()
    parts = ["read", "plan", "check", "write"]
    taken = {part: then - now for part, now, then in zip(parts, marks, marks[1:], strict=False)}
    return taken | {
        "total": marks[-1] - marks[0],
        "steps": len(plan.steps),
        "megabytes": _megabytes(),
        "written": len(text) / 1e6,
    }


def whole_command(farm: Farm, windows: str, folder: Path) -> dict[str, float]:
    """``plan --organization FILE --windows FILE -o FOLDER`` as an operator runs it.

    Returns
    -------
    dict
        Seconds of processor and by the clock, start and imports included; files and megabytes
        written.
    """
    document, times, out = folder / "farm.json", folder / "windows.yml", folder / "plan"
    goals = {LINE: NEW}
    write_organization(
        organization_document(farm.topology, farm.start, goals, farm.book, None), document
    )
    times.write_text(windows, encoding="utf-8")
    words = ["plan", "--organization", str(document), "--windows", str(times), "-o", str(out)]
    used, began = _children(), time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "orchestrator", *words], capture_output=True, text=True, check=False
    )
    taken = {"seconds": _children() - used, "clock": time.perf_counter() - began}
    if done.returncode:
        raise ValueError(done.stdout + done.stderr)
    written = [path for path in out.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in written) / 1e6
    return taken | {"files": len(written), "megabytes": size}


def small_farm(seed: int) -> dict[str, int | float]:
    """One small farm: our plan and the naive model's, costs counted alike, seconds of processor.

    Raises
    ------
    ValueError
        If the checker rejects our plan, or the naive model proves more than our plan costs.
    """
    from benchmarks.whole import whole  # only this figure needs the extra `solver`

    farm, timing = small(seed)
    charge = farm.book.policy.switch_user_hours * 60
    began = time.process_time()
    plan = make_plan(
        farm.topology, farm.start, farm.end, farm.book, catalogue(), pilot=False, timing=timing
    )
    taken = time.process_time() - began
    reports = check(farm.topology, plan, farm.book), check_timed(farm.topology, plan, farm.book)
    if not all(report.safe for report in reports) or plan.schedule is None:
        raise ValueError(f"{farm.name} is rejected")
    switches = sum(step.kind.changes_urls for step in plan.steps)
    cost = switches * charge + plan.schedule.user_minutes
    naive = whole(farm, timing, charge)
    if naive.proven and cost < naive.cost:
        raise ValueError(f"{farm.name}: {cost} beats the proven {naive.cost}: not the same problem")
    return {
        "sites": len(farm.topology.sites),
        "steps": len(plan.steps),
        "cost": cost,
        "seconds": taken,
        "naive": naive.cost,
        "proven": naive.proven,
        "naive_seconds": naive.seconds,
    }


def _children() -> float:
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def _megabytes() -> float:
    """The most memory this process has held since it began.

    getrusage would also count what the process held from which this one was started.
    """
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def yaml_seconds(source: Path) -> dict[str, float]:
    """Seconds libyaml's safe loader takes for the document in block style."""
    text = source.read_text(encoding="utf-8")
    begin = time.process_time()
    loaded = load_yaml(text)
    taken = time.process_time() - begin
    return {"total": taken, "pools": len(loaded["pools"])}


def main(arguments: list[str]) -> str:
    """``plan FILE OUT`` or ``yaml FILE``, in a fresh process; the answer is one line of JSON."""
    what, source, *rest = arguments
    if what == "plan":
        return json.dumps(json_to_plan(Path(source), Path(rest[0])))
    return json.dumps(yaml_seconds(Path(source)))


if __name__ == "__main__":
    import scipy.optimize  # the clock starts after imports, on both sides
    import scipy.sparse  # noqa: F401

    sys.stdout.write(main(sys.argv[1:]) + "\n")
