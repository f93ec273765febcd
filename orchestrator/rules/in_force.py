"""Which rules a plan was made under: shipped packs by name, and rules of the organisation's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.rules.engine import RuleBook

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.rules.rule import Policy, Rule

DEFAULT_PACK = "exchange-2007-2010"
OWN = "own"
"""Place of rules that are in no pack."""


@dataclass(frozen=True)
class RulesInForce:
    """Packs by name, and rules given in full.

    Parameters
    ----------
    packs : tuple of str
    own : tuple of Rule
        With ids no pack uses.
    """

    packs: tuple[str, ...] = (DEFAULT_PACK,)
    own: tuple[Rule, ...] = ()

    def book(self, load: Callable[[str], tuple[Rule, ...]], policy: Policy) -> RuleBook:
        """The rule book, given what loads a pack by its name."""
        return RuleBook((*(rule for name in self.packs for rule in load(name)), *self.own), policy)


def rules_in_force(book: RuleBook) -> RulesInForce:
    """Where the rules of a book come from, by their places."""
    own = tuple(rule for rule in book.rules if rule.place in {"", OWN})
    packs = dict.fromkeys(rule.place for rule in book.rules if rule.place not in {"", OWN})
    return RulesInForce(tuple(packs), own)
