"""User context cookies between Client Access servers, and who can read whose.

THE VERSION TABLE IS AN INVENTION OF THIS LAB. Published material says only what is seen from
outside: 2010 SP2 RU1 changed the cookie, a source on RU1 in front of an older target answers
`Invalid user context cookie found in proxy response`, and fixes came with 2010 SP2 RU2 and
2007 SP3 RU7. How the cookie looks, and on which side the fixes sit, was never published. The
numbers v1, v2, v3 below reproduce what is documented and fill the rest by assumption:

* as target: 2010 before RU1 and 2007 before SP3 RU7 issue v1, 2010 RU1 and later v2, 2007 SP3 RU7
  and later v3;
* as source: 2010 before RU1 and all of 2007 read every version, RU1 reads v2, RU2 and later read
  v2 and v3.

The switch `ru2_fix` moves the part nobody outside knows: `both` is the table above; `source`
puts the whole fix into RU2 as source, which then reads v1 as well; `target` puts it into 2007
SP3 RU7 as target, which then issues v2 (so that even RU1 reads it) and leaves RU2 reading v2 only.
The switch `sp1_ru7` says whether 2010 SP1 RU7 and later, released after RU1, issue the old cookie
or, as the newer service pack, v2.
"""

from __future__ import annotations

from orchestrator.lab.builds import Build

EXCHANGE_2010_SP2_RU1 = Build(14, 2, 283, 3)
EXCHANGE_2010_SP2_RU2 = Build(14, 2, 298, 4)
EXCHANGE_2010_SP1_RU7 = Build(14, 1, 421, 0)
EXCHANGE_2010_SP2 = Build(14, 2, 0, 0)
EXCHANGE_2007_SP3_RU7 = Build(8, 3, 264, 0)

EVERY_VERSION = frozenset({1, 2, 3})


def issued_by(target: Build, ru2_fix: str, sp1_ru7: str = "old") -> int:
    """The cookie version a target of this build puts into its proxy response."""
    if target.product <= 8:
        if target < EXCHANGE_2007_SP3_RU7:
            return 1
        return 2 if ru2_fix == "target" else 3
    if sp1_ru7 == "new" and EXCHANGE_2010_SP1_RU7 <= target < EXCHANGE_2010_SP2:
        return 2
    return 1 if target < EXCHANGE_2010_SP2_RU1 else 2


def readable_by(source: Build, ru2_fix: str) -> frozenset[int]:
    """The cookie versions a source of this build understands."""
    if source < EXCHANGE_2010_SP2_RU1:
        return EVERY_VERSION
    if source < EXCHANGE_2010_SP2_RU2:
        return frozenset({2})
    return {
        "both": frozenset({2, 3}),
        "source": EVERY_VERSION,
        "target": frozenset({2}),
    }[ru2_fix]
