"""What users will see and when, and what the help desk says."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.model.plan import Step, StepKind
from orchestrator.model.topology import PoolId, ProxyPath
from orchestrator.model.words import counted
from orchestrator.report.page.inputs import ReportInput
from orchestrator.report.page.summary import broken_before
from orchestrator.report.page.times import Times


@dataclass(frozen=True)
class Seen:
    """One thing users notice.

    Parameters
    ----------
    when, who, what : str
    say : str
        What the help desk answers.
    order : tuple
        Sorts by time.
    """

    when: str
    who: str
    what: str
    say: str
    order: tuple[float, int]


def what_users_see(given: ReportInput, times: Times) -> list[Seen]:
    """Everything users notice, by time."""
    found = [*_broken_today(given, times), *_outages(given, times)]
    found += [*_redirections(given, times), *_sessions(given, times)]
    return sorted(found, key=lambda seen: (seen.order, seen.who))


def symptoms(given: ReportInput) -> list[tuple[str, str, str]]:
    """Messages that mean something is wrong: text, event, and the rule that knows it."""
    named = {rule for step in given.plan.steps for rule in step.rules} | {*given.plan.leans_on}
    named |= {
        found.judgement.rule.id
        for path in broken_before(given)
        for found in given.book.judge_path(given.topology, given.plan.start, path).pairs
        if found.judgement.blocks
    }
    rows: dict[tuple[str, str], list[str]] = {}
    for name in sorted(named):
        rule = given.book.by_id.get(name)
        if rule is not None and rule.symptom.user:
            event = f"{rule.symptom.event_source} {rule.symptom.event_id or ''}".strip()
            rows.setdefault((rule.symptom.user, event), []).append(name)
    return [(text, event, ", ".join(names)) for (text, event), names in rows.items()]


def help_desk_text(given: ReportInput, times: Times, seen: list[Seen]) -> str:
    """A text to send, as it is, to those who answer the telephone."""
    lines = [
        f"Outlook Web App, {given.topology.organization}: maintenance {times.span_of_plan()}",
        "",
        "Mail itself is not touched. Users may report:",
    ]
    lines += [f"- {one.who}, {one.when}: {one.what} Say: {one.say}" for one in seen]
    wrong = symptoms(given)
    if wrong:
        lines += ["", "Not expected once the steps above are done; call the implementer at once:"]
        lines += [f'- "{text}"' for text, _, _ in wrong]
        lines.append("Note the time, the user's site and the address in the browser.")
    return "\n".join(lines)


def _broken_today(given: ReportInput, times: Times) -> list[Seen]:
    repaired = _repairs(given)
    found = []
    for path in broken_before(given):
        step = repaired.get(path)
        worst = given.book.judge_path(given.topology, given.plan.start, path).worst
        text = worst.rule.symptom.user
        quoted = f' ("{text}")' if text else ""
        until = f"until {times.end(step)} (step {given.number[step.id]})" if step else "stays so"
        found.append(
            Seen(
                f"today, {until}",
                f"{counted(path.users, 'user')} of {path.target} who come in through {path.source}",
                f"{path.protocol.upper()} does not work for them, or is not known to{quoted}.",
                "known; this change repairs it."
                if step
                else "known; this change does not repair it.",
                (0.0, 0),
            )
        )
    return found


def _repairs(given: ReportInput) -> dict[ProxyPath, Step]:
    """For every path broken at the start the step, in the plan's order, that repairs it."""
    left = set(broken_before(given))
    found: dict[ProxyPath, Step] = {}
    state = given.plan.start
    for step in given.plan.steps:
        if not left:
            break
        state = step.apply(state)
        for path in [p for p in left if step.pool in {p.source, p.target}]:
            if not given.book.judge_path(given.topology, state, path).worst.blocks:
                found[path] = step
                left.discard(path)
    return found


def _outages(given: ReportInput, times: Times) -> list[Seen]:
    return [
        Seen(
            times.span(step, step),
            f"{counted(step.outage.users, 'user')} of {step.pool}",
            f"Outlook Web App is not available for up to {counted(step.outage.minutes, 'minute')}.",
            "planned and agreed; try again after the time given.",
            times.order(step),
        )
        for step in given.plan.steps
        if step.outage
    ]


def _redirections(given: ReportInput, times: Times) -> list[Seen]:
    found = []
    for number, step in enumerate(given.plan.steps):
        if step.kind is not StepKind.ENABLE_REDIRECTION:
            continue
        later = given.plan.steps[number:]
        off = next(
            (s for s in later if s.kind is StepKind.RESTORE_PROXYING and s.pool == step.pool), None
        )
        users = sum(given.topology.users_of(p.label) for p in _into(given, step.pool)[:1])
        urls = ", ".join(sorted({url for url in step.new_urls.values() if url}))
        found.append(
            Seen(
                times.span(step, off),
                f"{counted(users, 'user')} of {step.pool} who come in elsewhere",
                f"The browser goes to {urls} and may ask to sign in once more.",
                "expected; the address is ours. Bookmarks need not be changed.",
                times.order(step),
            )
        )
    return found


def _into(given: ReportInput, pool: PoolId) -> list[ProxyPath]:
    return [p for p in given.topology.paths_into[pool] if p.protocol.value == "owa"]


def _sessions(given: ReportInput, times: Times) -> list[Seen]:
    pools: dict[PoolId, list[Step]] = {}
    for step in given.plan.steps:
        if step.kind.changes_build and not step.outage:
            pools.setdefault(step.pool, []).append(step)
    found = []
    for pool, steps in pools.items():
        first, last = min(steps, key=times.order), max(steps, key=times.order)
        servers = sum(len(step.servers) for step in steps)
        found.append(
            Seen(
                times.span(first, last),
                f"users signed in through {pool}",
                f"A session ends when its server is taken out; "
                f"{counted(servers, 'server')}, one batch "
                "after the other.",
                "sign in again; another server answers.",
                times.order(first),
            )
        )
    return found
