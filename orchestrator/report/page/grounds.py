"""What the plan rests on: rules, assumptions, the pilot, advice it departs from, vendor support."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.drawing.judged import judged_paths
from orchestrator.graph import diagnose
from orchestrator.model.plan import Step, StepKind
from orchestrator.model.topology import PoolId
from orchestrator.model.words import counted
from orchestrator.report.page.inputs import ReportInput
from orchestrator.rules.rule import Confidence, Rule, Verdict

SUPPORT_ENDED = {
    "2007": ("2017-04-11", "Microsoft, Exchange Server 2007 documentation (aa997614) [doc]"),
    "2010": ("2020-10-13", "Microsoft, Exchange team announcement of 2019-09-16 [doc]"),
}
"""End of vendor support by product line; only dates somebody has looked up."""

CONFIDENCE = {
    Confidence.DOC: "Microsoft says so",
    Confidence.FIELD: "third parties have seen it, or this farm has",
    Confidence.INFER: "our inference from what is documented",
    Confidence.OPEN: "looked for and not found",
}


@dataclass(frozen=True)
class RuleRow:
    """A rule in the words of a table."""

    id: str
    verdict: str
    confidence: str
    title: str
    sources: str
    decided: str


def rules_used(given: ReportInput) -> list[RuleRow]:
    """Rules the order, the states on the way or the decisions of the operator name."""
    plan, policy = given.plan, given.book.policy
    names = {rule for step in plan.steps for rule in step.rules}
    names |= {*plan.leans_on, *policy.accepted, *policy.strict}
    for state in (plan.start, plan.end):
        for protocol in {path.protocol for path in given.topology.paths}:
            judged = judged_paths(given.topology, state, given.book, protocol)
            names |= {one.judgement.rule.id for one in judged}
    rows = []
    for name in sorted(names & given.book.by_id.keys()):
        rule = given.book.by_id[name]
        rows.append(
            RuleRow(
                name,
                str(Verdict.BROKEN if name in policy.strict else rule.verdict),
                str(rule.confidence),
                rule.title,
                "; ".join(rule.references),
                _decided(given, rule),
            )
        )
    return rows


def _decided(given: ReportInput, rule: Rule) -> str:
    policy = given.book.policy
    if rule.id in policy.strict:
        return f"taken as broken: {policy.strict[rule.id]}"
    if rule.id in policy.accepted:
        return f"accepted: {policy.accepted[rule.id]}"
    return ""


def assumptions(given: ReportInput) -> list[tuple[RuleRow, str]]:
    """Rules leaned on that nobody has documented, and how the pilot shows each."""
    by_id = {row.id: row for row in rules_used(given)}
    pilots = [step for step in given.plan.steps if step.pilot]
    shown = given.plan.shown_by_pilot
    found = []
    for name in given.plan.leans_on:
        if name not in by_id:
            continue
        if name in shown:
            how = "shown by the pilot on this farm before anything else begins"
        elif pilots:
            how = "NOT shown by the pilot; the probes after each step are the first to see it"
        else:
            how = "no pilot shows it; the probes after each step are the first to see it"
        found.append((by_id[name], how))
    return found


def pilot_lines(given: ReportInput) -> list[str]:
    """What the pilot does and what it proves."""
    lines = []
    for step in given.plan.steps:
        if not step.pilot:
            continue
        number = given.number[step.id]
        if step.kind is StepKind.VERIFY:
            sources = sorted({name for probe in step.probes for name in probe.sources})
            lines.append(
                f"Step {number} looks through {len(sources)} sources ({', '.join(sources[:8])}"
                + (", …" if len(sources) > 8 else "")
                + f") in {counted(step.looks, 'probe')}: {step.reason}. If one is refused, "
                f"or event 46 "
                "is logged, the run stops and the rule counts as broken from then on."
            )
        else:
            lines.append(f"Step {number} changes {', '.join(step.servers)} of {step.pool} only.")
    return lines


def advice(given: ReportInput) -> tuple[bool, list[str]]:
    """Whether the order differs from Microsoft's Internet-facing-first advice, and why."""
    sites = given.topology.sites
    first: dict[PoolId, int] = {}
    last: dict[PoolId, int] = {}
    for number, step in enumerate(given.plan.steps, 1):
        if step.kind.changes_build:
            first.setdefault(step.pool, number)
            last[step.pool] = number
    facing = {pool for pool in last if sites[pool.site].internet_facing}
    if not facing:
        return False, ["No Internet-facing pool changes its build in this plan."]
    end = max(last[pool] for pool in facing)
    earlier = sorted((first[p], p) for p in first if p not in facing and first[p] < end)
    if not earlier:
        return False, ["The Internet-facing pools come first here, as that advice has it."]
    names = ", ".join(str(pool) for _, pool in earlier[:6]) + (", …" if len(earlier) > 6 else "")
    lines = [
        (
            "Microsoft's standing advice where Client Access servers proxy to one another is to "
            "put rollups on Internet-facing servers first [doc]. Here "
            f"{names} come before {', '.join(sorted(map(str, facing)))}."
        )
    ]
    careless = diagnose(given.topology, given.plan.start, given.book, given.plan.end)
    reasons: dict[str, list[str]] = {}
    for one in (*careless.blocked, *careless.sources_first):
        if one.path.source in facing:
            rule = one.worst.rule
            text = f"{rule.title} ({one.worst.verdict}, {rule.id} [{rule.confidence}])"
            reasons.setdefault(text, []).append(f"{one.path}, {counted(one.path.users, 'user')}")
    for text, paths in reasons.items():
        shown = "; ".join(paths[:4]) + (f"; and {len(paths) - 4} more" if len(paths) > 4 else "")
        lines.append(f"With the Internet-facing servers first: {text}: {shown}.")
    if not reasons:
        lines.append(
            "No rule speaks against either order for the Internet-facing pools; the order follows "
            "from other pools, or is free."
        )
    return True, lines


