"""The report a change board approves from: one self-contained HTML page, made from values alone."""

from orchestrator.report.page.inputs import ReportInput
from orchestrator.report.page.page import report_html

__all__ = ["ReportInput", "report_html"]
