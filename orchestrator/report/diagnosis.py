"""The answer of `orchestrator diagnose` in words and a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from orchestrator.graph import Diagnosis
from orchestrator.model.words import counted
from orchestrator.report.console import NARROW, verdict_text
from orchestrator.rules.engine import Judgement, PathJudgement
from orchestrator.rules.rule import Verdict


def print_diagnosis(console: Console, diagnosis: Diagnosis, *, basis: str) -> None:
    """Show every path, those that do not work first, with rule and symptom.

    Parameters
    ----------
    basis : str
        Where the builds come from: declared, or read from the hosts.
    """
    _print_paths(console, "Proxy paths now", diagnosis.paths)
    _print_symptoms(console, diagnosis.blocked, "What a help desk sees")
    if diagnosis.sources_first:
        console.print()
        _print_paths(console, "If sources went to the goal first", diagnosis.sources_first)
        _print_symptoms(console, diagnosis.sources_first, "What a help desk would see")
    _print_reasons(console, [*diagnosis.paths, *diagnosis.sources_first])
    console.print()
    console.print(Text(_sentence(diagnosis, basis)), soft_wrap=True)


def _sentence(diagnosis: Diagnosis, basis: str) -> str:
    blocked = diagnosis.blocked
    users = sum(found.path.users for found in blocked)
    one = len(blocked) == 1
    head = (
        f"{len(blocked)} of {counted(len(diagnosis.paths), 'path')} {'does' if one else 'do'} not "
        f"work or {'is' if one else 'are'} not known to, {counted(users, 'user')}."
        if blocked
        else f"None of {counted(len(diagnosis.paths), 'path')} is known to be broken."
    )
    ahead = (
        f" {len(diagnosis.sources_first)} more would stop if sources were upgraded first."
        if diagnosis.sources_first
        else ""
    )
    return f"{head}{ahead} Builds: {basis}."


def _print_paths(console: Console, title: str, paths: Sequence[PathJudgement]) -> None:
    if console.width >= NARROW:
        console.print(_table(title, paths))
        return
    console.print(Text(title, style="bold"))
    for found in paths:
        rule = found.worst.rule
        line = verdict_text(found.worst)
        line.append(f" {found.path}, {counted(found.path.users, 'user')}", style="default not bold")
        console.print(line, soft_wrap=True)
        said = Text(f"    {found.decision.route}, {rule.id} [{rule.confidence}]")
        console.print(said, soft_wrap=True)


def _table(title: str, paths: Sequence[PathJudgement]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", expand=False)
    for name in ("verdict", "source", "target", "protocol"):
        table.add_column(name, no_wrap=True)
    table.add_column("users", justify="right")
    for name in ("route", "rule [confidence]"):
        table.add_column(name, overflow="fold")
    for found in paths:
        rule = found.worst.rule
        table.add_row(
            verdict_text(found.worst),
            str(found.path.source),
            str(found.path.target),
            str(found.path.protocol),
            str(found.path.users),
            str(found.decision.route),
            f"{rule.id} [{rule.confidence}]" + (", taken as broken" if found.worst.strict else ""),
        )
    return table


def _print_symptoms(console: Console, paths: Sequence[PathJudgement], title: str) -> None:
    if not paths:
        return
    console.print(Text(f"{title}:", style="bold"))
    for found in paths:
        pairs = found.blocking
        rule = found.worst.rule
        seen = symptom_text(found.worst)
        console.print(
            Text(f"  {found.path}, {counted(found.path.users, 'user')}: {seen}"), soft_wrap=True
        )
        if pairs:
            total = len(found.pairs)
            console.print(
                Text(
                    f"    {len(pairs)} of {total} server pairs, e.g. {pairs[0].source} in front "
                    f"of {pairs[0].target}; {rule.title} ({'; '.join(rule.references)})"
                ),
                soft_wrap=True,
            )
        else:
            console.print(Text(f"    {found.decision.reason}"))


def path_document(found: PathJudgement) -> dict[str, Any]:
    """A judged path as JSON values (docs/json.md)."""
    path, rule = found.path, found.worst.rule
    return {
        "source": str(path.source),
        "target": str(path.target),
        "protocol": path.protocol.value,
        "users": path.users,
        "route": found.decision.route.value,
        "verdict": found.worst.verdict.value,
        "blocks": found.worst.blocks,
        "accepted": found.worst.accepted,
        "rule": rule.id,
        "confidence": rule.confidence.value,
        "sources": list(rule.references),
    }


def _print_reasons(console: Console, paths: Sequence[PathJudgement]) -> None:
    """Why rules are taken as broken that do not say so themselves: decided, or seen here."""
    reasons = {
        pair.judgement.rule.id: pair.judgement.strict
        for found in paths
        for pair in found.pairs
        if pair.judgement.strict
    }
    for name, because in sorted(reasons.items()):
        console.print(Text(f"Rule {name} is taken as broken: {because}"), soft_wrap=True)


def symptom_text(judgement: Judgement) -> str:
    """What people and logs show, as far as it is known."""
    symptom = judgement.rule.symptom
    if not symptom.user:
        return "no symptom is known for this rule"
    log = f" (event {symptom.event_id}, {symptom.event_source})" if symptom.event_id else ""
    if judgement.verdict is Verdict.UNKNOWN:
        return f'nobody knows; if it fails, "{symptom.user}"{log}'
    return f'"{symptom.user}"{log}'
