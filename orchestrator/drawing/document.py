"""A scene as JSON values (docs/json.md)."""

from __future__ import annotations

from typing import Any

from orchestrator.drawing.judged import JudgedPath
from orchestrator.drawing.scene import Box, Link, Scene


def scene_document(scene: Scene, title: str) -> dict[str, Any]:
    """Boxes and links of a scene; every path with its verdict, rule, source and confidence."""
    return {
        "title": title,
        "organization": scene.organization,
        "protocol": scene.protocol.value,
        "left_out": scene.left_out,
        "boxes": [_box(box) for box in scene.boxes],
        "links": [_link(link) for link in scene.links],
    }


def _box(box: Box) -> dict[str, Any]:
    return {
        "name": box.group.key,
        "pools": [str(pool) for pool in box.group.pools],
        "internet_facing": box.internet_facing,
        "servers": [{"name": name, "release": release} for name, release in box.servers],
        "releases": [{"release": release, "servers": count} for release, count in box.builds],
        "access_modes": {mode.value: count for mode, count in sorted(box.modes.items())},
        "external_urls": list(box.urls),
    }


def _link(link: Link) -> dict[str, Any]:
    return {
        "source": link.source.key,
        "target": link.target.key,
        "verdict": link.judgement.verdict.value,
        "redirected": link.redirected,
        "users": link.users,
        "paths": [path_document(one) for one in link.paths],
    }


def path_document(one: JudgedPath) -> dict[str, Any]:
    """One path with its verdict and what that rests on."""
    rule = one.judgement.rule
    return {
        "source": str(one.path.source),
        "target": str(one.path.target),
        "protocol": one.path.protocol.value,
        "users": one.path.users,
        "route": one.decision.route.value,
        "verdict": one.judgement.verdict.value,
        "blocks": one.judgement.blocks,
        "accepted": one.judgement.accepted,
        "rule": rule.id,
        "confidence": rule.confidence.value,
        "sources": list(rule.references),
    }
