"""From a start and an end state to a checked plan, and from that to the files of a folder."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from orchestrator.checker import CheckReport, check, check_timed
from orchestrator.cli.reporting import NO_WAY_BACK, REPORT, report_input
from orchestrator.errors import NoSafePlan, OrchestratorError
from orchestrator.model.build import Build
from orchestrator.model.plan import Plan, StepKind, not_beyond, within_reach
from orchestrator.model.schedule import Timing
from orchestrator.model.state import State
from orchestrator.model.topology import Topology
from orchestrator.planfile import SavedPlan, digest_of, from_document, render, to_document
from orchestrator.planfile.folder import PLAN, PLAYBOOKS, ROLLBACK
from orchestrator.planner import last_sound_state, make_plan
from orchestrator.playbook import playbook_files
from orchestrator.report.page import report_html
from orchestrator.rules.engine import RuleBook
from orchestrator.shipped import catalogue, playbook_parts

OUR_MISTAKE = "this is a mistake of this program: report it with the input"
EDITED = (
    "make the plan again; a plan file is never edited by hand, and rules that changed since it was "
    "made ask for a new one, too"
)


def checked_plan(
    topology: Topology,
    start: State,
    end: State,
    book: RuleBook,
    *,
    pilot: bool = True,
    beneath: Mapping[str, Collection[Build]] | None = None,
    timing: Timing | None = None,
) -> tuple[Plan, CheckReport]:
    """A plan the independent checker has passed; with times if windows are given.

    Raises
    ------
    NoSafePlan
        If there is none; also if the checker finds fault with what the planner made, which is a
        mistake of this program and never written.
    """
    plan = make_plan(
        topology,
        start,
        end,
        book,
        catalogue(),
        pilot=pilot,
        beneath=beneath,
        timing=timing,
    )
    report = check(topology, plan, book)
    require_safe(report, "the planner")
    require_safe(check_timed(topology, plan, book), "the planner")
    return plan, report


def require_safe(report: CheckReport, author: str, remedy: str = OUR_MISTAKE) -> None:
    """Stop unless the checker found nothing."""
    if report.safe:
        return
    found = "\n".join(f"  {violation.message}" for violation in report.violations[:20])
    raise NoSafePlan(
        f"The independent check rejects what {author} made; nothing was written or changed:\n"
        f"{found}",
        remedy,
    )


def way_back(
    topology: Topology, plan: Plan, now: State, book: RuleBook, accepted_paths: frozenset[str]
) -> tuple[Plan, CheckReport]:
    """The plan from a state back to before another plan.

    If that would break what works now, to the earliest state on the way that does not, unless
    going back to the broken paths was accepted by name. Such a path has no say in the order and
    is not probed, since nothing can be expected of it; all others are kept working. Over a service
    pack there is no way back: servers beyond one return to the first build they had of it.

    Raises
    ------
    NoSafePlan
        If no order works, or a change on the way cannot be undone.
    """
    states = itertools.accumulate(plan.steps, lambda now, step: step.apply(now), initial=plan.start)
    target = last_sound_state(topology, _behind(plan, states, now), now, book, accepted_paths)
    given_up = {
        found.path
        for found in book.judge_all(topology, target)
        if found.worst.blocks and str(found.path) in accepted_paths
    }
    heeded = replace(topology, paths=tuple(p for p in topology.paths if p not in given_up))
    plan_back = checked_plan(heeded, now, target, book, pilot=False, beneath=_beneath(plan))
    back, report = plan_back
    remarks = [f"{path} is broken when this ends, as accepted" for path in sorted(given_up)]
    remarks += _point_of_no_return(plan, target)
    back = replace(back, remarks=(*back.remarks, *remarks))
    _require_reversible(back)
    return back, report


def _behind(plan: Plan, states: Iterable[State], now: State) -> Iterator[State]:
    """States of a plan as a way back can come to them: no service pack goes, no server goes on."""
    for state in states:
        reachable = within_reach(plan.start, plan.steps, state, now)
        yield not_beyond(plan.start, plan.steps, reachable, now)


def _require_reversible(back: Plan) -> None:
    stuck = [step for step in back.steps if step.kind.changes_build and not step.reversible]
    if stuck:
        lines = "\n".join(
            f"  {', '.join(step.servers)}: {step.irreversible_because}" for step in stuck
        )
        raise NoSafePlan(
            f"There is no way back for:\n{lines}",
            "list the missing packages with their patch codes in organization.yml",
        )


def way_back_of_sites(
    topology: Topology, plan: Plan, now: State, book: RuleBook, sites: Collection[str]
) -> tuple[Plan, CheckReport]:
    """The plan that takes back what a plan changed at some sites, and nothing anywhere else.

    Planned and checked as a whole: the rest of the farm stays as it is now.

    Raises
    ------
    NoSafePlan
        If a path that works now would then be broken, if no order works, or if a change on the
        way cannot be undone.
    """
    names = [name for name, server in topology.servers.items() if server.pool.site in sites]
    urls = {
        (name, protocol): plan.start.external_urls.get((name, protocol), "")
        for name, protocol in {*now.external_urls, *plan.start.external_urls}
        if name in names
    }
    first = within_reach(plan.start, plan.steps, plan.start, now)
    target = now.with_builds({name: first.builds[name] for name in names}).with_urls(urls)
    broken_now = set(book.broken_paths(topology, now))
    lost = [path for path in book.broken_paths(topology, target) if path not in broken_now]
    if lost:
        lines = "\n".join(f"  {path}" for path in sorted(lost))
        raise NoSafePlan(
            f"Going back at {', '.join(sorted(sites))} alone would break what works now, because "
            f"the rest of the farm stays as it is:\n{lines}",
            "remove the cause and resume, or take the whole window back: orchestrator rollback",
        )
    plan_back = checked_plan(topology, now, target, book, pilot=False, beneath=_beneath(plan))
    back, report = plan_back
    _require_reversible(back)
    remark = f"only {', '.join(sorted(sites))} goes back; every other site stays as it is"
    own = State({name: target.builds[name] for name in names}, {})
    remarks = (*back.remarks, remark, *_point_of_no_return(plan, own))
    return replace(back, remarks=remarks), report


def _beneath(plan: Plan) -> dict[str, set[Build]]:
    """What lies under the rollups a plan installs: those it installed on the way there."""
    found: dict[str, set[Build]] = defaultdict(set)
    for step in plan.steps:
        if step.kind is StepKind.UPGRADE and step.from_build and not step.is_service_pack:
            for name in step.servers:
                found[name].add(step.from_build)
    return found


def _point_of_no_return(plan: Plan, target: State) -> list[str]:
    """Where a way back ends for servers that went over a service pack."""
    over: dict[Build, list[str]] = defaultdict(list)
    for name, build in sorted(target.builds.items()):
        if plan.start.builds[name].service_pack_level != build.service_pack_level:
            over[build].append(name)
    return [
        f"{', '.join(names)}: the way back ends on {catalogue().name(build)} ({build}), because "
        "a service pack cannot be removed"
        for build, names in sorted(over.items())
    ]


def where_it_ends(plan: Plan, back: Plan) -> list[str]:
    """What a reader must know of a way back that does not lead to where the plan began."""
    told = _point_of_no_return(plan, back.end)
    first = within_reach(plan.start, plan.steps, plan.start, plan.end if told else back.end)
    if back.end != first:
        told.append(
            "Going back to the start would break what the plan has repaired: the way back ends in "
            "the earliest state that breaks nothing which works where it begins"
        )
    return told


def plan_files(
    topology: Topology,
    plan: Plan,
    book: RuleBook,
    report: CheckReport,
    goals: Mapping[str, Build],
) -> tuple[dict[str, str], list[str]]:
    """The files of a plan directory, and what a reader must be told about its rollback."""
    document = to_document(SavedPlan(topology, plan, book.policy, goals), book, report)
    files = {PLAN: render(document)}
    back, notes = _add_playbooks(files, topology, plan, book)
    # As it will be read: the report made again from the folder must have the same bytes.
    no_way_back = files.get(f"{ROLLBACK}/{NO_WAY_BACK}", "").strip()
    given = report_input(from_document(document), report, digest_of(files), back, no_way_back)
    files[REPORT] = report_html(given)
    return files, notes


def _add_playbooks(
    files: dict[str, str], topology: Topology, plan: Plan, book: RuleBook
) -> tuple[Plan | None, list[str]]:
    """Add the playbooks there and the plan back; the way back, and what to say of it."""
    shipped = playbook_parts()
    for name, text in playbook_files(topology, plan, shipped).items():
        files[f"{PLAYBOOKS}/{name}"] = text
    notes: list[str] = []
    try:
        back, back_report = way_back(topology, plan, plan.end, book, frozenset())
    except OrchestratorError as error:
        files[f"{ROLLBACK}/{NO_WAY_BACK}"] = f"{error.message}\n{error.remedy}\n"
        notes.append(f"There is no complete way back: {error.message}")
        return None, notes
    files |= rollback_files(topology, back, book, back_report, shipped, prefix=f"{ROLLBACK}/")
    return back, notes + where_it_ends(plan, back)


def rollback_files(
    topology: Topology,
    back: Plan,
    book: RuleBook,
    report: CheckReport,
    shipped: Mapping[str, str],
    *,
    prefix: str = "",
) -> dict[str, str]:
    """plan.json and playbooks of a way back, the first of which asserts where it starts."""
    saved = SavedPlan(topology, back, book.policy, {}, "rollback")
    files = {f"{prefix}{PLAN}": render(to_document(saved, book, report))}
    for name, text in playbook_files(topology, back, shipped, assert_state=True).items():
        files[f"{prefix}{PLAYBOOKS}/{name}"] = text
    return files
