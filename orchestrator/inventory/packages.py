"""Update packages, rule packs and decisions about rules, from organization.yml."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.inventory.findings import did_you_mean
from orchestrator.model.build import BuildRange, UnknownBuild
from orchestrator.model.topology import Package
from orchestrator.shipped import rule_pack_names

if TYPE_CHECKING:
    from orchestrator.inventory.document import Document
    from orchestrator.inventory.findings import Findings
    from orchestrator.inventory.organization import OntoEntry
    from orchestrator.model.build import Build, Catalogue


def read(document: Document, catalogue: Catalogue, findings: Findings) -> dict[Build, Package]:
    """Packages by build, sorted (CAS-E214, CAS-E215)."""
    found: dict[Build, Package] = {}
    for name, entry in document.model.packages.items():
        place = document.text.place("packages", name)
        subject = f"package {name}"
        try:
            build = catalogue.read(name)
        except UnknownBuild as error:
            message, _, suggestion = str(error).partition("; ")
            remedy = suggestion or "write all four parts of the build, or a name like 2010 SP2 RU2"
            findings.error("CAS-E214", subject, f"build {message}", place, remedy)
            continue
        if entry.patch_code and catalogue.base(build) == build:
            message = f"is {build}, a service pack, and has a patch_code: only rollups are removed"
            remedy = "leave patch_code out, or name the rollup it belongs to"
            findings.error("CAS-E215", subject, message, place, remedy)
            continue
        if build in found:
            message = f"is described twice: it is build {build}"
            findings.error("CAS-E214", subject, message, place, "keep one of the two")
            continue
        found[build] = Package(
            build=build,
            path=entry.path,
            sha256=entry.sha256.lower(),
            patch_code=entry.patch_code.upper(),
            kb=entry.kb.removeprefix("KB"),
            onto=_onto(entry.onto, document, name, catalogue, findings) if entry.onto else None,
            minutes=entry.minutes,
        )
    return dict(sorted(found.items()))


def _onto(
    entry: OntoEntry, document: Document, name: str, catalogue: Catalogue, findings: Findings
) -> BuildRange:
    bounds: list[Build | None] = []
    for key, text in (("at_least", entry.at_least), ("below", entry.below)):
        try:
            bounds.append(catalogue.read(text) if text is not None else None)
        except UnknownBuild as error:
            message, _, suggestion = str(error).partition("; ")
            place = document.text.place("packages", name, "onto", key)
            findings.error("CAS-E214", f"package {name}", f"{key}: {message}", place, suggestion)
            bounds.append(None)
    return BuildRange(*bounds)


def rule_packs(document: Document, findings: Findings) -> tuple[str, ...] | None:
    """Shipped rule packs in force, by name (CAS-E221); None where nothing is said."""
    if document.model.rules is None:
        return None
    known = rule_pack_names()
    names = document.model.rules.packs
    for n, name in enumerate(names):
        place = document.text.place("rules", "packs", n)
        if name not in known:
            remedy = did_you_mean(name, known) or f"known packs: {', '.join(known)}"
            message = "does not ship with this version"
            findings.error("CAS-E221", f"rule pack {name}", message, place, remedy)
        elif name in names[:n]:
            findings.error("CAS-E221", f"rule pack {name}", "is named twice", place, "keep one")
    return tuple(names)


def decisions(document: Document, findings: Findings) -> dict[str, dict[str, str]]:
    """Reasons by rule, for ``accept`` and ``strict`` (CAS-E216).

    Whether a rule exists is known only where packs are loaded.
    """
    chosen: dict[str, dict[str, str]] = {"accept": {}, "strict": {}}
    policy = document.model.policy
    for kind, entries in (("accept", policy.accept), ("strict", policy.strict)):
        for index, decision in enumerate(entries):
            if any(decision.rule in rules for rules in chosen.values()):
                findings.error(
                    "CAS-E216",
                    f"rule {decision.rule}",
                    "is decided on twice in the policy",
                    document.text.place("policy", kind, index),
                    "keep one decision",
                )
            chosen[kind][decision.rule] = decision.reason
    return chosen
