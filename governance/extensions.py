"""What governance plugs into lower floors, part by part."""

from . import extensions_changes, extensions_evidence, extensions_gates, extensions_releases  # noqa: F401
