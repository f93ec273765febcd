"""When steps run: calendars of sites, what is set aside for the way back, and the times."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from orchestrator.model.window import MINUTE, Window, union

if TYPE_CHECKING:
    from orchestrator.model.plan import Step

DEFAULT_PARALLEL = 5
"""Steps at once if nobody says: as many as Ansible talks to hosts at once by default."""

DEFAULT_SWITCH_USER_HOURS = 1_000
"""Hours times users of redirection that one switch counts as, our choice: a switch less is worth a
working day of more than a hundred users, so there are few, and each stays until all is done."""

MOST_SWITCH_USER_HOURS = 1_000_000

DEFAULT_VERIFICATION = 5
"""Minutes for the probes after a step; our estimate, not measured."""


@dataclass(frozen=True)
class SiteCalendar:
    """Sites with the same windows.

    Parameters
    ----------
    sites : tuple of str
        Sorted.
    zone : str
        IANA name, for showing times.
    windows : tuple of Window
        Disjoint, in order, black-outs taken out.
    """

    sites: tuple[str, ...]
    zone: str
    windows: tuple[Window, ...]


@dataclass(frozen=True)
class Calendar:
    """The windows of every site.

    Parameters
    ----------
    zone : str
        IANA name, for what belongs to no site.
    groups : tuple of SiteCalendar
    """

    zone: str
    groups: tuple[SiteCalendar, ...]

    @cached_property
    def _by_site(self) -> Mapping[str, SiteCalendar]:
        return {site: group for group in self.groups for site in group.sites}

    @cached_property
    def anywhere(self) -> SiteCalendar:
        """The time in which any site has a window."""
        return SiteCalendar(
            (), self.zone, union(window for group in self.groups for window in group.windows)
        )

    def of(self, step: Step) -> SiteCalendar:
        """The windows a step may run in: its site's; any, if it only looks."""
        if not step.servers:
            return self.anywhere
        return self._by_site.get(step.pool.site, SiteCalendar((step.pool.site,), self.zone, ()))


@dataclass(frozen=True)
class TimePolicy:
    """What is set aside around the estimates.

    Parameters
    ----------
    max_parallel : int
        Steps that may run at the same time.
    reserve_minutes : int or None
        Minutes that must be left in the window after every step that changes something; None:
        what taking that step back needs.
    verification_minutes : int
        For the probes after a step that has any.
    replication_minutes : int
        What of a switch's estimate is waiting for other sites. The way back of a switch need not
        wait inside the window: while it spreads both modes may be seen, and both must be safe.
    """

    max_parallel: int = DEFAULT_PARALLEL
    reserve_minutes: int | None = None
    verification_minutes: int = DEFAULT_VERIFICATION
    replication_minutes: int = 0

    def minutes(self, step: Step) -> int:
        """Minutes from the start of a step to its end, its verification included."""
        looks = step.probes and step.servers
        return step.estimated_minutes + (self.verification_minutes if looks else 0)

    def reserve(self, step: Step) -> int:
        """Minutes that must be left in the window when the step ends.

        As many as the step itself took; also where it cannot be taken back, because then it has
        to be mended. A step that only looks needs none.
        """
        if not step.servers:
            return 0
        if self.reserve_minutes is not None:
            return self.reserve_minutes
        waiting = self.replication_minutes if step.kind.changes_urls else 0
        return max(self.minutes(step) - waiting, 0)


class Timing(NamedTuple):
    """What gives steps their times: when sites may be worked on, and what is set aside."""

    calendar: Calendar
    policy: TimePolicy


@dataclass(frozen=True)
class TimedStep:
    """When a step runs.

    Parameters
    ----------
    step : str
        Its id.
    start, end : datetime
        UTC; verification included.
    reserve_minutes : int
        Left in the window after `end` for the way back.
    window : Window
        The one it runs in.
    """

    step: str
    start: datetime
    end: datetime
    reserve_minutes: int
    window: Window


@dataclass(frozen=True)
class Bound:
    """What no schedule can beat, and why.

    Parameters
    ----------
    end : datetime
        No schedule of this plan ends earlier.
    because : str
    user_minutes : int
        Minutes times users that any schedule redirects at least.
    """

    end: datetime
    because: str
    user_minutes: int


@dataclass(frozen=True)
class Schedule:
    """The times of a plan's steps.

    Parameters
    ----------
    calendar : Calendar
    policy : TimePolicy
    begin : datetime
        The first moment any step could have started; lengths count from here.
    steps : tuple of TimedStep
        By start, then in plan order.
    bound : Bound
    user_minutes : int
        Minutes times users of all redirections the plan opens and closes.
    """

    calendar: Calendar
    policy: TimePolicy
    begin: datetime
    steps: tuple[TimedStep, ...]
    bound: Bound
    user_minutes: int

    @property
    def end(self) -> datetime:
        """When the last step ends."""
        return max((timed.end for timed in self.steps), default=self.begin)

    @property
    def minutes(self) -> int:
        """Elapsed minutes from `begin` to the end, the time between windows included."""
        return (self.end - self.begin) // MINUTE

    @property
    def gap(self) -> float:
        """How much longer than the bound, as a fraction of it: 0.03 is 3 %."""
        least = (self.bound.end - self.begin) // MINUTE
        return self.minutes / least - 1 if least else 0.0

    @property
    def windows(self) -> tuple[Window, ...]:
        """The stretches of time with a window somewhere in which a step runs."""
        used = {timed.window for timed in self.steps}
        return tuple(
            whole
            for whole in self.calendar.anywhere.windows
            if any(whole.holds(window.start, window.end) for window in used)
        )
