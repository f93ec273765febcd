"""How far timetables are from what no timetable can beat: ``python tests/benchmarks/packing.py``.

Prints one line per configuration and the median gap. Nothing here measures time but the last
column, and nothing depends on it.
"""

from __future__ import annotations

import itertools
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.timetables import Draw, Farm, farm

from orchestrator.model.schedule import Schedule
from orchestrator.planner.schedule import schedule

GOAL = 0.05
"""Median gap to the bound: shared goal of the project, not a limit of the method."""


def configurations() -> list[tuple[str, Farm]]:
    """24 farms: three sizes, two widths, even and mixed steps, with and without redirection."""
    result = []
    grid = itertools.product((20, 60, 200), (3, 10), ((30, 30, 5), (20, 60, 5)), (0.0, 0.15))
    for seed, (pools, parallel, minutes, redirected) in enumerate(grid):
        draw = Draw(
            pools,
            minutes=minutes,
            parallel=parallel,
            classes=2 + seed % 4,
            redirected=redirected,
            blackouts=seed % 3,
            alone=minutes[0] != minutes[1],
        )
        words = f"{pools} pools, {parallel} at once, {minutes[0]}-{minutes[1]} min"
        result.append((f"{words}, {redirected:.0%} redirected", farm(seed, draw)))
    return result


def main() -> int:
    """Print the table; 0 if the goal is met."""
    gaps = []
    say = sys.stdout.write
    say(f"{'configuration':52} {'steps':>6} {'nights':>7} {'gap':>7} {'u-hours':>8} {'s':>6}\n")
    for words, drawn in configurations():
        began = time.process_time()
        planned = schedule(drawn.topology, drawn.plan, drawn.calendar, drawn.policy).schedule
        took = time.process_time() - began
        assert planned is not None
        gaps.append(planned.gap)
        say(
            f"{words:52} {len(drawn.plan.steps):6} {len(planned.windows):7} {planned.gap:7.1%} "
            f"{_above(planned):>8} {took:6.2f}\n"
        )
    median = statistics.median(gaps)
    verdict = "met" if median <= GOAL else "MISSED"
    say(f"median gap {median:.1%}, worst {max(gaps):.1%}; goal {GOAL:.0%}: {verdict}\n")
    return 0 if median <= GOAL else 1


def _above(planned: Schedule) -> str:
    least = planned.bound.user_minutes
    return f"+{planned.user_minutes / least - 1:.0%}" if least else "-"


if __name__ == "__main__":
    raise SystemExit(main())