def support(given: ReportInput) -> list[tuple[str, str, str]]:
    """Product line, end of support and source, for every line in the farm."""
    lines = sorted({pool.product_line for pool in given.topology.pools})
    unknown = ("no date in this program", "ask Microsoft's lifecycle pages")
    return [(line, *SUPPORT_ENDED.get(line, unknown)) for line in lines]


def out_of_scope(given: ReportInput) -> list[str]:
    """What this plan does not touch or does not know."""
    topology, plan = given.topology, given.plan
    lines = [
        "Mailboxes, databases, transport, operating-system updates, client software: not touched.",
        (
            "DNS, certificates, publishing rules and load balancers: not changed; where a "
            "redirection leans on them the evidence is named beside the step."
        ),
        (
            "Restart of servers by others, updates from WSUS, backups in the window: to be kept "
            "away; the pre-check stops a step that meets them."
        ),
    ]
    lines += [
        f"{pool.id} stays at its build: {pool.hold}"
        for pool in topology.pools.values()
        if pool.hold
    ]
    changed = {step.pool for step in plan.steps if step.kind.changes_build}
    still = [str(p.id) for p in topology.pools.values() if p.id not in changed and not p.hold]
    if still:
        shown = ", ".join(still[:12]) + (f" and {len(still) - 12} more" if len(still) > 12 else "")
        lines.append(f"Already at the goal or without one, so not changed: {shown}.")
    blind = [str(p.id) for p in topology.pools.values() if not p.test_mailbox]
    if blind:
        shown = ", ".join(blind[:12]) + (f" and {len(blind) - 12} more" if len(blind) > 12 else "")
        lines.append(f"No test mailbox, so not probed: {shown}.")
    return lines


def reason_parts(step: Step) -> list[str]:
    """A reason as separate statements."""
    return [part for part in step.reason.split("; ") if part]
