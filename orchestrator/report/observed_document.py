"""What logs show as JSON values; the model of them is in `documents`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from orchestrator.discovery.answer import AffectedSource, Answer, ObservedPath
from orchestrator.discovery.evidence import Evidence, Sighting
from orchestrator.discovery.profile import HourProfile


def observed_document(
    answer: Answer,
    evidence: Evidence,
    profiles: Sequence[tuple[str, HourProfile]],
    headline: str,
) -> dict[str, Any]:
    """Everything, with the log-ons of every hour.

    Parameters
    ----------
    headline : str
        The answer in words.
    """
    return {
        "verdict": answer.verdict.value,
        "answer": headline,
        "affected": [_affected_document(source) for source in answer.affected],
        "declared_users": dict(answer.declared),
        "paths": [_path_document(path) for path in answer.paths],
        "events": [
            {
                **_seen(event.sighting, event.server),
                "event_id": event.event_id,
                "meaning": event.meaning.value,
                "targets": list(event.targets),
                "confidence": event.confidence.value,
            }
            for event in answer.other_events
        ],
        "people": [
            {**_seen(p.sighting, p.server), "users": p.users, "exact": p.exact}
            for p in evidence.users
        ],
        "hours_of_the_week": [
            {"zone": zone, "log_ons": list(p.means), "hours_seen": list(p.seen)}
            for zone, p in profiles
        ],
        "files": [asdict(file) for file in evidence.files],
    }


def _seen(sighting: Sighting, server: str) -> dict[str, Any]:
    return {
        "server": server,
        "count": sighting.count,
        "first": sighting.first.isoformat() if sighting.first else None,
        "last": sighting.last.isoformat() if sighting.last else None,
        "place": str(sighting.place),
    }


def _affected_document(source: AffectedSource) -> dict[str, Any]:
    return {
        **_seen(source.sighting, source.server),
        "builds": [str(build) for build in source.builds],
        "targets": list(source.targets),
        "rules": [{"rule": r.id, "confidence": r.confidence.value} for r in source.rules],
        "people": source.people.users if source.people else None,
        "users": source.users,
    }


def _path_document(path: ObservedPath) -> dict[str, Any]:
    hours: Counter[int] = Counter()
    for found in path.evidence:
        hours.update(found.hours)
    return {
        **_seen(path.sighting, path.source),
        "source": path.source,
        "target": path.target,
        "verdict": path.judgement.verdict.value,
        "rule": path.judgement.rule.id,
        "confidence": path.judgement.rule.confidence.value,
        "source_build": str(path.source_build) if path.source_build else None,
        "target_build": str(path.target_build) if path.target_build else None,
        "users": path.users,
        "how": [found.how for found in path.evidence],
        "log_ons_by_hour": {
            datetime.fromtimestamp(hour * 3600, tz=UTC).isoformat(): count
            for hour, count in sorted(hours.items())
        },
    }
