"""The verdict in one sentence, and the figures beside it."""

from __future__ import annotations

from orchestrator.drawing.chart import durations
from orchestrator.model.topology import ProxyPath
from orchestrator.model.words import counted
from orchestrator.report.page.inputs import ReportInput


def broken_before(given: ReportInput) -> list[ProxyPath]:
    """Paths that do not work, or are not known to, before the plan."""
    return given.book.broken_paths(given.topology, given.plan.start)


def broken_after(given: ReportInput) -> list[ProxyPath]:
    """The same once it is done."""
    return given.book.broken_paths(given.topology, given.plan.end)


def sentence(given: ReportInput) -> str:
    """What a board that reads one sentence must know."""
    plan, check = given.plan, given.check
    changed = {name for s in plan.steps if s.kind.changes_build for name in s.servers}
    goals = " and ".join(
        given.catalogue.name(build) for _, build in sorted(given.saved.goals.items())
    )
    what = f"bring {counted(len(changed), 'server')} to {goals}" if goals else "take the farm back"
    if check.violations:
        return (
            f"NOT SAFE: of the {counted(check.states, 'state')} these "
            f"{counted(len(plan.steps), 'step')} can pass through, {len(check.violations)} break "
            "a path."
        )
    parts = [
        (
            f"In {counted(len(plan.steps), 'step')} that {what}, no proxied path that works today "
            "stops working by the rules in force, in any of the "
            f"{counted(check.states, 'state')} on the way"
        )
    ]
    before, after = broken_before(given), broken_after(given)
    if before:
        users = sum(path.users for path in before)
        repaired = len(set(before) - set(after))
        what = "the path that does"
        if len(before) > 1:
            what = f"{repaired} of the {len(before)} paths that do"
        done = "is" if repaired == 1 else "are"
        if len(before) == 1 and not repaired:
            done = "is NOT"
        parts.append(f"{what} not work today ({counted(users, 'user')}) {done} repaired")
    if plan.leans_on:
        pilot = "the pilot tests first" if plan.shown_by_pilot else "nobody tests first"
        count = len(plan.leans_on)
        parts.append(f"it rests on {count} {'assumption' if count == 1 else 'assumptions'} {pilot}")
    outage = sum(s.outage.user_minutes for s in plan.steps if s.outage)
    parts.append(
        f"the planned outage is {outage:,} user-minutes" if outage else "no pool falls to zero"
    )
    if given.saved.purpose == "rollback":
        return "; ".join(parts) + "."
    parts.append(
        "the complete way back is planned and checked"
        if given.back is not None and given.back.end == plan.start
        else "the way back leads to the last state without a broken path"
        if given.back is not None
        else "THERE IS NO COMPLETE WAY BACK"
    )
    return "; ".join(parts) + "."


def tiles(given: ReportInput) -> list[tuple[str, str, str]]:
    """Figure, what it counts, and a remark."""
    plan = given.plan
    before, after = broken_before(given), broken_after(given)
    changed = {name for s in plan.steps if s.kind.changes_build for name in s.servers}
    outage = sum(s.outage.user_minutes for s in plan.steps if s.outage)
    minutes = sum(s.estimated_minutes for s in plan.steps)
    found = [
        (
            f"{len(plan.steps)}",
            "steps",
            f"{counted(len(changed), 'server')} change, {minutes} min of work",
        ),
        (
            f"{len(before)} → {len(after)}",
            "paths not known to work",
            "before → after, by the rules in force",
        ),
        (f"{outage:,}", "user-minutes of outage", "planned and consented, counted per pool"),
    ]
    if plan.schedule is not None:
        hours = plan.schedule.user_minutes / 60
        found.append((f"{hours:,.0f}", "user-hours redirected", "users sent to another address"))
        windows = len(plan.schedule.windows)
        length = f"{plan.schedule.minutes / 60:.1f} h from first start to end"
        found.append((f"{windows}", "window" if windows == 1 else "windows", length))
    if given.entries:
        took = durations(plan, given.run)
        done = sum(given.run.status(step.id).done for step in plan.steps)
        found.append(
            (f"{done} of {len(plan.steps)}", "steps done", f"{sum(took.values()):.0f} min")
        )
    return found


def standing(given: ReportInput) -> str:
    """How the run stands; empty before one."""
    run = given.run
    if run.started is None:
        return ""
    if run.finished and run.ended:
        return f"Finished {run.ended:%Y-%m-%d %H:%M} UTC: every step succeeded, the farm was read."
    if run.ended is not None:
        return f"Stopped {run.ended:%Y-%m-%d %H:%M} UTC: {run.reason}"
    return f"Begun {run.started:%Y-%m-%d %H:%M} UTC; the journal holds no end."
