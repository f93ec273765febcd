"""What boxes and links say when somebody points at them."""

from __future__ import annotations

from orchestrator.drawing.judged import JudgedPath
from orchestrator.drawing.scene import Box, Link
from orchestrator.model.state import AccessMode
from orchestrator.model.words import counted

_MOST = 12


def box_title(box: Box) -> str:
    """Pools, servers with builds, and how they are reached."""
    names = [str(pool) for pool in box.group.pools]
    lines = [", ".join(names[:_MOST]) + (f" and {len(names) - _MOST} more" * (len(names) > _MOST))]
    if box.internet_facing:
        lines.append("Internet-facing")
    if box.servers:
        for name, release in box.servers:
            mark = f" ({box.marks[name]})" if name in box.marks else ""
            lines.append(f"{name}: {release}{mark}")
    else:
        lines += [f"{counted(count, 'server')} on {release}" for release, count in box.builds]
    lines.append(mode_line(box))
    return "\n".join(line for line in lines if line)


def sites_line(box: Box) -> str:
    """The sites of a box with several pools."""
    return ", ".join(pool.site for pool in box.group.pools)


def mode_line(box: Box) -> str:
    """How users of other sites reach it."""
    total = sum(box.modes.values())
    redirected = box.modes.get(AccessMode.REDIRECT, 0)
    mixed = box.modes.get(AccessMode.MIXED, 0)
    if total == 1:
        if mixed:
            return "ExternalUrl on some servers only"
        if redirected:
            return "redirects to " + ", ".join(map(_short, box.urls))
        return ""
    said = [f"{redirected} redirect"] if redirected else []
    said += [f"{mixed} half redirect"] if mixed else []
    return ", ".join(said)


def _short(url: str) -> str:
    return url.removeprefix("https://").removesuffix("/owa")


def link_title(link: Link) -> str:
    """Verdict, rule, source and confidence of the worst path, and how many others there are."""
    lines = path_lines(link.worst)
    others = len(link.paths) - 1
    if others:
        head = (
            f"{counted(len(link.paths), 'path')}, {counted(link.users, 'user')}, "
            f"{link.bad} not known to work."
        )
        lines = [head, "The worst of them:", *lines]
    return "\n".join(lines)


def path_lines(one: JudgedPath) -> list[str]:
    """One path in lines."""
    rule = one.judgement.rule
    lines = [
        f"{one.path}, {counted(one.path.users, 'user')}",
        f"{one.decision.route}: {one.decision.reason} [{one.decision.confidence}]",
        f"{one.judgement.verdict} by rule {rule.id} [{rule.confidence}]: {rule.title}",
    ]
    if one.judgement.accepted:
        lines.append(f"accepted: {one.judgement.accepted}")
    lines.append(f"source: {'; '.join(rule.references)}")
    return lines
