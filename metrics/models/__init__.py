"""Models of metrics: roll-ups, declared changes, scheduled reports."""

from .reporting import DeclaredChange, ReportSchedule
from .rollup import ServiceDay, Touched

__all__ = ["DeclaredChange", "ReportSchedule", "ServiceDay", "Touched"]
