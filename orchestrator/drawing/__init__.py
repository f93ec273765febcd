"""Pictures of a farm and of a plan, as text: pure functions from values to SVG, DOT and Mermaid.

Nothing here reads a file of the farm or a clock. Elements carry stable ids, classes and ``data-``
attributes (docs/pictures.md), so that a live page can recolour what is drawn.
"""

from orchestrator.drawing.chart import Chart, plan_chart
from orchestrator.drawing.document import scene_document
from orchestrator.drawing.dot import dot_text
from orchestrator.drawing.gantt import gantt_svg
from orchestrator.drawing.grouping import Detail, Group, Selection, groups_of
from orchestrator.drawing.layout import Layout, arrange
from orchestrator.drawing.mermaid import mermaid_text
from orchestrator.drawing.names import element_id
from orchestrator.drawing.scene import Box, Link, Scene, scene_of
from orchestrator.drawing.svg import graph_svg, legend_svg, style

__all__ = [
    "Box",
    "Chart",
    "Detail",
    "Group",
    "Layout",
    "Link",
    "Scene",
    "Selection",
    "arrange",
    "dot_text",
    "element_id",
    "gantt_svg",
    "graph_svg",
    "groups_of",
    "legend_svg",
    "mermaid_text",
    "plan_chart",
    "scene_document",
    "scene_of",
    "style",
]
