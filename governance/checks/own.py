"""Governance's own check kinds, loaded into the registry. Other apps import theirs in their extensions."""

from . import deployment, reports, scans

__all__ = ["deployment", "reports", "scans"]
