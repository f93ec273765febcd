"""What if: another goal, rule, hold or window for a saved plan; answered by what `plan` uses.

Runs as a process of its own (``python -m orchestrator.cli.what_if DIR``), a question a line on
standard input and an answer a line on standard output, so that planning never holds up a page.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from orchestrator.checker import check_timed
from orchestrator.cli.inputs import read_goals, rule_book
from orchestrator.cli.planning import checked_plan, require_safe
from orchestrator.cli.windows import read_times
from orchestrator.drawing import arrange, gantt_svg, graph_svg, groups_of, plan_chart, scene_of
from orchestrator.errors import OrchestratorError
from orchestrator.model.plan import Plan
from orchestrator.model.schedule import Calendar, TimePolicy
from orchestrator.model.state import State
from orchestrator.model.topology import PoolId, Protocol, Topology
from orchestrator.model.window import Window, readings, union
from orchestrator.planfile import read_plan
from orchestrator.planner import goal_state
from orchestrator.planner.schedule import schedule
from orchestrator.rules.engine import RuleBook
from orchestrator.rules.rule import Policy, Verdict
from orchestrator.shipped import catalogue, rule_pack, zone
from orchestrator.web.costs import costs, most_redirected
from orchestrator.web.scene import step_values

MOST_WINDOWS = 12
_LOCAL = "%Y-%m-%dT%H:%M"


class WhatIf:
    """A saved plan and everything that can be asked about it.

    Parameters
    ----------
    folder : Path
    windows : Path or None
        A windows file; None takes the windows the plan was made for, if it was.
    """

    def __init__(self, folder: Path, windows: Path | None = None) -> None:
        self._saved = read_plan(folder)
        self._calendar: Calendar | None = None
        self._policy = TimePolicy()
        times = self._saved.plan.schedule
        read = read_times(self._saved.topology, windows) if windows is not None else times
        if read is not None:
            self._calendar, self._policy = read.calendar, read.policy
        self._book = self._saved.rules.book(rule_pack, self._saved.policy)

    def choices(self) -> dict[str, Any]:
        """What can be chosen, and what the saved plan has chosen."""
        saved, names = self._saved, catalogue()
        lines: dict[str, list[dict[str, Any]]] = {}
        for line in sorted({pool.product_line for pool in saved.topology.pools}):
            known = {
                *(b for b in saved.topology.packages if names.product_line(b) == line),
                *(b for b in saved.plan.start.builds.values() if names.product_line(b) == line),
                *(b for b in saved.goals.values() if names.product_line(b) == line),
            }
            lines[line] = [
                {"build": str(b), "name": names.name(b), "chosen": saved.goals.get(line) == b}
                for b in sorted(known)
            ]
        return {
            "goals": lines,
            "rules": [self._rule_choice(rule.id) for rule in self._book.rules],
            "pools": [
                {"id": str(p.id), "hold": p.hold, "servers": len(p.servers)}
                for p in saved.topology.pools.values()
            ],
            "zone": self._calendar.zone if self._calendar else "",
            "windows": self._window_choices(),
            "costs": costs(saved.topology, saved.plan),
        }

    def answer(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """A plan for a question with its costs and pictures, or why there is none.

        Parameters
        ----------
        question : mapping
            ``goals`` (builds), ``accept`` and ``strict`` (rule ids), ``hold`` (pool ids),
            ``windows`` (rows of old start, old end, new start, new end, local).
        """
        try:
            return self._answer(question)
        except OrchestratorError as error:
            return {"ok": False, "text": error.message, "remedy": error.remedy}

    def _answer(self, question: Mapping[str, Any]) -> dict[str, Any]:
        saved = self._saved
        topology = _holding(saved.topology, _texts(question, "hold"))
        reason = "what-if page"
        policy = Policy(
            accepted={n: saved.policy.accepted.get(n, reason) for n in _texts(question, "accept")},
            strict={n: saved.policy.strict.get(n, reason) for n in _texts(question, "strict")},
        )
        book = rule_book(policy, (), (), saved.rules)
        goals = read_goals(_texts(question, "goals"))
        end = goal_state(topology, saved.plan.start, goals, catalogue())
        plan, report = checked_plan(topology, saved.plan.start, end, book)
        if self._calendar is not None and plan.steps:
            moved = _moved(self._calendar, question.get("windows") or ())
            plan = schedule(topology, plan, moved, self._policy)
            require_safe(check_timed(topology, plan, book), "the planner")
        return {
            "ok": True,
            "costs": costs(topology, plan),
            "steps": [step_values(step) for step in plan.steps],
            "times": [
                [timed.step, timed.start.isoformat(), timed.end.isoformat()]
                for timed in (plan.schedule.steps if plan.schedule else ())
            ],
            "remarks": list(plan.remarks),
            "leans_on": list(plan.leans_on),
            "checked": report.states,
            "pictures": _pictures(topology, plan, book),
        }

    def _rule_choice(self, name: str) -> dict[str, Any]:
        rule, policy = self._book.by_id[name], self._saved.policy
        return {
            "id": name,
            "title": rule.title,
            "verdict": str(rule.verdict),
            "confidence": str(rule.confidence),
            # only an unknown verdict is somebody's risk to take
            "acceptable": rule.verdict is Verdict.UNKNOWN,
            "accepted": name in policy.accepted,
            "strict": name in policy.strict,
        }

    def _window_choices(self) -> list[list[str]]:
        if self._calendar is None:
            return []
        local = zone(self._calendar.zone)
        return [
            [f"{moment.astimezone(local):{_LOCAL}}" for moment in (window.start, window.end)]
            for window in self._calendar.anywhere.windows[:MOST_WINDOWS]
        ]


def _texts(question: Mapping[str, Any], name: str) -> list[str]:
    given = question.get(name) or []
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise OrchestratorError(f"{name} is not a list of texts")
    return given


def _holding(topology: Topology, held: Sequence[str]) -> Topology:
    """The topology with exactly these pools held."""
    unknown = [name for name in held if name not in {str(pool) for pool in topology.pools}]
    if unknown:
        raise OrchestratorError(f"there is no pool {', '.join(unknown)}")

    def why(pool: PoolId) -> str:
        return (topology.pools[pool].hold or "what-if page") if str(pool) in held else ""

    pools = {name: replace(pool, hold=why(name)) for name, pool in topology.pools.items()}
    return replace(topology, pools=pools)


def _moved(calendar: Calendar, rows: Sequence[Sequence[str]]) -> Calendar:
    """The calendar with some windows moved; a window of several sites moves for all of them.

    Raises
    ------
    OrchestratorError
        If a row cannot be read, or a window would end before it starts.
    """
    local = zone(calendar.zone)
    moves: list[tuple[Window, Window]] = []
    for row in rows:
        try:
            old_start, old_end, start, end = (
                readings(datetime.strptime(text, _LOCAL), local)[0]  # noqa: DTZ007 - in its zone
                for text in row
            )
            moves.append((Window(old_start, old_end), Window(start, end)))
        except (ValueError, TypeError) as error:
            raise OrchestratorError(f"the window {' to '.join(map(str, row))}: {error}") from None

    def move(window: Window) -> Window:
        for old, new in moves:
            if old.holds(window.start, window.end):
                # a part of the whole keeps its distance to both ends
                start = new.start + (window.start - old.start)
                end = new.end - (old.end - window.end)
                return Window(start, end)
        return window

    try:
        groups = tuple(
            replace(group, windows=union(move(window) for window in group.windows))
            for group in calendar.groups
        )
    except ValueError as error:
        raise OrchestratorError(f"a window cannot be moved so: {error}") from None
    return replace(calendar, groups=groups)


def _pictures(topology: Topology, plan: Plan, book: RuleBook) -> dict[str, str]:
    """Before, while the most users are redirected, and after; and when."""
    users: dict[Protocol, int] = {}
    for path in topology.paths:
        users[path.protocol] = users.get(path.protocol, 0) + path.users
    protocol = max(sorted(users), key=users.__getitem__, default=Protocol.OWA)
    states: dict[str, State] = {
        "before": plan.start, "during": most_redirected(topology, plan), "after": plan.end
    }  # fmt: skip
    drawn = groups_of(topology, [plan.start, plan.end], book, protocol)
    layout = arrange(topology, drawn)
    made = {
        name: graph_svg(
            scene_of(topology, state, book, drawn, catalogue()), layout, standalone=False
        )
        for name, state in states.items()
    }
    return {**made, "when": gantt_svg(plan_chart(plan, zone), standalone=False)}


def _main(folder: str, windows: str = "") -> None:
    # the page and a run go first
    os.nice(5)
    asked = WhatIf(Path(folder), Path(windows) if windows else None)
    for line in sys.stdin:
        question = json.loads(line)
        said = asked.choices() if question.get("choices") else asked.answer(question)
        print(json.dumps(said, ensure_ascii=False), flush=True)  # noqa: T201 - the protocol


if __name__ == "__main__":
    _main(*sys.argv[1:])
