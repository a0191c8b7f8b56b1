"""Governance's own check kinds, loaded into the registry. Other apps import theirs in their extensions."""

from . import (
    delivery,
    deployment,
    documents,
    expressions,
    presence,
    promotion,
    reports,
    scans,
    sign_offs,
    supply_chain,
    windows,
)

__all__ = [
    "delivery",
    "deployment",
    "documents",
    "expressions",
    "presence",
    "promotion",
    "reports",
    "scans",
    "sign_offs",
    "supply_chain",
    "windows",
]
