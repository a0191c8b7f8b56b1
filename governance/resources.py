"""Resources of governance, part by part."""

from . import resources_changes, resources_evidence, resources_gates  # noqa: F401
