"""Governance's own check kinds, loaded into the registry. Other apps import theirs in their extensions."""

from . import deployment, documents, reports, scans

__all__ = ["deployment", "documents", "reports", "scans"]
