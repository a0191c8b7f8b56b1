"""Models of metrics: roll-ups, declared changes, scheduled reports, stage runs, signals of production, objectives and indicators."""

from .feedback import FEEDBACK_SOURCES, FeedbackCount, FeedbackSignal
from .objective import Kpi, KpiDirection, Slo, SloKind
from .reporting import DeclaredChange, ReportSchedule
from .rollup import ServiceDay, ServiceSpan, Touched
from .stage_runs import StageRun

__all__ = [
    "FEEDBACK_SOURCES",
    "DeclaredChange",
    "FeedbackCount",
    "FeedbackSignal",
    "Kpi",
    "KpiDirection",
    "ReportSchedule",
    "ServiceDay",
    "ServiceSpan",
    "Slo",
    "SloKind",
    "StageRun",
    "Touched",
]
