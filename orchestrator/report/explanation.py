"""Why a plan is as it is, in words: step, path, pool."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from orchestrator.model.build import Build, Catalogue
from orchestrator.model.plan import Step, StepKind
from orchestrator.model.state import AccessMode
from orchestrator.model.words import counted
from orchestrator.planner.explanation import (
    Consequence,
    Ground,
    Guard,
    Link,
    PathExplanation,
    PoolExplanation,
    StepExplanation,
    Times,
)
from orchestrator.report.diagnosis import symptom_text
from orchestrator.report.folders import copied
from orchestrator.report.timetable import Zone, show
from orchestrator.rules.engine import Judgement, PathJudgement
from orchestrator.rules.rule import Rule

_GROUNDS = {
    Ground.SAME_POOL: "they change servers of the same pool: a canary first, then batches that "
    "leave enough of it in service",
    Ground.SWITCH: "the redirection has to be on before that which it makes safe, and off after it",
    Ground.PROOF: "it looks at what the pilot did",
    Ground.PILOT: "nothing else may begin before the pilot has shown, on this farm, what the "
    "documents leave open",
    Ground.LAST_LOOK: "it looks at every path once all is done",
    Ground.FOLDER: "a version folder is copied before anything happens to the servers that get it "
    "or give it",
    Ground.REPAIR: "what is broken today is repaired first",
    Ground.PLANNER: "the planner wants it so; no rule speaks of these two",
}


class Words:
    """Explanations in lines of text.

    Parameters
    ----------
    catalogue : Catalogue
        Gives builds their names.
    zone : callable
        From an IANA name to the time zone.
    """

    def __init__(self, catalogue: Catalogue, zone: Zone) -> None:
        self._catalogue = catalogue
        self._zone = zone
        self._named: dict[str, Rule] = {}

    def step(self, found: StepExplanation) -> list[str]:
        """Why a step is where it is, why not earlier, and what would happen without it."""
        step = found.step
        lines = [
            f"Step {found.number}, {step.id}, in stage {found.stage}: {self._what(step)}",
            f"Why: {step.reason}.",
        ]
        if step.pilot and step.kind.changes_build:
            lines.append("It is the pilot: everything else waits until it is shown to work.")
        if found.times is not None:
            lines += self._when(found.times)
        lines += ["", "Why not earlier"]
        lines += self._links(found.waits_for, "after", lambda link: link.first)
        if found.waits_for:
            lines.append(
                f"  At the earliest {counted(found.minutes, 'minute')} into the work, "
                "as estimated: "
                f"{' -> '.join((*found.chain, step.id))}"
            )
        else:
            lines.append("  It waits for nothing.")
        lines += ["", "What waits for it"]
        lines += self._links(found.awaited_by, "before", lambda link: link.then)
        lines += [] if found.awaited_by else ["  Nothing."]
        if step.kind is not StepKind.VERIFY:
            lines += ["", "If it were left out, and all else done as planned"]
            lines += self._consequence(found.without) or [
                "  No path would stop working; only the goal would not be reached."
            ]
        return lines

    def _when(self, times: Times) -> list[str]:
        local, timed = self._zone(times.zone), times.timed
        window = f"{show(timed.window.start, local)} to {show(timed.window.end, local)}"
        lines = [
            (
                f"When: {show(timed.start, local)} to {show(timed.end, local)} ({times.zone}), in "
                f"the window {window}; {timed.reserve_minutes} minutes are kept free after it for "
                "the way back."
            )
        ]
        if times.ready is None:
            return lines
        begins = "at once"
        if timed.start > times.ready:
            begins = "when its window opens" if timed.start == timed.window.start else "later"
        lines.append(
            f"The last step it comes after, {times.last}, ends {show(times.ready, local)}: it "
            f"begins {begins}."
        )
        return lines

    def path(self, found: PathExplanation) -> list[str]:
        """What becomes of a path, from the start through the plan to the end."""
        lines = [
            f"Path {found.path}, {counted(found.path.users, 'user')}",
            f"  at the start: {self._state(found.at_start)}",
        ]
        told = found.at_start
        for step, judgement in found.after:
            same = (told.worst, told.decision) == (judgement.worst, judgement.decision)
            lines.append(f"  after {step.id}: {'as before' if same else self._state(judgement)}")
            told = judgement
        lines.append(f"  at the end: {self._state(told)}")
        lines.append(
            "  This is the order of the plan's table; where `after` leaves the order free, the "
            "check has looked at every other one."
        )
        lines += ["", "What the order keeps from happening"]
        lines += self._guards(found.guards) or [
            "  Nothing: no order of these steps would break this path."
        ]
        return lines

    def pool(self, found: PoolExplanation) -> list[str]:
        """A pool's steps and the demands between them and others."""
        lines = [f"Pool {found.pool}"]
        lines += [f"  {step.id}: {self._what(step)}" for step in found.steps]
        lines += [] if found.steps else ["  no step of the plan changes it"]
        lines += ["", "Its steps wait for others"]
        lines += self._guards(found.inward) or ["  No rule asks for it."]
        lines += ["", "Others wait for its steps"]
        lines += self._guards(found.outward) or ["  No rule asks for it."]
        return lines

    def _links(self, links: Sequence[Link], word: str, other: Callable[[Link], str]) -> list[str]:
        lines = []
        for link in links:
            name = other(link)
            if link.ground is not Ground.RULE:
                lines.append(f"  {word} {name}: {_GROUNDS[link.ground]}")
                continue
            lines.append(f"  {word} {name}:")
            for guard in link.guards:
                lines.append(f"    {self._otherwise(guard)}")
            consequence = self._consequence(link.consequence)
            lines.append(
                "    Without this demand the first state that breaks is:"
                if consequence
                else "    Without this demand alone nothing breaks: others keep the same state out."
            )
            lines += [f"    {line}" for line in consequence]
        return lines

    def _guards(self, guards: Iterable[Guard]) -> list[str]:
        """One paragraph per thing kept out, with every pair of steps that keeps it out."""
        groups: dict[tuple[object, ...], list[Guard]] = {}
        for guard in guards:
            builds = (guard.source_build, guard.target_build)
            key = (guard.path, *builds, guard.mode, guard.again, guard.judgement.rule.id)
            groups.setdefault(key, []).append(guard)
        lines = []
        for group in groups.values():
            for guard in group:
                also = "" if guard.alone else " (not the only demand that does)"
                lines.append(f"  {guard.first} before {guard.then}{also}")
            lines.append(f"    {self._otherwise(group[0])}")
        return lines

    def _otherwise(self, guard: Guard) -> str:
        where = ", half of it redirected" if guard.mode is AccessMode.MIXED else ""
        would = "would be repaired and then again be" if guard.again else "would be"
        return (
            f"otherwise {guard.path}, {counted(guard.path.users, 'user')}: {guard.source} on "
            f"{self._build(guard.source_build)} in front of {guard.target} on "
            f"{self._build(guard.target_build)}{where} {would} {_verdict(guard.judgement)} "
            f"by {self._rule(guard.judgement.rule)}"
        )

    def _consequence(self, found: Consequence | None) -> list[str]:
        if found is None:
            return []
        if found.judgement is None:
            return [f"  the plan would not hang together: {found.message}"]
        done = [name for name in found.steps if name not in found.running]
        meanwhile = f" and while {', '.join(found.running)} runs" if found.running else ""
        judged = found.judgement
        pairs = f"{len(judged.blocking)} of {len(judged.pairs)} server pairs"
        seen = symptom_text(judged.worst)
        return [
            f"  after {', '.join(done) or 'nothing'}{meanwhile}:",
            f"  {found.message}",
            f"  {counted(judged.path.users, 'user')}, {pairs}; what they see: {seen}",
        ]

    def _state(self, found: PathJudgement) -> str:
        judgement = found.worst
        text = f"{_verdict(judgement)}, {found.decision.route}"
        if found.decision.route.may_proxy:
            text += f", by {self._rule(judgement.rule)}"
        if judgement.blocks:
            text += f"; what users see: {symptom_text(judgement)}"
        return text

    def _what(self, step: Step) -> str:
        if step.kind.changes_build and step.from_build and step.to_build:
            change = f"{self._build(step.from_build)} -> {self._build(step.to_build)}"
            return f"{', '.join(step.servers)}: {change}"
        if step.kind is StepKind.VERIFY:
            return counted(step.looks, "probe")
        if step.folder:
            return f"{', '.join(step.servers)}: folder {copied(step)}"
        urls = ", ".join(sorted({url or "none" for url in step.new_urls.values()}))
        return f"{', '.join(step.servers)}: {', '.join(step.protocols)} ExternalUrl -> {urls}"

    def rules(self) -> list[str]:
        """Every rule named so far: what it says, how sure it is, and who says so."""
        lines = ["", "Rules named above"] if self._named else []
        for _, rule in sorted(self._named.items()):
            lines.append(f"  {rule.id} [{rule.confidence}]: {rule.title}")
            lines.append(f"    {'; '.join(rule.references)}")
        return lines

    def _rule(self, rule: Rule) -> str:
        self._named[rule.id] = rule
        return f"{rule.id} [{rule.confidence}]"

    def _build(self, build: Build) -> str:
        return f"{self._catalogue.name(build)} ({build})"


def _verdict(judgement: Judgement) -> str:
    return f"{judgement.verdict} (accepted)" if judgement.accepted else str(judgement.verdict)
