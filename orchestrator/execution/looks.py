"""What a look at paths saw: probes through sources, and the events the sources logged meanwhile."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from orchestrator.execution.results import RunResult, RunStatus

PROBES = "Probe OWA through every source"
EVENTS = "Read what the sources logged since the step began"
"""Names of the tasks of the role exchange_verify whose results are taken apart here."""

TASKS = frozenset({f"exchange_verify : {name}" for name in (PROBES, EVENTS)} | {PROBES, EVENTS})

COOKIE_ERROR, REFUSAL = 4999, 46
_WORKING = frozenset({"served", "proxied", "redirected"})
_LONGEST = 300


@dataclass(frozen=True)
class Look:
    """One source server in front of one target pool.

    Parameters
    ----------
    path : str
        As `diagnose` writes it.
    source : str
        Inventory name of the server that was asked.
    outcome : str
        The worst answer, as the module `owa_probe` names it; ``not probed`` if it could not run.
    seen, wanted : tuple of str
        Short names of target servers that answered, and that should have.
    broken : int
        Tries that were answered with an error.
    why : str
        One sentence for people.
    """

    path: str
    source: str
    outcome: str
    seen: tuple[str, ...] = ()
    wanted: tuple[str, ...] = ()
    broken: int = 0
    why: str = ""

    @property
    def works(self) -> bool:
        """Whether users get their mail on it, as far as was seen."""
        return self.outcome in _WORKING and not self.missing

    @property
    def known(self) -> bool:
        """Whether anybody can say what answered."""
        return self.outcome not in {"unknown", "not probed"}

    @property
    def missing(self) -> tuple[str, ...]:
        """Targets that should have answered and did not."""
        return tuple(name for name in self.wanted if name not in self.seen)

    @property
    def coverage(self) -> str:
        """In one word: covered, partly, none, unknown, redirected."""
        if not self.known:
            return "unknown"
        if self.outcome == "redirected":
            return "redirected"
        if not self.wanted:
            return "covered" if self.seen else "none"
        if not self.missing:
            return "covered"
        return "partly" if len(self.missing) < len(self.wanted) else "none"

    def data(self) -> dict[str, Any]:
        """As JSON values, for the journal."""
        return {
            "path": self.path,
            "source": self.source,
            "outcome": self.outcome,
            "seen": list(self.seen),
            "wanted": list(self.wanted),
            "coverage": self.coverage,
            "broken": self.broken,
            "why": self.why,
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Look:
        """The inverse of `data`."""
        return cls(
            path=str(data["path"]),
            source=str(data["source"]),
            outcome=str(data["outcome"]),
            seen=tuple(data.get("seen", ())),
            wanted=tuple(data.get("wanted", ())),
            broken=int(data.get("broken", 0)),
            why=str(data.get("why", "")),
        )


@dataclass(frozen=True)
class Logged:
    """An event a source logged; that one is absent proves nothing."""

    server: str
    id: int
    time: str
    message: str

    def data(self) -> dict[str, Any]:
        """As JSON values, for the journal."""
        text = self.message[:_LONGEST]
        return {"server": self.server, "id": self.id, "time": self.time, "message": text}


@dataclass(frozen=True)
class Looks:
    """Everything one look saw.

    Parameters
    ----------
    paths : tuple of Look
    events : tuple of Logged
        Events 46 and 4999 only, the last of each per source.
    events_unread : tuple of str
        Sources whose events could not be read.
    problem : str
        Why nothing was seen; empty if something was.
    """

    paths: tuple[Look, ...] = ()
    events: tuple[Logged, ...] = ()
    events_unread: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True)
class Baseline:
    """What paths were like before the first change, by path and source."""

    looks: Mapping[tuple[str, str], Look] = field(default_factory=dict)

    @classmethod
    def of(cls, looks: Iterable[Look]) -> Baseline:
        """By path and source."""
        return cls({(look.path, look.source): look for look in looks})

    def before(self, look: Look) -> Look | None:
        """The same path through the same source, before; None if nobody looked."""
        return self.looks.get((look.path, look.source))

    def healthy(self, source: str) -> bool:
        """Whether a source has paths and all of them worked."""
        own = [look for (_, name), look in self.looks.items() if name == source]
        return bool(own) and all(look.works for look in own)


def looks_of(result: RunResult) -> Looks:
    """What the role exchange_verify saw in a run; takes nothing for granted.

    Parameters
    ----------
    result : RunResult
        With the results of the tasks `TASKS`.
    """
    probes = [look for item in _items(result, PROBES) if (look := _look(item)) is not None]
    events: dict[tuple[str, int], Logged] = {}
    unread = []
    for item in _items(result, EVENTS):
        server, said = str(item.get("item", "")), item.get("exchange_server")
        if not isinstance(said, Mapping):
            unread.append(server)
            continue
        for event in said.get("events") or ():
            if event.get("id") in {COOKIE_ERROR, REFUSAL}:
                logged = Logged(
                    server,
                    int(event["id"]),
                    str(event.get("time_utc", "")),
                    str(event.get("message", "")),
                )
                events[server, logged.id] = logged
    problem = ""
    if not probes and result.status is not RunStatus.SUCCESSFUL:
        said_last = [str(failure) for failure in result.failures] or list(result.output)
        problem = "; ".join(said_last[-3:]) or f"the look was {result.status}"
    return Looks(tuple(probes), tuple(events.values()), tuple(unread), problem)


def _items(result: RunResult, task: str) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    for name in (task, f"exchange_verify : {task}"):
        for answer in result.results.get(name, {}).values():
            items = answer.get("results")
            found += [i for i in items if isinstance(i, Mapping)] if isinstance(items, list) else []
    return found


def _look(item: Mapping[str, Any]) -> Look | None:
    match item.get("item"):
        case [{"path": path}, str(source)]:
            pass
        case _:
            return None
    coverage = item.get("coverage")
    coverage = coverage if isinstance(coverage, Mapping) else {}
    counts = item.get("counts")
    return Look(
        path=str(path),
        source=source,
        outcome=str(item.get("outcome") or "not probed"),
        seen=tuple(map(str, coverage.get("seen") or ())),
        wanted=tuple(map(str, coverage.get("wanted") or ())),
        broken=int(counts.get("broken", 0)) if isinstance(counts, Mapping) else 0,
        why=str(item.get("why") or item.get("msg") or "the probe could not run"),
    )
