"""Models of metrics: roll-ups, declared changes, scheduled reports, stage runs, signals of production."""

from .feedback import FEEDBACK_SOURCES, FeedbackCount, FeedbackSignal
from .reporting import DeclaredChange, ReportSchedule
from .rollup import ServiceDay, Touched
from .stage_runs import StageRun

__all__ = [
    "FEEDBACK_SOURCES",
    "DeclaredChange",
    "FeedbackCount",
    "FeedbackSignal",
    "ReportSchedule",
    "ServiceDay",
    "StageRun",
    "Touched",
]
