"""A chart as SVG."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from orchestrator.drawing.chart import Band, Bar, Chart
from orchestrator.drawing.names import clean, element_id, shortened
from orchestrator.drawing.svg import TEMPLATES, style
from orchestrator.model.window import MINUTE
from orchestrator.model.words import counted

WIDTH = 1000
LABELS = 218
_RIGHT = 16
_HEAD, _AXIS, _ROW, _GAP = 26, 18, 20, 18
_TICKS = (5, 10, 15, 30, 60, 120, 180, 240, 360, 720, 1440, 2880, 10080)
_MOST_TICKS = 12


def gantt_svg(
    chart: Chart, *, now: datetime | None = None, prefix: str = "", standalone: bool = True
) -> str:
    """Windows and steps with estimates, reserve and what came of them.

    Parameters
    ----------
    chart : Chart
    now : datetime or None
        Where the now-line stands, UTC; None hides it. Each band carries ``data-begin`` (ISO 8601,
        empty if only lengths are known), ``data-minutes``, ``data-x`` and ``data-width``: a page
        moves the line of the band by these.
    prefix : str
        Put before every id.
    standalone : bool
        Whether the picture brings its style sheet.
    """
    y = 4.0
    bands = []
    for number, band in enumerate(chart.bands, 1):
        bands.append(_band(band, number, y, now, prefix))
        y += bands[-1]["height"] + _GAP
    copies = any(
        bar.step.kind.copies_folder
        for band in chart.bands
        for lane in band.lanes
        for bar in lane.bars
    )
    return TEMPLATES.get_template("gantt.svg.j2").render(
        title=clean(chart.title),
        prefix=prefix,
        standalone=standalone,
        style=style() if standalone else "",
        width=WIDTH,
        height=int(y) + (42 if copies else 24),
        copies=copies,
        legend_y=int(y) + 4,
        bands=bands,
        labels=LABELS,
    )


def _band(band: Band, number: int, y: float, now: datetime | None, prefix: str) -> dict[str, Any]:
    room = WIDTH - LABELS - _RIGHT
    scale = room / band.minutes if band.minutes else 0.0
    rows = []
    for position, lane in enumerate(band.lanes):
        top = _HEAD + _AXIS + _ROW * position
        rows.append(
            {
                "y": top,
                "name": shortened(lane.name, 11.5, LABELS - 16),
                "full": clean(lane.name),
                "bars": [_bar(bar, band, scale, prefix) for bar in lane.bars],
            }
        )
    return {
        "id": f"{prefix}band-{number}",
        "y": y,
        "title": band.title,
        "begin": band.begin.isoformat() if band.begin else "",
        "minutes": f"{band.minutes:g}",
        "x": LABELS,
        "width": room,
        "top": _HEAD + _AXIS,
        "bottom": _HEAD + _AXIS + _ROW * len(rows),
        "height": _HEAD + _AXIS + _ROW * len(rows),
        "ticks": _ticks(band, scale),
        "rows": rows,
        "now": _now(band, scale, now),
    }


def _bar(bar: Bar, band: Band, scale: float, prefix: str) -> dict[str, Any]:
    step = bar.step
    kind = (
        "upgrade"
        if step.kind.changes_build
        else "switch"
        if step.kind.changes_urls
        else "copy"
        if step.kind.copies_folder
        else "verify"
    )
    width = max((bar.end - bar.start) * scale, 3.0)
    actual = None
    if bar.actual is not None:
        begin, end = bar.actual
        actual = {"x": LABELS + begin * scale, "width": max((end - begin) * scale, 2.0)}
    return {
        "id": prefix + element_id("bar", step.id),
        "step": step.id,
        "classes": f"{kind} kind-{step.kind} status-{bar.status}" + " pilot" * step.pilot,
        "x": LABELS + bar.start * scale,
        "width": width,
        "reserve": min(bar.reserve, max(band.minutes - bar.end, 0)) * scale,
        "number": bar.number if width > 9 + 6 * len(str(bar.number)) else "",
        "title": clean(_title(bar, band)),
        "actual": actual,
        "no_return": not step.reversible,
    }


def _title(bar: Bar, band: Band) -> str:
    step = bar.step
    lines = [f"{bar.number} {step.id}" + (" (pilot)" if step.pilot else "")]
    if band.begin is not None and band.zone is not None:
        start, end = (
            (band.begin + minutes * MINUTE).astimezone(band.zone).strftime("%H:%M")
            for minutes in (bar.start, bar.end)
        )
        lines.append(f"{start} to {end}, {bar.reserve:.0f} min reserve for the way back")
    lines.append(", ".join(step.servers) or counted(step.looks, "probe"))
    lines.append(f"estimated {step.estimated_minutes} min; {bar.status}")
    if bar.actual:
        lines.append(f"took {bar.actual[1] - bar.actual[0]:.1f} min")
    if not step.reversible:
        lines.append(f"NO WAY BACK: {step.irreversible_because}")
    lines.append(step.reason)
    return "\n".join(lines)


def _ticks(band: Band, scale: float) -> list[dict[str, Any]]:
    every = next((t for t in _TICKS if band.minutes / t <= _MOST_TICKS), _TICKS[-1])
    ticks = []
    before: timedelta | None = None
    offset = 0.0
    if band.begin is not None and band.zone is not None:
        local = band.begin.astimezone(band.zone)
        midnight = local.replace(hour=0, minute=0)
        offset = -((local - midnight) // MINUTE) % min(every, 1440)
    at = offset
    while at <= band.minutes:
        if band.begin is not None and band.zone is not None:
            moment = (band.begin + timedelta(minutes=at)).astimezone(band.zone)
            text = moment.strftime("%H:%M" if every < 1440 else "%a %d")
            if before is not None and moment.utcoffset() != before:
                # The clock was changed: the same time may stand there twice.
                text += moment.strftime(" %z")
            before = moment.utcoffset()
        else:
            text = f"+{at:.0f}" if band.minutes < 600 else f"+{at / 60:.0f} h"
        ticks.append({"x": LABELS + at * scale, "text": text})
        at += every
    return ticks


def _now(band: Band, scale: float, now: datetime | None) -> float | None:
    if now is None or band.begin is None:
        return None
    minutes = (now - band.begin) / MINUTE
    return LABELS + minutes * scale if 0 <= minutes <= band.minutes else None
