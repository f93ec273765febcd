"""What logs show, in words and tables: the one answer first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from orchestrator.discovery.answer import AffectedSource, Answer, ObservedPath
from orchestrator.discovery.evidence import EventEvidence, Evidence, FileRead
from orchestrator.discovery.iis.resolve import BY_STRANGER
from orchestrator.discovery.profile import HourProfile
from orchestrator.model.words import counted
from orchestrator.report.console import verdict_text
from orchestrator.report.observed_document import observed_document
from orchestrator.rules.rule import Verdict

MOST_ROWS = 40
_CAVEATS = (
    "Events are rate-limited: that one was logged proves it, that none was logged proves nothing.",
    (
        "Log-ons of a path are taken from the target's IIS log [infer]: they show that it exists "
        "and how much it is used, not that it works."
    ),
)


@dataclass(frozen=True)
class Observed:
    """What logs show.

    Parameters
    ----------
    answer : Answer
    evidence : Evidence
    profiles : tuple of (str, HourProfile)
        Time zone and the profile of the paths into sites of that zone.
    """

    answer: Answer
    evidence: Evidence
    profiles: tuple[tuple[str, HourProfile], ...] = ()

    def print(self, out: Console) -> None:
        """The answer first."""
        print_answer(out, self.answer, self.evidence, self.profiles)

    def document(self) -> dict[str, Any]:
        """Everything, with the log-ons of every hour."""
        words = headline(self.answer, self.evidence)
        found = observed_document(self.answer, self.evidence, self.profiles, words)
        return {"observed": found}


def print_answer(
    console: Console,
    answer: Answer,
    evidence: Evidence,
    profiles: Sequence[tuple[str, HourProfile]],
) -> None:
    """The answer, what it rests on, and what was read.

    Parameters
    ----------
    profiles : sequence of (str, HourProfile)
        Time zone and the profile of the paths into sites of that zone.
    """
    console.print(Text(headline(answer, evidence), style="bold"), soft_wrap=True)
    for source in answer.affected[:MOST_ROWS]:
        _lines(console, affected_lines(source))
    _left_out(console, len(answer.affected), "sources")
    if answer.paths:
        console.print()
        console.print(_paths(answer.paths))
        _left_out(console, len(answer.paths), "paths")
        _lines(console, strangers(answer.paths))
    if answer.other_events:
        console.print(Text("Other events of OWA proxying:", style="bold"))
        _lines(console, event_lines(answer.other_events))
        _left_out(console, len(answer.other_events), "kinds of events")
    for zone, profile in profiles:
        _lines(console, profile_lines(zone, profile))
    console.print()
    _lines(console, [*read_lines(evidence.files), *_CAVEATS])


def headline(answer: Answer, evidence: Evidence) -> str:
    """Am I affected, where, since when, how many users: one paragraph."""
    if answer.affected:
        return _yes(answer)
    by_rule = [path for path in answer.paths if path.judgement.verdict is Verdict.BROKEN]
    if by_rule:
        names = ", ".join(sorted({path.source for path in by_rule})[:5])
        return (
            f"Affected: yes by the rules, though no event says so. {len(by_rule)} of "
            f"{len(answer.paths)} proxied paths seen do not work (sources {names}); since when is "
            "not known."
        )
    open_ = [path for path in answer.paths if path.judgement.verdict is Verdict.UNKNOWN]
    nothing = f"No event of it in {_looked_at(evidence.files)}, which proves nothing."
    if open_:
        return (
            f"Affected: not known. {nothing} {len(open_)} of {len(answer.paths)} proxied paths "
            "seen cannot be judged or are not documented."
        )
    if answer.paths:
        return f"Affected: no, as far as the {len(answer.paths)} paths seen go. {nothing}"
    return f"Affected: not known. {nothing} No proxied path was seen, either."


def _yes(answer: Answer) -> str:
    affected = answer.affected
    names = ", ".join(source.server for source in affected[:5])
    more = f" and {len(affected) - 5} more" if len(affected) > 5 else ""
    since = affected[0].sighting.first
    count = sum(source.sighting.count for source in affected)
    return (
        f"Affected: yes. {counted(len(affected), 'source')} logged that a target's user context "
        f"cookie was not understood: {names}{more}; since {_time(since) or 'an unknown time'}, "
        f"at least {times(count)}. Users: {_users(answer)}."
    )


def _users(answer: Answer) -> str:
    affected = answer.affected
    exact = [source.users for source in affected if source.users is not None]
    if len(exact) == len(affected):
        return f"{sum(exact)} by name on the paths in question"
    if answer.declared:
        total = sum(users for _, users in answer.declared)
        listed = ", ".join(path for path, _ in answer.declared[:5])
        return f"{total} as declared for {listed}"
    people = [source.people.users for source in affected if source.people is not None]
    if people:
        gap = len(affected) - len(people)
        rest = f"; of {gap} more sources no log names people" if gap else ""
        return f"at most {sum(people)}, who logged on at these sources, proxied or not{rest}"
    return "not known, no log that was given names people (the sources' IIS logs do)"


def _looked_at(files: Sequence[FileRead]) -> str:
    logs = [file for file in files if file.kind and file.kind != "iis"]
    if not logs:
        return "any event log, for none was given"
    return f"{sum(file.records for file in logs)} records of {len(logs)} event logs"


def affected_lines(source: AffectedSource) -> list[str]:
    """One source: when, how often, who, and what may be the cause."""
    seen, people = source.sighting, source.people
    builds = ", ".join(map(str, source.builds)) or "not named"
    rules = ", ".join(f"{rule.id} [{rule.confidence}]" for rule in source.rules)
    lines = [
        (
            f"  {source.server}: since {_time(seen.first) or 'an unknown time'}, last "
            f"{_time(seen.last) or 'at an unknown time'}, at least {times(seen.count)}; build "
            f"{builds} ({seen.place})"
        ),
        (
            f"    proxies to {', '.join(source.targets) or 'targets no log shows'}; foretold by "
            f"{rules or 'no rule in force'}"
        ),
    ]
    if people is not None:
        about = "" if people.exact else "about "
        lines.append(f"    {about}{people.users} people by name logged on at it, proxied or not")
    return lines


def _paths(paths: Sequence[ObservedPath]) -> Table:
    title = "Proxied paths seen in the targets' IIS logs"
    table = Table(title=title, title_justify="left", title_style="bold", expand=False)
    named = any(path.users is not None for path in paths)
    table.add_column("verdict", no_wrap=True)
    table.add_column("source -> target", overflow="fold")
    table.add_column("log-ons", justify="right", no_wrap=True)
    if named:
        table.add_column("users", justify="right", no_wrap=True)
    table.add_column("last seen", no_wrap=True)
    table.add_column("rule [confidence]", overflow="fold")
    for path in paths[:MOST_ROWS]:
        rule, seen = path.judgement.rule, path.sighting
        builds = ""
        if path.source_build and path.target_build:
            builds = f" ({path.source_build} -> {path.target_build})"
        table.add_row(
            verdict_text(path.judgement),
            f"{path.source} -> {path.target}",
            str(seen.count),
            *(["-" if path.users is None else str(path.users)] if named else []),
            _time(seen.last)[:10],
            f"{rule.id} [{rule.confidence}]{builds}",
        )
    return table


def strangers(paths: Sequence[ObservedPath]) -> list[str]:
    """Sources that are known by an address only, and why that matters."""
    found = [path.source for path in paths if any(e.how == BY_STRANGER for e in path.evidence)]
    if not found:
        return []
    listed = ", ".join(dict.fromkeys(found[:5]))
    return [
        (
            f"Nobody has named the address of {len({*found})} sources ({listed}): servers whose "
            "logs were not given, or a load balancer that hides the source (SNAT)."
        )
    ]


def event_lines(events: Sequence[EventEvidence]) -> list[str]:
    """The other events of OWA proxying."""
    return [
        (
            f"  {event.server}: event {event.event_id} ({event.meaning}) at least "
            f"{times(event.sighting.count)}, {_time(event.sighting.first) or 'time unknown'} to "
            f"{_time(event.sighting.last) or 'unknown'}"
            f"{', about ' + ', '.join(event.targets) if event.targets else ''}"
        )
        for event in events[:MOST_ROWS]
    ]


def profile_lines(zone: str, profile: HourProfile) -> list[str]:
    """When a window costs least, and when most."""
    quiet, busy = profile.quietest(4), profile.busiest()
    if quiet is None or busy is None:
        return [f"Hours of the week ({zone}): the logs cover too few to compare windows."]
    gap = "" if profile.whole else " Some hours of the week are in no log."
    return [
        (
            f"Quietest four hours ({zone}): {quiet}, {quiet.log_ons:.1f} proxied log-ons a week; "
            f"busiest hour: {busy}, {busy.log_ons:.1f}.{gap}"
        )
    ]


def read_lines(files: Sequence[FileRead]) -> list[str]:
    """How much was read, so that nothing found is not taken for nothing read."""
    lines = []
    plain = {"iis": "IIS log"}
    for kind in sorted({file.kind for file in files if file.kind}):
        some = [file for file in files if file.kind == kind]
        size = sum(file.size for file in some) / 1e6
        matched = sum(file.matched for file in some)
        records = sum(file.records for file in some)
        looked = f", {records} lines or records" if records else ""
        name = plain.get(kind, f"{kind} event log")
        lines.append(f"Read: {len(some)} {name} files, {size:.1f} MB{looked}, {matched} matter.")
    unused = Counter(bool(file.kind) for file in files)[False]
    if unused:
        lines.append(f"Not used: {unused} files; the warnings say why.")
    return lines


def _lines(console: Console, lines: Sequence[str]) -> None:
    for line in lines:
        console.print(Text(line), soft_wrap=True)


def _left_out(console: Console, count: int, what: str) -> None:
    if count > MOST_ROWS:
        console.print(Text(f"... and {count - MOST_ROWS} more {what}"))


def times(count: int) -> str:
    """``once``, ``2 times``."""
    return "once" if count == 1 else f"{count} times"


def _time(moment: datetime | None) -> str:
    return moment.strftime("%Y-%m-%d %H:%M UTC") if moment else ""
