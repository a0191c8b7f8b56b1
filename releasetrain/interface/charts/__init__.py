"""Charts drawn on the server as SVG: the same picture for page, PDF and evidence package.

Pure functions, no dependencies. Each returns a `Chart`: ``svg`` for the page (colours by class, so dark mode
works), ``standalone`` for documents (colours written out), ``finding`` (the sentence a screen reader hears),
``signals``, and ``columns`` with ``rows`` as its table.
"""

from .bars import bar_chart, histogram
from .control import control_chart, p_chart, u_chart
from .drawing import Chart
from .flow import cumulative_flow
from .heat import heat_map
from .lines import Band, burn_up, line_chart
from .radar import radar_chart
from .spark import sparkline
from .timeline import Marker, Span, timeline_chart

__all__ = [
    "Band",
    "Chart",
    "Marker",
    "Span",
    "bar_chart",
    "burn_up",
    "control_chart",
    "cumulative_flow",
    "heat_map",
    "histogram",
    "line_chart",
    "p_chart",
    "radar_chart",
    "sparkline",
    "timeline_chart",
    "u_chart",
]
