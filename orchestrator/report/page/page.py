"""Putting the report together."""

from __future__ import annotations

import functools
from importlib.resources import files

import jinja2

from orchestrator.drawing import legend_svg
from orchestrator.drawing import style as drawing_style
from orchestrator.drawing.names import clean
from orchestrator.model.words import counted
from orchestrator.report.page import actual, grounds, people, pictures, steps, summary
from orchestrator.report.page.inputs import ReportInput
from orchestrator.report.page.times import Times

_TEMPLATES = jinja2.Environment(
    loader=jinja2.PackageLoader("orchestrator.report.page"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    finalize=lambda value: clean(value) if type(value) is str else value,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.globals["counted"] = counted


def report_html(given: ReportInput) -> str:
    """The report as one HTML document that loads nothing.

    A pure function: the same input gives the same bytes, whenever and wherever it is made.
    """
    times = Times(given)
    seen = people.what_users_see(given, times)
    drawn, not_drawn = pictures.graphs(given)
    differs, advice = grounds.advice(given)
    return _TEMPLATES.get_template("report.html.j2").render(
        given=given,
        organization=given.topology.organization,
        goals=[given.catalogue.name(build) for _, build in sorted(given.saved.goals.items())],
        style=drawing_style() + _style(),
        sentence=summary.sentence(given),
        standing=summary.standing(given),
        tiles=summary.tiles(given),
        before=summary.broken_before(given),
        after=summary.broken_after(given),
        when=times.span_of_plan(),
        zone=times.zone,
        points=times.points(),
        assumptions=grounds.assumptions(given),
        pilot=grounds.pilot_lines(given),
        differs=differs,
        advice=advice,
        legend=legend_svg(),
        pictures=drawn,
        not_drawn=not_drawn,
        chart=pictures.chart(given),
        steps=steps.step_rows(given, times),
        outages=steps.outage_rows(given, times),
        seen=seen,
        help_desk=people.help_desk_text(given, times, seen),
        symptoms=people.symptoms(given),
        rules=grounds.rules_used(given),
        confidence=[(str(name), text) for name, text in grounds.CONFIDENCE.items()],
        scope=grounds.out_of_scope(given),
        support=grounds.support(given),
        actual=actual.actual_rows(given, times) if given.entries else [],
        coverage=actual.coverage_rows(given) if given.entries else [],
        told=actual.told(given),
        last=given.entries[-1] if given.entries else None,
    )


@functools.cache
def _style() -> str:
    return (files("orchestrator.report.page") / "templates" / "report.css").read_text("utf-8")
