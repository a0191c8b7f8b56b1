"""Resources of governance, part by part."""

from . import auditing, auditors, changes, controls, documents, evidence, gates, retention, supply_chain  # noqa: F401
