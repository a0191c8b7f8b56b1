"""Resources of governance, part by part."""

from . import changes, controls, documents, evidence, gates, retention, supply_chain  # noqa: F401
