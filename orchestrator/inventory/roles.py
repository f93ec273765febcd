"""Which Exchange roles a server may hold to be worked on by this program."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.inventory.findings import did_you_mean

if TYPE_CHECKING:
    from orchestrator.inventory.findings import Findings
    from orchestrator.inventory.raw_host import RawHost

CLIENT_ACCESS = "ClientAccess"
MAILBOX = "Mailbox"
KNOWN = (CLIENT_ACCESS, "HubTransport", "UnifiedMessaging", MAILBOX, "EdgeTransport")

_WHY_NOT = (
    "updating it takes its mailbox databases down as well, and the plan has no "
    "Start-/StopDagServerMaintenance, copy health and store outage in it yet"
)
_TAKE_OUT = "take it out of the group exchange and update it by its own procedure"


def check(host: RawHost, findings: Findings) -> None:
    """Check exchange_roles and exchange_dag (CAS-E106 to CAS-E109)."""
    subject = f"host {host.name}"
    dag = host.variables.get("exchange_dag")
    if dag is not None and dag.value and str(dag.value).casefold() != "false":
        message = f"is a member of the DAG {dag.value}: {_WHY_NOT}"
        findings.error("CAS-E108", subject, message, dag.place, _TAKE_OUT)
    given = host.variables.get("exchange_roles")
    if given is None:
        if "exchange_roles" not in host.unresolved:
            remedy = f"add exchange_roles: [{CLIENT_ACCESS}, ...] for it or for the group"
            findings.error("CAS-E106", subject, "has no exchange_roles", host.place, remedy)
        return
    named = _names(given.value)
    if named is None:
        message = f"exchange_roles {given.value!r} is not a list of roles"
        remedy = f"write it like [{CLIENT_ACCESS}, HubTransport]"
        findings.error("CAS-E106", subject, message, given.place, remedy)
        return
    by_plain = {role.casefold(): role for role in KNOWN}
    for name in named:
        if name.casefold() not in by_plain:
            remedy = did_you_mean(name, KNOWN)
            findings.error(
                "CAS-E106", subject, f'"{name}" is not an Exchange role', given.place, remedy
            )
    found = {by_plain.get(name.casefold()) for name in named}
    if MAILBOX in found:
        message = f"holds the Mailbox role: {_WHY_NOT}"
        findings.error("CAS-E107", subject, message, given.place, _TAKE_OUT)
    if CLIENT_ACCESS not in found and None not in found:
        message = f"does not hold the {CLIENT_ACCESS} role, so nothing is proxied by it or to it"
        findings.error("CAS-E109", subject, message, given.place, "take it out of group exchange")


def _names(value: object) -> list[str] | None:
    """A list of words, or such a list in one text as INI files have it."""
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        return None
    return [item.strip() for item in value if item.strip()]
