"""Dashboards: each declares itself once and gets page, rows, JSON, CSV, PDF, PNG and schedule from it."""

from .answer import Answer, Definition, Exclusion, Figure, Gap, Link, Table
from .registry import Dashboard, Option, dashboard, dashboards, found_dashboard

__all__ = [
    "Answer",
    "Dashboard",
    "Definition",
    "Exclusion",
    "Figure",
    "Gap",
    "Link",
    "Option",
    "Table",
    "dashboard",
    "dashboards",
    "found_dashboard",
]
