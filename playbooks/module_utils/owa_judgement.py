# SPDX-License-Identifier: GPL-3.0-or-later
"""Several log-ons on one path held against what is expected of it; pure functions."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import Any

from ansible.module_utils.owa_pages import SEVERITY, Try, comparable_url, short_name

# A pool that answers nothing at all three times over will not answer a fourth time.
UNAVAILABLE_IN_A_ROW = 3
# Where no target can be named (a redirection), so many tries must agree.
TRIES_WITHOUT_TARGETS = 3


def worst(outcomes: list[str]) -> str:
    """The worst of several outcomes."""
    return max(outcomes, key=SEVERITY.index)


def wanted_targets(tries: list[Try], targets: list[str], expect: list[str]) -> list[str]:
    """Servers that have to be seen: none where everything was an expected redirection."""
    only_redirected = bool(tries) and all(one.outcome == "redirected" for one in tries)
    if expect == ["redirected"] or ("redirected" in expect and only_redirected):
        return []
    return sorted({short_name(name) for name in targets})


def seen_targets(tries: list[Try]) -> list[str]:
    """Servers that really answered; an error page or a redirection is no answer of a target."""
    return sorted(
        {one.target for one in tries if one.target and one.outcome in ("served", "proxied")}
    )


def enough(tries: list[Try], targets: list[str], expect: list[str], attempts: int) -> bool:
    """Whether no further log-on is needed, or none makes sense."""
    if not tries:
        return False
    if len(tries) >= attempts or tries[-1].outcome == "denied":
        return True
    last = [one.outcome for one in tries[-UNAVAILABLE_IN_A_ROW:]]
    if last == ["unavailable"] * UNAVAILABLE_IN_A_ROW:
        return True
    wanted = wanted_targets(tries, targets, expect)
    if not wanted:
        return len(tries) >= TRIES_WITHOUT_TARGETS
    return set(wanted) <= set(seen_targets(tries))


def judge(
    tries: list[Try],
    *,
    targets: list[str],
    expect: list[str],
    redirect_url: str | None,
    may_break: bool,
) -> dict[str, Any]:
    """Turn the tries into the result of the module."""
    counts = Counter(one.outcome for one in tries)
    wanted = wanted_targets(tries, targets, expect)
    seen = seen_targets(tries)
    covered = sorted(set(wanted) & set(seen))
    tolerated = may_break and "broken" in counts
    reasons: list[str] = []

    for outcome in sorted(counts, key=SEVERITY.index, reverse=True):
        if outcome in expect or (outcome == "broken" and may_break):
            continue
        texts = {one.text or one.url for one in tries if one.outcome == outcome} - {None}
        where = "; ".join(sorted(str(text) for text in texts))
        share = f"({counts[outcome]} of {len(tries)} tries)"
        if outcome == "unknown":
            reasons.append(f"could not tell which server answered: {where} {share}")
        else:
            reasons.append(f"{outcome}: {where} {share}" if where else f"{outcome} {share}")

    if redirect_url:
        elsewhere = sorted(
            {
                one.url
                for one in tries
                if one.outcome == "redirected"
                and one.url
                and comparable_url(one.url) != comparable_url(redirect_url)
            }
        )
        if elsewhere:
            reasons.append(f"redirected to {', '.join(elsewhere)} instead of {redirect_url}")

    if len(covered) < len(wanted) and not reasons:
        missing = ", ".join(sorted(set(wanted) - set(seen)))
        texts = "; ".join(
            sorted({one.text for one in tries if one.outcome == "broken" and one.text})
        )
        instead = f", broken: {texts}" if texts else ""
        reasons.append(f"{missing} did not answer in {len(tries)} tries{instead}")

    as_expected = not reasons
    coverage = f"{len(covered)} of {len(wanted)} targets" if wanted else "no target asked for"
    if as_expected:
        told = ", ".join(
            f"{outcome} {counts[outcome]}" for outcome in SEVERITY if outcome in counts
        )
        why = f"as expected: {told}" + (f"; {coverage}" if wanted else "")
        if tolerated:
            why += "; broken answers are known on this path and not yet repaired"
    else:
        why = "; ".join(reasons)
        if wanted:
            why += f"; {coverage}"
    return {
        "changed": False,
        "outcome": worst(list(counts)),
        "as_expected": as_expected,
        "why": why,
        "tries": [asdict(one) for one in tries],
        "counts": dict(counts),
        "coverage": {"seen": seen, "wanted": wanted, "text": coverage},
    }
