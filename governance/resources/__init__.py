"""Resources of governance, part by part."""

from . import (  # noqa: F401
    attachments,
    auditing,
    auditors,
    boardroom,
    changes,
    controls,
    decisions,
    documents,
    duties,
    evidence,
    gates,
    promotion,
    readiness,
    retention,
    supply_chain,
)
