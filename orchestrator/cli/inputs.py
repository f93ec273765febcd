"""From command-line words to values: inventory, rule book, goals."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from orchestrator.cli.apart import apart
from orchestrator.cli.view import view
from orchestrator.diagnostic import Diagnostic
from orchestrator.errors import InvalidInput
from orchestrator.inventory import Inventory, load_inventory
from orchestrator.model.build import Build, UnknownBuild
from orchestrator.rules.engine import RuleBook, unknown_rule_ids
from orchestrator.rules.in_force import RulesInForce
from orchestrator.rules.rule import Policy, Verdict
from orchestrator.shipped import catalogue, rule_pack


def read_inventory(
    folder: Path, vault_password_file: Path | None, extra_vars: Sequence[str]
) -> Inventory:
    """The inventory, with its warnings shown."""
    builds = catalogue()
    # Ansible, and all it knows of the hosts, takes tens of megabytes that a run need not carry.
    inventory = apart(
        lambda: load_inventory(
            folder,
            vault_password_file=vault_password_file,
            extra_vars=extra_vars,
            catalogue=builds,
        )
    )
    show_warnings(inventory.warnings)
    return inventory


def show_warnings(warnings: Sequence[Diagnostic]) -> None:
    """What the user should know although the input can be used."""
    for warning in warnings:
        view().warn(warning)


def rule_book(
    decided: Inventory | Policy,
    accept: Sequence[str],
    strict: Sequence[str],
    rules: RulesInForce | None = None,
) -> RuleBook:
    """The rules in force under the organisation's policy and the command line's."""
    said = "said on the command line"
    policy = Policy(
        accepted={**decided.accepted, **dict.fromkeys(accept, said)},
        strict={**_seen(decided), **decided.strict, **dict.fromkeys(strict, said)},
        switch_user_hours=decided.switch_user_hours,
    )
    if rules is None and isinstance(decided, Inventory) and decided.rule_packs is not None:
        rules = RulesInForce(decided.rule_packs)
    book = (rules or RulesInForce()).book(rule_pack, policy)
    findings = [
        Diagnostic(
            "CAS-E307",
            f"rule {name}",
            "no rule in force has this id",
            remedy=f"known rules: {', '.join(sorted(book.by_id))}",
        )
        for name in unknown_rule_ids(book, [*policy.accepted, *policy.strict])
    ]
    findings += [
        Diagnostic(
            "CAS-E308",
            f"rule {name}",
            f"its verdict is {book.by_id[name].verdict}; only unknown verdicts can be accepted",
        )
        for name in policy.accepted
        if name in book.by_id and book.by_id[name].verdict is not Verdict.UNKNOWN
    ]
    if findings:
        raise InvalidInput(findings)
    return book


def _seen(decided: Inventory | Policy) -> dict[str, str]:
    """What this farm has shown to be broken, with where that was seen."""
    found = decided.seen if isinstance(decided, Inventory) else {}
    return {rule: str(seen) for rule, seen in found.items()}


def read_goals(words: Sequence[str]) -> dict[str, Build]:
    """Goal builds by product line; two goals for one line are refused."""
    goals: dict[str, Build] = {}
    findings = []
    for word in words:
        try:
            build = catalogue().read(word)
        except UnknownBuild as error:
            findings.append(Diagnostic("CAS-E101", "--to", str(error)))
            continue
        line = catalogue().product_line(build) or str(build)
        if goals.get(line, build) != build:
            findings.append(
                Diagnostic("CAS-E309", "--to", f"two goals for Exchange {line}; give one per line")
            )
        goals[line] = build
    if findings:
        raise InvalidInput(findings)
    return goals
