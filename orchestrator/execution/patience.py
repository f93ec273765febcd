"""Between two windows: the run waits, or ends as paused; what stays on meanwhile is said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from orchestrator.execution.diary import Diary
from orchestrator.execution.outcome import Halt
from orchestrator.execution.ports import Ports
from orchestrator.execution.position import position, redirections_on
from orchestrator.execution.times import Opening, earliest, show
from orchestrator.journal.entry import Kind
from orchestrator.model.plan import Plan, Step, after_all

_LOOK_SECONDS = 2.0
"""How often a run that waits for its window looks whether somebody asked it to end."""


class Patience:
    """Waits for windows.

    Parameters
    ----------
    plan : Plan
    ports : Ports
    diary : Diary
    wait : bool
        Else the run halts until the next window.
    """

    def __init__(self, plan: Plan, ports: Ports, diary: Diary, *, wait: bool) -> None:
        self._plan = plan
        self._ports = ports
        self._diary = diary
        self._wait = wait

    def await_window(
        self, openings: Mapping[str, Opening], done: Sequence[Step], begun: Sequence[Step]
    ) -> Halt | None:
        """Nothing that is left fits now: wait until something does, or halt until then.

        Parameters
        ----------
        openings : mapping of step id to Opening
            Of the steps that are ready.
        done, begun : sequence of Step
            Those that are done, and those begun before and not done.

        Returns
        -------
        Halt or None
            None once the window is open and the farm is as it was.
        """
        until = earliest(openings.values())
        why = "; ".join(f"{name}: {opening.why}" for name, opening in openings.items())
        finished = [step.id for step in done]
        on = redirections_on(self._plan, finished, after_all(self._plan.start, done))
        self._diary.write(
            "nothing more was started",
            Kind.WINDOW_AWAITED,
            until=until.isoformat() if until else None,
            steps={name: opening.why for name, opening in openings.items()},
            redirections=list(on),
            waits=self._wait and until is not None,
        )
        if until is None:
            return Halt(f"no window is left for what remains ({why})")
        text = f"nothing that is left fits before the end of the window ({why}); "
        text += f"the next one opens {show(until)}"
        if not self._wait:
            return Halt(text, paused=True, next_window=until)
        self._ports.say(f"Waiting: {text}. Ctrl-C, or orchestrator pause, ends the waiting.")
        for line in on:
            self._ports.say(f"  meanwhile on: {line}")
        return self._sleep(until) or self._look_again(until, done, begun)

    def _sleep(self, until: datetime) -> Halt | None:
        while (left := (until - self._ports.clock.now()).total_seconds()) > 0:
            if self._ports.cancelled():
                return Halt("interrupted while waiting for the window", interrupted=True)
            if asked := self._diary.pause_asked():
                text = f"while waiting for the window from {show(until)}, {asked}"
                return Halt(text, paused=True, next_window=until)
            self._ports.clock.sleep(min(left, _LOOK_SECONDS))
        return None

    def _look_again(
        self, opened: datetime, done: Sequence[Step], begun: Sequence[Step]
    ) -> Halt | None:
        """Much may have happened while nobody looked: read the farm before going on."""
        farm, problem = self._diary.read_farm()
        if farm is None or not farm.complete:
            said = "; ".join(str(p) for p in farm.problems) if farm else problem
            return Halt(f"the farm could not be read when the window opened: {said}")
        finished, open_ends = ([step.id for step in steps] for steps in (done, begun))
        if drift := position(self._plan, finished, open_ends, farm.state).drift:
            return Halt(f"the farm moved while the window was awaited: {'; '.join(drift)}")
        self._diary.write("nothing more was started", Kind.WINDOW_OPENED, window=show(opened))
        return None
