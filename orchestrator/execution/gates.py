"""The gates between steps: what a look after a step saw, held against the one before everything.

A step's own playbook already refuses answers the plan does not expect. This adds what only the
farm's own past can tell: what worked here before and does not any more, whatever the rules say.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from orchestrator.execution.looks import COOKIE_ERROR, Baseline, Look, Looks
from orchestrator.model.plan import Outcome, Probe, Step, StepKind
from orchestrator.model.state import State
from orchestrator.model.thresholds import Response, Thresholds
from orchestrator.model.topology import Protocol, Topology

_SHOWN = 10
_ANYTHING = (Outcome.SERVED, Outcome.PROXIED, Outcome.REDIRECTED)


@dataclass(frozen=True)
class Finding:
    """What the gates say of a step.

    Parameters
    ----------
    reasons : tuple of str
        Why the run stops; empty if it goes on.
    lost : tuple of str
        Paths that worked in the baseline and do not any more.
    unknown : tuple of str
        What nobody can say.
    """

    reasons: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True)
class Gates:
    """The gates of a run.

    Parameters
    ----------
    topology : Topology
    thresholds : Thresholds
    """

    topology: Topology
    thresholds: Thresholds = field(default_factory=Thresholds)

    def baseline_probes(self, state: State) -> tuple[Probe, ...]:
        """A probe of every OWA path through all its source servers; nothing is expected of them.

        Parameters
        ----------
        state : State
            As read: where a pool redirects, no target can be asked for.
        """
        probes = []
        for path in self.topology.paths:
            target = self.topology.pools[path.target]
            if path.protocol is not Protocol.OWA or not target.test_mailbox:
                continue
            redirected = all(state.external_urls.get((n, Protocol.OWA)) for n in target.servers)
            sources = self.topology.pools[path.source].servers
            wanted = () if redirected else target.servers
            probes.append(Probe(sources, path.target, path.protocol, _ANYTHING, wanted))
        return tuple(probes)

    def blind_spots(self) -> tuple[str, ...]:
        """Paths nobody can look at."""
        return tuple(
            f"{path}: {path.target} has no test mailbox"
            for path in self.topology.paths
            if path.protocol is Protocol.OWA and not self.topology.pools[path.target].test_mailbox
        )

    def said_of(self, looks: Looks) -> tuple[str, ...]:
        """What a person should know about the baseline, in lines."""
        if looks.problem:
            return (f"Not known how the paths are before the run: {looks.problem}",)
        works = sum(look.works for look in looks.paths)
        head = f"Before the run {works} of {len(looks.paths)} ways through a source work"
        rest = [look for look in looks.paths if not look.works]
        lines = tuple(f"  {look.path} through {look.source}: {look.why}" for look in rest[:_SHOWN])
        more = (f"  and {len(rest) - _SHOWN} more",) if len(rest) > _SHOWN else ()
        blind = tuple(f"  not looked at: {line}" for line in self.blind_spots())
        return (head, *lines, *more, *blind)

    def refuses(self, looks: Looks) -> str:
        """Why a run does not begin with such a baseline; empty if it does."""
        if self.thresholds.unknown_coverage is not Response.STOP:
            return ""
        unknown = [f"{k.path} through {k.source}: {k.why}" for k in looks.paths if not k.known]
        unknown += [looks.problem] if looks.problem else self.blind_spots()
        return f"policy.yml stops at what is not known: {'; '.join(unknown)}" if unknown else ""

    def judge(self, step: Step, looks: Looks, baseline: Baseline) -> Finding:
        """Hold what was seen after a step against the baseline."""
        limits = self.thresholds
        lost = [line for look in looks.paths if (line := _lost(look, baseline))]
        unknown = [f"{k.path} through {k.source}: {k.why}" for k in looks.paths if not k.known]
        unknown += [f"the events of {name} could not be read" for name in looks.events_unread]
        reasons = []
        if step.kind is StepKind.ENABLE_REDIRECTION:
            unseen, unread = self._not_on(step, looks)
            reasons += unseen
            unknown += unread
        if lost and limits.lost_path is Response.STOP:
            reasons.append(f"what worked before the run does not any more: {'; '.join(lost)}")
        if unknown and limits.unknown_coverage is Response.STOP:
            reasons.append(f"policy.yml stops at what is not known: {'; '.join(unknown)}")
        told = [e for e in looks.events if e.id == COOKIE_ERROR and baseline.healthy(e.server)]
        if told and limits.event_4999 is Response.STOP:
            each = "; ".join(f"{e.server} at {e.time}: {e.message[:120]}" for e in told)
            reasons.append(f"event 4999 since the step began, of sources without trouble: {each}")
        return Finding(tuple(reasons), tuple(lost), tuple(unknown))

    def _not_on(self, step: Step, looks: Looks) -> tuple[list[str], list[str]]:
        """Sources that have not shown a redirection, and sites on which it was not read back."""
        seen = {(look.path, look.source) for look in looks.paths if look.outcome == "redirected"}
        probed = {(look.path, look.source) for look in looks.paths}
        missing, unknown = [], []
        for path in self.topology.paths_into.get(step.pool, ()):
            if path.protocol not in step.protocols or path.protocol is not Protocol.OWA:
                continue
            for source in self.topology.pools[path.source].servers:
                key = str(path), source
                if key in probed and key not in seen:
                    missing.append(f"{source} does not redirect to {step.pool} yet")
                elif key not in probed:
                    unknown.append(f"{path} through {source}: no probe saw the redirection")
        for site in sorted({p.source.site for p in self.topology.paths_into.get(step.pool, ())}):
            if not self.topology.sites[site].domain_controller:
                unknown.append(
                    f"{site} names no domain_controller: the address was not read back there"
                )
        return missing, unknown


def _lost(look: Look, baseline: Baseline) -> str:
    before = baseline.before(look)
    if before is None or not before.known or look.outcome == "not probed":
        return ""
    where = f"{look.path} through {look.source}"
    if before.outcome in {"served", "proxied", "redirected"}:
        if look.outcome in {"broken", "denied", "unavailable"}:
            return f"{where}: {look.why}"
        if look.outcome == "unknown":
            return f"{where}: the server that answers can no longer be told"
    gone = sorted(({*before.seen} & {*look.wanted}) - {*look.seen})
    return f"{where}: {', '.join(gone)} answered before the run" if gone else ""
